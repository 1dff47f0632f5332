# SPDX-License-Identifier: Apache-2.0
"""QoS specs, on each kind of database: no type is left with specs that are gone, however many change them at once."""

import concurrent.futures
import itertools
import threading
import uuid

import pytest
import stand_in

from blockctl import exceptions
from blockctl.db import pages
from blockctl.db import qos_specs
from blockctl.db import volume_types
from blockctl.operations import qos_specs as operations


@pytest.fixture
def ctx(any_app):
    any_app.policy = stand_in.Anybody()
    return stand_in.make_context(any_app)


def make(ctx, name, consumer='front-end', **specs):
    qos_specs_id = str(uuid.uuid4())
    with ctx.writing():
        qos_specs.insert(ctx, qos_specs_id, name, consumer, specs)
    return qos_specs_id


def make_type(ctx, name):
    type_id = str(uuid.uuid4())
    with ctx.writing():
        volume_types.insert_type(ctx, type_id, name, None, True, {})
    return type_id


def specs(ctx, qos_specs_id):
    with ctx.reading():
        return qos_specs.specs_of(ctx, [qos_specs.get(ctx, qos_specs_id)])[qos_specs_id]


def of_type(ctx, type_id):
    with ctx.reading():
        return qos_specs.of_type(ctx, type_id)


def test_names_are_unique(ctx):
    make(ctx, 'fast')
    make(ctx, 'Fast')
    with pytest.raises(exceptions.QosSpecsExist, match='fast'):
        make(ctx, 'fast')


def test_specs_are_changed_added_and_removed(ctx):
    fast = make(ctx, 'fast', a='1', b='2')
    operations.update(ctx, fast, None, {'b': None, 'c': '\u2603', 'd': None})
    assert specs(ctx, fast) == {'a': '1', 'b': None, 'c': '\u2603'}
    with pytest.raises(exceptions.QosSpecNotFound, match='nothing'):
        operations.delete_keys(ctx, fast, ['a', 'nothing'])
    assert specs(ctx, fast) == {'a': '1', 'b': None, 'c': '\u2603'}
    operations.delete_keys(ctx, fast, ['a', 'b', 'a'])
    assert specs(ctx, fast) == {'c': '\u2603'}
    with ctx.reading():
        assert qos_specs.get(ctx, fast).consumer == 'front-end'
    operations.update(ctx, fast, 'both', {})
    with ctx.reading():
        assert qos_specs.get(ctx, fast).consumer == 'both'


def test_what_is_not_there(ctx):
    for act in (operations.show, operations.types, operations.delete, operations.disassociate_all,
                lambda *args: operations.update(*args, None, {}), lambda *args: operations.delete_keys(*args, ['a'])):
        for name in (str(uuid.uuid4()), 'x' * 37, '\u2603'):
            with pytest.raises(exceptions.QosSpecsNotFound):
                act(ctx, name)


def test_a_type_has_one(ctx):
    fast, slow, gold = make(ctx, 'fast', a='1'), make(ctx, 'slow'), make_type(ctx, 'gold')
    assert of_type(ctx, gold) == of_type(ctx, None) == qos_specs.OfType()
    for _ in range(2):
        operations.associate(ctx, fast, gold)
    assert of_type(ctx, gold) == qos_specs.OfType('front-end', {'a': '1'})
    with pytest.raises(exceptions.VolumeTypeHasQosSpecs, match=fast):
        operations.associate(ctx, slow, gold)
    operations.disassociate(ctx, slow, gold)  # it has others: they stay
    assert [row.name for row in operations.types(ctx, fast)] == ['gold']
    operations.disassociate(ctx, fast, gold)
    operations.associate(ctx, slow, gold)
    assert of_type(ctx, gold) == qos_specs.OfType('front-end', {})


def test_what_types_have_goes_by_force_only(ctx):
    fast, gold = make(ctx, 'fast', a='1'), make_type(ctx, 'gold')
    operations.associate(ctx, fast, gold)
    with pytest.raises(exceptions.QosSpecsInUse, match=fast):
        operations.delete(ctx, fast)
    operations.delete(ctx, fast, force=True)
    with ctx.reading():
        assert volume_types.get(ctx, gold).qos_specs_id is None


def test_a_type_that_goes_frees_them(ctx):
    fast, gold = make(ctx, 'fast'), make_type(ctx, 'gold')
    operations.associate(ctx, fast, gold)
    with ctx.writing():
        volume_types.delete(ctx, gold)
    operations.delete(ctx, fast)


def at_once(app, *acts):
    """What each of ``acts`` raised, or None."""
    start = threading.Barrier(len(acts))

    def run(act):
        start.wait(10)
        try:
            act(stand_in.make_context(app))
        except exceptions.Error as error:
            return type(error)
        return None

    with concurrent.futures.ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_deleted_while_types_get_them(ctx):
    """Either they are gone, and no type has them; or they stayed, because a type was faster."""
    for turn in range(8):
        fast = make(ctx, f'fast {turn}')
        types = [make_type(ctx, f'gold {turn} {number}') for number in range(3)]
        deleted, *associated = at_once(ctx.app, lambda other, fast=fast: operations.delete(other, fast), *(
            lambda other, fast=fast, type_id=type_id: operations.associate(other, fast, type_id) for type_id in types))
        with ctx.reading():
            having = [type_id for type_id in types if volume_types.get(ctx, type_id).qos_specs_id]
        if deleted is None:
            assert having == []
            assert associated == [exceptions.QosSpecsNotFound] * 3
        else:
            assert deleted is exceptions.QosSpecsInUse
            assert having == types
            assert associated == [None] * 3


def test_a_type_that_gets_two_at_once_gets_one(ctx):
    for turn in range(8):
        gold = make_type(ctx, f'gold {turn}')
        both = [make(ctx, f'{name} {turn}') for name in ('fast', 'slow')]
        outcomes = at_once(ctx.app, *(
            lambda other, each=each, gold=gold: operations.associate(other, each, gold) for each in both))
        assert sorted(outcomes, key=str) == [exceptions.VolumeTypeHasQosSpecs, None]
        with ctx.reading():
            assert volume_types.get(ctx, gold).qos_specs_id == both[outcomes.index(None)]


def test_pages_by_each_key_give_every_row_once(ctx):
    for number in range(5):
        make(ctx, f'specs {number}', consumer='both' if number % 2 else 'front-end')
    for key, direction in itertools.product(qos_specs.SORTS, ('asc', 'desc')):
        found, marker = [], None
        while rows := _page(ctx, limit=2, marker=marker, sorts=((key, direction),)):
            found += [row.name for row in rows]
            marker = rows[-1].id
        assert len(found) == len(set(found)) == 5, (key, direction)


def _page(ctx, **page):
    with ctx.reading():
        return qos_specs.page(ctx, pages.Page(**page)).rows

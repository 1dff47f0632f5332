# SPDX-License-Identifier: Apache-2.0
"""Volume types, on each kind of database: names and use are decided by its keys."""

import itertools
import uuid

import pytest
import sqlalchemy as sa
import stand_in

from blockctl import exceptions
from blockctl.db import pages
from blockctl.db import quotas
from blockctl.db import volume_types
from blockctl.db import volumes
from blockctl.db.conditions import Wanted
from blockctl.db.tables import volume_type_projects


@pytest.fixture
def ctx(any_app):
    return stand_in.make_context(any_app)


def make(ctx, name, *, is_public=True, **specs):
    type_id = str(uuid.uuid4())
    with ctx.writing():
        volume_types.insert_type(ctx, type_id, name, None, is_public, specs)
    return type_id


def names(ctx, filters=None, **page):
    with ctx.reading():
        found = volume_types.page(ctx, [volume_types.usable(ctx.project_id)], filters or {},
                                  pages.Page(**{'limit': 100, 'sorts': (('name', 'asc'),), **page}))
    return [row.name for row in found.rows]


def test_names_are_compared_code_point_by_code_point(ctx):
    for name in ('gold', 'Gold', 'g\u00f6ld', '\U0001f4be'):
        make(ctx, name)
    with pytest.raises(exceptions.VolumeTypeExists, match='gold'):
        make(ctx, 'gold')
    with ctx.reading():
        assert volume_types.named(ctx, '\U0001f4be').name == '\U0001f4be'


def test_a_change_to_a_taken_name_changes_nothing(ctx):
    make(ctx, 'gold')
    silver = make(ctx, 'silver')
    with pytest.raises(exceptions.VolumeTypeExists, match='gold'), ctx.writing():
        volume_types.change(ctx, silver, {'name': 'gold', 'description': 'new'})
    with ctx.reading():
        assert volume_types.get(ctx, silver).description is None


def test_a_change_to_its_own_name_is_none(ctx):
    gold = make(ctx, 'gold')
    with ctx.writing():
        volume_types.change(ctx, gold, {'name': 'gold', 'is_public': False})
        assert not volume_types.get(ctx, gold).is_public


def test_what_is_not_there(ctx):
    for act in (volume_types.get, volume_types.delete, lambda *args: volume_types.change(*args, {'name': 'x'})):
        with pytest.raises(exceptions.VolumeTypeNotFound), ctx.writing():
            act(ctx, str(uuid.uuid4()))
    with pytest.raises(exceptions.VolumeTypeNotFoundByName), ctx.reading():
        volume_types.named(ctx, 'x')


def test_a_type_that_volumes_have_stays(ctx):
    gold = make(ctx, 'gold', a='b')
    with ctx.writing():
        volumes.insert(ctx, {}, id=str(uuid.uuid4()), project_id='p1', size=1, status='available', volume_type_id=gold)
    with pytest.raises(exceptions.VolumeTypeInUse, match=gold), ctx.writing():
        volume_types.delete(ctx, gold)
    with ctx.reading():
        assert volume_types.in_use(ctx, gold)
        assert volume_types.extra_specs(ctx, gold) == {'a': 'b'}


def test_with_a_type_goes_all_that_was_kept_for_it(ctx):
    gold, silver = make(ctx, 'gold', is_public=False, a='b'), make(ctx, 'silver', a='b')
    with ctx.writing():
        ctx.conn.execute(sa.insert(volume_type_projects).values(volume_type_id=gold, project_id='p1'))
        for type_id in (gold, silver):
            quotas.set_limits(ctx, 'p1', {f'volumes_{type_id}': 3})
            quotas.set_class_limits(ctx, 'default', {f'snapshots_{type_id}': 4})
            quotas.reserve(ctx, 'p1', quotas.volume_deltas(2, type_id))
            quotas.give_back(ctx, 'p1', quotas.volume_deltas(2, type_id))
    with ctx.writing():
        volume_types.delete(ctx, gold)
    with ctx.reading():
        left = quotas.limits(ctx, 'p1') | quotas.usages(ctx, 'p1')
        assert not [name for name in left if gold in name]
        assert len([name for name in left if silver in name]) == 3
        assert volume_types.extra_specs(ctx, gold) == {}
        assert volume_types.extra_specs(ctx, silver) == {'a': 'b'}


def test_extra_specs_are_added_changed_and_removed(ctx):
    gold = make(ctx, 'gold', a='1', b='2')
    with ctx.writing():
        volume_types.set_extra_specs(ctx, gold, {'b': None, 'c': '\u2603'})
        volume_types.set_extra_specs(ctx, gold, {'c': '\u2603'})
        volume_types.delete_extra_spec(ctx, gold, 'a')
        assert volume_types.extra_specs(ctx, gold) == {'b': None, 'c': '\u2603'}
    with pytest.raises(exceptions.ExtraSpecNotFound), ctx.writing():
        volume_types.delete_extra_spec(ctx, gold, 'a')


def test_private_types_are_for_projects_that_were_given_them(ctx):
    gold = make(ctx, 'gold', is_public=False)
    make(ctx, 'silver', is_public=False)
    with ctx.writing():
        ctx.conn.execute(sa.insert(volume_type_projects).values(volume_type_id=gold, project_id='p1'))
    assert names(ctx) == ['__DEFAULT__', 'gold']
    assert names(stand_in.make_context(ctx.app, 'p2')) == ['__DEFAULT__']


def test_filters(ctx):
    make(ctx, 'gold', backend='one', fast='yes')
    make(ctx, 'g\u00f6ld', backend='one')
    assert names(ctx, {'name': Wanted('eq', 'g\u00f6ld')}) == ['g\u00f6ld']
    assert names(ctx, {'extra_specs': Wanted('pairs', {'backend': 'one', 'fast': 'yes'})}) == ['gold']
    assert names(ctx, {'extra_specs': Wanted('pairs', {'backend': '\u2603'})}) == []
    assert names(ctx, {'colour': Wanted('eq', 'red')}) == []


def test_pages_by_each_key_give_every_row_once(ctx):
    for number in range(5):
        make(ctx, f'type {number}', is_public=number % 2 == 0)
    for key, direction in itertools.product(volume_types.SORTS, ('asc', 'desc')):
        found, marker = [], None
        while rows := _page(ctx, limit=2, marker=marker, sorts=((key, direction),)):
            found += [row.name for row in rows]
            marker = rows[-1].id
        assert len(found) == len(set(found)) == 6, (key, direction)


def _page(ctx, **page):
    with ctx.reading():
        return volume_types.page(ctx, [], {}, pages.Page(**page)).rows


def test_a_list_of_any_length_takes_two_statements(ctx):
    for number in range(5):
        make(ctx, f'type {number}', a='b', c='d')
    statements = []
    with ctx.reading():
        sa.event.listen(ctx.conn, 'before_cursor_execute', lambda *args: statements.append(args[2]))
        found = volume_types.page(ctx, [], {}, pages.Page(limit=100))
        specs = volume_types.specs_of(ctx, found.rows)
    assert len(specs) == 6
    assert len(statements) == 2

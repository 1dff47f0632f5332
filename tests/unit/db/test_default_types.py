# SPDX-License-Identifier: Apache-2.0
"""Default types of projects, on each kind of database: a type that is one stays, whoever is faster."""

import concurrent.futures
import threading
import uuid

import pytest
import stand_in

from blockctl import exceptions
from blockctl.db import default_types
from blockctl.db import volume_choices
from blockctl.db import volume_type_access
from blockctl.db import volume_types
from blockctl.operations import default_types as operations
from blockctl.operations import volume_types as type_operations


@pytest.fixture
def ctx(any_app):
    any_app.policy = stand_in.Anybody()
    return stand_in.make_context(any_app)


def make_type(ctx, name, *, is_public=True):
    type_id = str(uuid.uuid4())
    with ctx.writing():
        volume_types.insert_type(ctx, type_id, name, None, is_public, {})
    return type_id


def put(ctx, project_id, type_id):
    with ctx.writing():
        default_types.put(ctx, project_id, type_id)


def chosen(ctx):
    with ctx.reading():
        return volume_choices.default_type(ctx).name


def test_a_project_has_one(ctx):
    gold, silver = make_type(ctx, 'gold'), make_type(ctx, 'silver')
    put(ctx, 'p1', gold)
    put(ctx, 'p2', gold)
    put(ctx, 'p1', silver)
    with ctx.reading():
        assert [(row.project_id, row.volume_type_id) for row in default_types.rows(ctx)] == [
            ('p1', silver), ('p2', gold)]
        assert default_types.get(ctx, 'p1').updated_at is not None
        assert default_types.is_default(ctx, gold)
    with ctx.writing():
        default_types.remove(ctx, 'p2')
        default_types.remove(ctx, 'p2')
    with pytest.raises(exceptions.DefaultTypeNotFound, match='p2'), ctx.reading():
        default_types.get(ctx, 'p2')
    with ctx.reading():
        assert not default_types.is_default(ctx, gold)


def test_of_no_such_type(ctx):
    with pytest.raises(exceptions.VolumeTypeNotFound):
        put(ctx, 'p1', str(uuid.uuid4()))
    put(ctx, 'p1', make_type(ctx, 'gold'))
    with pytest.raises(exceptions.VolumeTypeNotFound):
        put(ctx, 'p1', str(uuid.uuid4()))


def test_which_type_holds(ctx):
    assert chosen(ctx) == '__DEFAULT__'
    gold = make_type(ctx, 'gold', is_public=False)
    put(ctx, 'p2', gold)
    assert chosen(ctx) == '__DEFAULT__'
    put(ctx, 'p1', gold)
    with pytest.raises(exceptions.VolumeTypeNotFound, match=gold):
        chosen(ctx)
    with ctx.writing():
        volume_type_access.add(ctx, gold, 'p1')
    assert chosen(ctx) == 'gold'
    with pytest.raises(exceptions.VolumeTypeNotFound):
        chosen(stand_in.make_context(ctx.app, 'p2'))


def test_without_the_type_of_the_configuration(ctx):
    ctx.conf.set_override('default_volume_type', 'missing')
    with pytest.raises(exceptions.VolumeTypeNotFoundByName, match='missing'):
        chosen(ctx)
    put(ctx, 'p1', make_type(ctx, 'gold'))
    assert chosen(ctx) == 'gold'


def test_a_type_goes_while_it_becomes_a_default(ctx):
    for turn in range(8):
        name = f'gold {turn}'
        gold = make_type(ctx, name)
        start = threading.Barrier(2)

        def run(act, start=start):
            start.wait(10)
            try:
                act(stand_in.make_context(ctx.app))
            except exceptions.Error as error:
                return type(error)
            return None

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            deleted, set_ = pool.map(run, (
                lambda other, gold=gold: type_operations.delete(other, gold),
                lambda other, gold=gold: operations.update(other, 'p1', gold)))
        with ctx.reading():
            is_default = default_types.is_default(ctx, gold)
        assert is_default == (set_ is None)
        assert (deleted is None) == (not is_default)
        assert deleted in (None, exceptions.DefaultVolumeType, exceptions.VolumeTypeInUse)
        assert set_ in (None, exceptions.VolumeTypeNotFound, exceptions.InvalidField)

# SPDX-License-Identifier: Apache-2.0
"""Who may use a private type, on each kind of database."""

import concurrent.futures
import uuid

import pytest
import stand_in

from blockctl import exceptions
from blockctl.db import volume_choices
from blockctl.db import volume_type_access
from blockctl.db import volume_types


@pytest.fixture
def ctx(any_app):
    return stand_in.make_context(any_app)


@pytest.fixture
def gold(ctx):
    type_id = str(uuid.uuid4())
    with ctx.writing():
        volume_types.insert_type(ctx, type_id, 'gold', None, False, {})
    return type_id


def add(ctx, type_id, project_id):
    with ctx.writing():
        volume_type_access.add(ctx, type_id, project_id)


def choose(ctx):
    with ctx.reading():
        return volume_choices.volume_type(ctx, 'gold')


def test_projects_come_and_go(ctx, gold):
    assert choose(ctx) is None
    add(ctx, gold, 'p2')
    add(ctx, gold, 'p1')
    assert choose(ctx).id == gold
    with ctx.reading():
        assert volume_type_access.projects(ctx, gold) == ['p1', 'p2']
    with ctx.writing():
        volume_type_access.remove(ctx, gold, 'p1')
    assert choose(ctx) is None
    with pytest.raises(exceptions.VolumeTypeAccessNotFound, match='p1'), ctx.writing():
        volume_type_access.remove(ctx, gold, 'p1')


def test_of_a_type_that_is_gone(ctx, gold):
    with ctx.writing():
        volume_types.delete(ctx, gold)
    with pytest.raises(exceptions.VolumeTypeNotFound, match=gold):
        add(ctx, gold, 'p1')


def test_a_project_is_let_once(ctx, gold):
    def let(_):
        try:
            add(stand_in.make_context(ctx.app), gold, 'p1')
        except exceptions.VolumeTypeAccessExists:
            return False
        return True

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(let, range(8))) == 1

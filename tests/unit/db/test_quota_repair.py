# SPDX-License-Identifier: Apache-2.0
"""Usage that is not what the rows say: found exactly, and put right, on each kind of database."""

import threading
import uuid

import pytest
import sqlalchemy as sa

import stand_in
from blockctl.db import checks
from blockctl.db import deadlocks
from blockctl.db import quota_repair
from blockctl.db import quotas
from blockctl.db import tables
from blockctl.db import volumes


@pytest.fixture
def ctx(any_app):
    any_app.conf.set_override('quota_volumes', -1)
    return stand_in.make_context(any_app)


@deadlocks.retried
def make_volume(ctx, project='p1', size=1):
    with ctx.writing():
        quotas.reserve(ctx, project, quotas.volume_deltas(size, None))
        volume_id = str(uuid.uuid4())
        volumes.insert(ctx, {}, id=volume_id, project_id=project, size=size, status='available', host=None)
        return volume_id


@deadlocks.retried
def remove_volume(ctx, volume_id):
    with ctx.writing():
        volumes.remove(ctx, volumes.get(ctx, volume_id))


def say(ctx, project, resource, amount):
    with ctx.writing() as conn:
        conn.execute(sa.update(tables.quota_usages).where(
            tables.quota_usages.c.project_id == project, tables.quota_usages.c.resource == resource,
        ).values(in_use=amount))


def usage(ctx):
    with ctx.reading():
        return checks.usage(ctx)


def test_what_is_wrong_is_found_and_put_right(ctx):
    make_volume(ctx, 'p1', 2)
    make_volume(ctx, 'p2', 3)
    assert quota_repair.suspects(ctx) == []
    say(ctx, 'p1', 'volumes', 9)
    say(ctx, 'p1', 'gigabytes', 0)
    say(ctx, 'p2', 'volumes', -1)
    assert quota_repair.suspects(ctx) == ['p1', 'p2']
    assert quota_repair.suspects(ctx, 'p2') == ['p2']
    assert quota_repair.suspects(ctx, 'p3') == []
    wrong = [('p1', 'gigabytes', 0, 2), ('p1', 'volumes', 9, 1)]
    assert quota_repair.differences(ctx, 'p1') == wrong
    assert quota_repair.repair(ctx, 'p1') == wrong
    assert usage(ctx) == [('p2', 'volumes', -1, 1)]
    assert quota_repair.repair(ctx, 'p2') == [('p2', 'volumes', -1, 1)]
    assert usage(ctx) == []


def test_usage_that_nobody_recorded(ctx):
    make_volume(ctx, 'p1', 2)
    with ctx.writing() as conn:
        conn.execute(sa.delete(tables.quota_usages))
    assert quota_repair.repair(ctx, 'p1') == [('p1', 'gigabytes', 0, 2), ('p1', 'volumes', 0, 1)]
    assert usage(ctx) == []


def test_usage_of_nothing(ctx):
    remove_volume(ctx, make_volume(ctx))
    say(ctx, 'p1', 'volumes', 4)
    assert quota_repair.repair(ctx, 'p1') == [('p1', 'volumes', 4, 0)]
    assert usage(ctx) == []


def test_requests_that_come_in_meanwhile_are_no_difference(any_app, ctx):
    """Nor does putting right undo what they took."""
    stop, failed = threading.Event(), []

    def work():
        own = stand_in.make_context(any_app)
        try:
            while not stop.is_set():
                remove_volume(own, make_volume(own))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        found = [quota_repair.repair(ctx, 'p1') for _ in range(60)]
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert failed == []
    assert found == [[]] * 60
    assert usage(ctx) == []

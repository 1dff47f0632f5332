# SPDX-License-Identifier: Apache-2.0
"""Interrupted work that is looked at now."""

import types
import uuid

import pytest
import sqlalchemy as sa
import stand_in

from blockctl import exceptions
from blockctl.db import jobs
from blockctl.db import services
from blockctl.db import tables
from blockctl.db.columns import utcnow
from blockctl.operations import workers

HOST = 'node@one'


@pytest.fixture
def ctx(any_app):
    any_app.policy = types.SimpleNamespace(allows=lambda *_: True)
    ctx = stand_in.make_context(any_app)
    with ctx.writing():
        for binary, host in (('cinder-volume', HOST), ('cinder-volume', 'node@two'), ('cinder-scheduler', 'node')):
            services.register(ctx, binary, host, 'nova', {
                'incarnation': 'i1', 'machine': 'm', 'boot': 'b', 'pid': 1, 'started': 1, 'version': '1'})
    return ctx


def waiting(ctx, topic, kind='volume.delete', **values):
    """A job that has failed and waits for an hour before its next try. Returns the id of its resource."""
    resource_id = str(uuid.uuid4())
    with ctx.writing() as conn:
        job_id = jobs.post(ctx, kind, resource_id, topic, {}, not_before=None)
        conn.execute(sa.update(tables.jobs).where(tables.jobs.c.id == job_id).values(
            **{'not_before': utcnow(3600), 'started_at': utcnow(), 'failing_since': utcnow(), 'tries': 1, **values}))
    return resource_id


def due(ctx, topic=HOST):
    """Whose jobs can be claimed now."""
    with ctx.reading():
        return {jobs.get(ctx, job_id).resource_id for job_id in jobs.due(ctx, topic, 100)}


def clean(ctx, **which):
    ctx.app.doorbell.rung.clear()
    cleaning, unavailable = workers.clean(ctx, workers.Which(is_up=None, **which))
    return [row.host for row in cleaning], [row.host for row in unavailable]


def test_jobs_that_failed_wait_no_longer(ctx):
    one, two, mine = waiting(ctx, HOST), waiting(ctx, 'node@two'), waiting(ctx, 'scheduler', 'volume.create')
    assert due(ctx) == set()
    assert clean(ctx, host=HOST) == ([HOST], [])
    assert (due(ctx), due(ctx, 'node@two'), due(ctx, 'scheduler')) == ({one}, set(), set())
    assert [rung[:2] for rung in ctx.app.doorbell.rung] == [(HOST, 'look_again')]
    assert clean(ctx) == (['node', HOST, 'node@two'], [])
    assert (due(ctx, 'node@two'), due(ctx, 'scheduler')) == ({two}, {mine})


def test_those_of_one_resource_or_kind(ctx):
    volume, snapshot = waiting(ctx, HOST), waiting(ctx, HOST, 'snapshot.delete')
    assert clean(ctx, resource='snapshot') == (['node', HOST, 'node@two'], [])
    assert due(ctx) == {snapshot}
    assert clean(ctx, resource_id=volume) == ([HOST], [])
    assert due(ctx) == {snapshot, volume}


def test_a_wait_for_anothers_lease_goes_on(ctx):
    """Not a pause between tries: the worker of the job before may still act."""
    waiting(ctx, HOST, failing_since=None, started_at=None)
    waiting(ctx, HOST, owner='i2', lease_until=utcnow(60))
    clean(ctx)
    assert due(ctx) == set()
    assert ctx.app.doorbell.rung == []


def test_nobody_cleans_up_for_a_backend_that_is_gone(ctx):
    gone = waiting(ctx, HOST)
    with ctx.writing():
        services.leave(ctx, 'i1')
    assert clean(ctx, binary='cinder-volume') == ([], [HOST, 'node@two'])
    assert clean(ctx, resource_id=gone) == ([], [HOST])
    assert due(ctx) == set()


def test_a_resource_without_work(ctx):
    with pytest.raises(exceptions.InvalidRequest, match='pending cleanup'):
        clean(ctx, resource_id=str(uuid.uuid4()))

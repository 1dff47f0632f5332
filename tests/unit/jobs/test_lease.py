# SPDX-License-Identifier: Apache-2.0
"""Who may act: told by the clock, and renewed only while the work moves."""

import os
import time
import types
import uuid

import pytest
import sqlalchemy as sa
import stand_in

from blockctl import exceptions
from blockctl.db import jobs
from blockctl.db import services
from blockctl.db import tables
from blockctl.jobs import incarnation
from blockctl.jobs import lease


@pytest.fixture
def beat(app):
    return lease.Beat(stand_in.make_context(app), incarnation.describe())


def claimed(ctx, beat):
    with ctx.writing():
        job_id = jobs.post(ctx, 'volume.create', str(uuid.uuid4()), 'scheduler', {})
        return jobs.claim(ctx, job_id, ['scheduler'], beat.incarnation, beat.lease_seconds, '')


def lease_until(ctx, job):
    with ctx.reading():
        return jobs.get(ctx, job.id).lease_until


def test_an_effect_must_end_before_the_lease(ctx, beat):
    held = beat.hold(claimed(ctx, beat), time.monotonic() + 10)
    held.enter(5)
    held.check()
    held.enter(15)
    with pytest.raises(exceptions.LeaseLost):
        held.check()


def test_a_beat_renews(ctx, beat):
    job = claimed(ctx, beat)
    held = beat.hold(job, time.monotonic())
    with pytest.raises(exceptions.LeaseLost):
        held.check()
    before = lease_until(ctx, job)
    beat.beat()
    held.check()
    assert lease_until(ctx, job) > before


def test_a_step_without_progress_is_not_vouched_for(ctx, beat):
    job = claimed(ctx, beat)
    held = beat.hold(job, beat.began())
    held.deadline = time.monotonic() - 1
    before = lease_until(ctx, job)
    beat.beat()
    assert lease_until(ctx, job) == before
    held.progress(0.5)
    beat.beat()
    assert lease_until(ctx, job) > before


def test_a_job_taken_over_is_lost_at_the_next_beat(ctx, beat):
    job = claimed(ctx, beat)
    held = beat.hold(job, beat.began())
    held.check()
    with ctx.writing():
        ctx.conn.execute(sa.update(tables.jobs).values(owner='other', epoch=job.epoch + 1))
    beat.beat()
    with pytest.raises(exceptions.LeaseLost):
        held.check()


def test_a_dead_process_of_this_machine_is_reaped(ctx, beat):
    dead = {**incarnation.describe(), 'pid': 2 ** 22 + 1}  # above the largest pid there can be
    with ctx.writing():
        services.register(ctx, 'cinder-volume', 'h@b', 'nova', dead)
        job_id = jobs.post(ctx, 'volume.create', str(uuid.uuid4()), 'scheduler', {})
        jobs.claim(ctx, job_id, ['scheduler'], dead['incarnation'], 600, '')
    beat.serve(ctx, 'cinder-scheduler', 'h', 'nova')
    beat.beat()
    with ctx.reading():
        assert jobs.due(ctx, 'scheduler', 10) == [job_id]
        assert services.alive(ctx, 'cinder-volume', 60) == set()
        assert services.alive(ctx, 'cinder-scheduler', 60) == {'h'}


def test_a_forgotten_process_registers_anew(ctx, beat):
    beat.serve(ctx, 'cinder-scheduler', 'h', 'nova')
    with ctx.writing():
        services.leave(ctx, beat.incarnation)
    beat.beat()
    with ctx.reading():
        assert services.alive(ctx, 'cinder-scheduler', 60) == {'h'}


@pytest.mark.parametrize(('changed', 'dead'), [
    ({}, False), ({'started': 1}, True), ({'boot': 'another'}, True), ({'pid': 2 ** 22 + 1}, True),
    ({'machine': 'another', 'pid': 2 ** 22 + 1}, False)])
def test_dead_is_only_what_certainly_is(changed, dead):
    process = types.SimpleNamespace(**{**incarnation.describe(), **changed})
    assert process.pid == changed.get('pid', os.getpid())
    assert incarnation.is_dead(process) is dead

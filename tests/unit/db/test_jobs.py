# SPDX-License-Identifier: Apache-2.0
"""Claiming, leases and the fence around a job's writes."""

import concurrent.futures
import uuid

import pytest
import sqlalchemy as sa
import stand_in

from blockctl import exceptions
from blockctl.db import jobs
from blockctl.db import tables
from blockctl.db import volumes

LEASE = 60


def post(ctx, resource=None, **kw):
    with ctx.writing():
        return jobs.post(ctx, 'volume.create', resource or str(uuid.uuid4()), 'scheduler', {'size': 1}, **kw)


def claim(ctx, job_id, owner='a', identity='', lease=LEASE):
    with ctx.writing():
        return jobs.claim(ctx, job_id, ['scheduler'], owner, lease, identity)


def row(ctx, job_id):
    with ctx.reading():
        return jobs.get(ctx, job_id)


def end_lease(ctx, job_id):
    with ctx.writing():
        ctx.conn.execute(sa.update(tables.jobs).where(tables.jobs.c.id == job_id).values(
            lease_until=jobs.utcnow(-1)))


def test_a_job_is_claimed_once(ctx):
    job_id = post(ctx)
    job = claim(ctx, job_id, 'a')
    assert (job.owner, job.epoch, job.takeovers) == ('a', 1, 0)
    assert claim(ctx, job_id, 'b') is None


def test_other_topics_do_not_see_it(ctx):
    job_id = post(ctx)
    with ctx.writing():
        assert jobs.claim(ctx, job_id, ['node@rbd'], 'a', LEASE, '') is None
        assert jobs.due(ctx, 'node@rbd', 10) == []
        assert jobs.due(ctx, 'scheduler', 10) == [job_id]


def test_one_live_job_for_each_resource(ctx):
    resource = str(uuid.uuid4())
    job_id = post(ctx, resource)
    with pytest.raises(exceptions.ResourceBusy):
        post(ctx, resource)
    job = claim(ctx, job_id)
    with ctx.writing():
        jobs.finish(ctx, job, 'done')
    assert post(ctx, resource) != job_id
    assert row(ctx, job_id).outcome == 'done'


def test_a_takeover_is_counted_and_remembers_whom_to_fence(ctx):
    job_id = post(ctx)
    first = claim(ctx, job_id, 'a', identity='client-a')
    end_lease(ctx, job_id)
    second = claim(ctx, job_id, 'b', identity='client-b')
    assert (second.takeovers, second.to_fence, second.epoch) == (1, ['client-a'], 2)
    # The fence is in the database already: the first can write no more.
    with pytest.raises(exceptions.LeaseLost), ctx.writing():
        jobs.finish(ctx, first, 'done')
    assert row(ctx, job_id).outcome is None
    # A third remembers both until somebody says it is done.
    end_lease(ctx, job_id)
    third = claim(ctx, job_id, 'c', identity='client-c')
    assert third.to_fence == ['client-a', 'client-b']
    with ctx.writing():
        jobs.advance(ctx, third, to_fence=[])
    assert row(ctx, job_id).to_fence == []


def test_a_lost_lease_rolls_back_what_came_with_it(ctx):
    job_id = post(ctx)
    job = claim(ctx, job_id)
    end_lease(ctx, job_id)
    claim(ctx, job_id, 'b')
    with pytest.raises(exceptions.LeaseLost), ctx.writing():
        volumes.insert(ctx, {}, id='v', project_id='p', size=1, status='creating')
        jobs.advance(ctx, job, step='x')
    with ctx.reading():
        assert not volumes.exists(ctx, 'v')


def test_a_job_given_back_is_no_takeover(ctx):
    job_id = post(ctx)
    job = claim(ctx, job_id, identity='client-a')
    with ctx.writing():
        jobs.put_back(ctx, job, 0, failed=True)
    job = claim(ctx, job_id, 'b')
    assert (job.takeovers, job.to_fence, job.tries) == (0, [], 1)
    assert row(ctx, job_id).failing_since is not None


def test_a_pause_is_kept(ctx):
    job_id = post(ctx)
    job = claim(ctx, job_id)
    with ctx.writing():
        jobs.put_back(ctx, job, 100, failed=True)
    assert claim(ctx, job_id) is None
    with ctx.reading():
        assert jobs.due(ctx, 'scheduler', 10) == []


def test_a_hand_over_starts_afresh(ctx):
    job_id = post(ctx)
    job = claim(ctx, job_id)
    with ctx.writing():
        jobs.hand_over(ctx, job, 'node@rbd')
    found = row(ctx, job_id)
    assert (found.topic, found.owner, found.started_at, found.tries) == ('node@rbd', None, None, 0)


def test_newer_jobs_are_left_to_newer_workers(ctx):
    job_id = post(ctx)
    with ctx.writing():
        ctx.conn.execute(sa.update(tables.jobs).values(needs=jobs.UNDERSTANDS + 1))
    assert claim(ctx, job_id) is None


def test_superseding_fences_the_worker_and_frees_the_resource(ctx):
    resource = str(uuid.uuid4())
    job = claim(ctx, post(ctx, resource), identity='client-a')
    with ctx.writing():
        to_fence, not_before = jobs.supersede(ctx, resource)
        jobs.post(ctx, 'volume.delete', resource, 'node@rbd', {}, to_fence, not_before)
    assert to_fence == ['client-a']
    # The worker believes in its lease: its successor waits for the end of it.
    with ctx.reading():
        assert jobs.due(ctx, 'node@rbd', 10) == []
    with pytest.raises(exceptions.LeaseLost), ctx.writing():
        jobs.advance(ctx, job, step='x')


def test_renewing_tells_what_is_lost(ctx):
    mine, taken, ended = (claim(ctx, post(ctx)) for _ in range(3))
    end_lease(ctx, taken.id)
    claim(ctx, taken.id, 'b')
    with ctx.writing():
        jobs.finish(ctx, ended, 'done')
        lost = jobs.renew(ctx, 'a', {job.id: job.epoch for job in (mine, taken, ended)}, LEASE)
    assert lost == {taken.id}


def test_a_dead_owner_is_not_waited_for(ctx):
    job_id = post(ctx)
    claim(ctx, job_id, 'dead')
    with ctx.writing():
        assert jobs.expire(ctx, 'dead') == 1
    assert claim(ctx, job_id, 'b').takeovers == 1


def test_a_seized_job_is_written_by_the_sweeper_only(ctx):
    job_id = post(ctx)
    stale = claim(ctx, job_id, identity='client-a')
    end_lease(ctx, job_id)
    with ctx.writing():
        job = jobs.seize(ctx, jobs.get(ctx, job_id))
        jobs.advance(ctx, job, payload={'stranded': True})
    with pytest.raises(exceptions.LeaseLost), ctx.writing():
        jobs.advance(ctx, stale, step='x')
    assert row(ctx, job_id).to_fence == ['client-a']


def test_finished_jobs_are_purged_in_bounded_batches(ctx):
    for _ in range(3):
        job = claim(ctx, post(ctx))
        with ctx.writing():
            jobs.finish(ctx, job, 'done')
    with ctx.writing():
        assert jobs.purge(ctx, 3600, 10) == 0
        assert jobs.purge(ctx, -1, 2) == 2
        assert jobs.purge(ctx, -1, 2) == 1


def test_many_claim_at_once_and_one_gets_it(any_app):
    ctx = stand_in.make_context(any_app)
    ids = [post(ctx) for _ in range(10)]

    def grab(owner):
        mine = stand_in.make_context(any_app)
        return [job_id for job_id in ids if claim(mine, job_id, owner) is not None]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = [job_id for found in pool.map(grab, 'abcdefgh') for job_id in found]
    assert sorted(got) == sorted(ids)

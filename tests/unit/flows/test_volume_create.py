# SPDX-License-Identifier: Apache-2.0
"""The three halves of a create, each on its own: what they write, what they undo, what they leave alone."""

import time
import types

import pytest
import sqlalchemy as sa
from oslo_db import exception as db_exception

import stand_in
from blockctl import exceptions
from blockctl.db import checks
from blockctl.db import jobs
from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db import tables
from blockctl.db import volumes
from blockctl.flows import volume_create
from blockctl.flows import volume_delete
from blockctl.jobs import lease
from blockctl.jobs import runner

POOL = 'node@b1#p'
BACKEND = 'node@b1'


class Driver:
    """Stands in for a backend: what it holds, and what it does next."""

    def __init__(self):
        self.images = set()
        self.fails = []
        self.conf = types.SimpleNamespace(backend_call_timeout=1)
        self.shared_targets = False

    def create(self, volume, effect):
        effect.check()
        if self.fails:
            raise self.fails.pop(0)
        self.images.add(volume.name)

    def delete(self, volume, effect):
        effect.check()
        if self.fails:
            raise self.fails.pop(0)
        self.images.discard(volume.name)


class Picker:
    """Stands in for the scheduler's choice."""

    def __init__(self, *names):
        self._names = names

    def pick(self, ctx, spec):
        return stand_in.choice(spec, [name for name in self._names if name not in spec['excluded']],
                               [('CapacityFilter', 3)])


@pytest.fixture
def driver():
    return Driver()


@pytest.fixture
def pool(ctx):
    with ctx.writing():
        pools.report(ctx, BACKEND, POOL, 1, 0, 100, 0, {})
    return POOL


def accept(ctx, **kw):
    return volume_create.create_volume(ctx, volume_create.CreateVolume(**{'size': 2, 'metadata': {'k': 'v'}, **kw})).id


def work_on(ctx, topic, driver=None):
    with ctx.writing():
        job_id, = jobs.due(ctx, topic, 2)
        job = jobs.claim(ctx, job_id, [topic], 'me', 60, '')
    job_ctx = runner.job_context(ctx.app, job)
    return runner.Work(job_ctx, job, lease.Lease(job, time.monotonic() + 60, 60), driver)


def schedule(ctx, *names):
    volume_create.Schedule(Picker(*names)).run(work_on(ctx, 'scheduler'))


def make(ctx, driver, backend=BACKEND):
    work = work_on(ctx, backend, driver)
    volume_create.Create().run(work)
    return work


def row(ctx, volume_id):
    with ctx.reading():
        return volumes.get(ctx, volume_id)


def all_is_well(ctx):
    with ctx.reading():
        assert checks.usage(ctx) == []
        assert checks.claims(ctx) == []
        assert checks.stranded(ctx) == []


def count(ctx, table):
    with ctx.reading():
        return ctx.conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_all_the_way(ctx, app, driver, pool):
    volume_id = accept(ctx)
    assert row(ctx, volume_id).status == 'creating'
    schedule(ctx, pool)
    assert row(ctx, volume_id).host == pool
    all_is_well(ctx)
    make(ctx, driver)
    made = row(ctx, volume_id)
    assert (made.status, made.launched_at is not None) == ('available', True)
    assert driver.images == {f'volume-{volume_id}'}
    assert [operation for _, operation, _ in app.doorbell.rung] == ['create_volume', 'create_volume']
    assert [event for event, _ in app.notifier.events] == ['volume.create.start', 'volume.create.end']
    all_is_well(ctx)


def test_a_refusal_leaves_nothing(ctx, app):
    app.conf.set_override('quota_gigabytes', 1)
    with pytest.raises(exceptions.OverQuota):
        accept(ctx)
    app.conf.set_override('per_volume_size_limit', 1)
    with pytest.raises(exceptions.VolumeSizeExceedsLimit):
        accept(ctx)
    for table in (tables.volumes, tables.volume_metadata, tables.jobs, tables.quota_usages):
        assert count(ctx, table) == 0
    assert app.doorbell.rung == []


def test_a_deadlock_is_tried_again_as_a_whole(ctx, monkeypatch):
    real, failures = quotas.reserve, [db_exception.DBDeadlock(), db_exception.DBDeadlock()]

    def reserve(*args, **kwargs):
        real(*args, **kwargs)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(quotas, 'reserve', reserve)
    accept(ctx)
    assert count(ctx, tables.volumes) == 1
    all_is_well(ctx)


@pytest.mark.parametrize('committed', [True, False])
def test_a_commit_of_unknown_outcome_is_settled_by_looking(ctx, monkeypatch, committed):
    real, failures = type(ctx).commit, [exceptions.DatabaseUnavailable()]

    def commit(self):
        if failures and not committed:
            raise failures.pop()
        real(self)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(type(ctx), 'commit', commit)
    volume_id = accept(ctx)
    assert row(ctx, volume_id).status == 'creating'
    assert count(ctx, tables.volumes) == 1
    all_is_well(ctx)


def test_no_pool_ends_in_error_with_a_message(ctx):
    volume_id = accept(ctx)
    schedule(ctx)
    assert row(ctx, volume_id).status == 'error'
    with ctx.reading():
        message = ctx.conn.execute(sa.select(tables.messages)).one()
    assert (message.resource_id, message.event_id) == (volume_id, 'VOLUME_VOLUME_001_003')
    assert 'CapacityFilter: 3' in message.user_message
    assert message.request_id == ctx.request_id
    all_is_well(ctx)


def test_room_taken_meanwhile_means_the_next_pool(ctx, pool):
    with ctx.writing():
        pools.report(ctx, 'node@b2', 'node@b2#p', 1, 0, 1, 0, {})
    volume_id = accept(ctx)
    schedule(ctx, 'node@b2#p', pool)
    assert row(ctx, volume_id).host == pool
    all_is_well(ctx)


def test_a_failure_is_undone_and_goes_to_another_pool(ctx, driver, pool):
    volume_id = accept(ctx)
    schedule(ctx, pool)
    driver.fails = [exceptions.BackendFull(reason='full')]
    make(ctx, driver)
    assert (row(ctx, volume_id).status, row(ctx, volume_id).host) == ('creating', None)
    all_is_well(ctx)
    work = work_on(ctx, 'scheduler')
    assert (work.job.excluded, work.job.reschedules, work.job.direction) == ([pool], 1, jobs.DO)


def test_attempts_are_bounded(ctx, app, driver, pool):
    app.conf.set_override('scheduler_max_attempts', 1)
    volume_id = accept(ctx)
    schedule(ctx, pool)
    driver.fails = [exceptions.BackendError(reason='no')]
    make(ctx, driver)
    assert (row(ctx, volume_id).status, row(ctx, volume_id).host) == ('error', None)
    assert count(ctx, tables.messages) == 1
    all_is_well(ctx)


def test_what_no_pool_can_mend_is_not_rescheduled(ctx, driver, pool):
    volume_id = accept(ctx)
    schedule(ctx, pool)
    driver.fails = [exceptions.InvalidRequest(reason='a bad source')]
    make(ctx, driver)
    assert row(ctx, volume_id).status == 'error'
    all_is_well(ctx)


def test_an_unknown_outcome_undoes_nothing(ctx, driver, pool):
    volume_id = accept(ctx)
    schedule(ctx, pool)
    driver.fails = [exceptions.BackendTimeout(reason='silence')]
    with pytest.raises(exceptions.BackendTimeout):
        make(ctx, driver)
    with ctx.reading():
        job = ctx.conn.execute(sa.select(tables.jobs)).one()
    assert (job.direction, row(ctx, volume_id).status, row(ctx, volume_id).host) == (jobs.DO, 'creating', pool)
    all_is_well(ctx)


def test_an_undo_that_breaks_off_is_gone_on_with(ctx, driver, pool):
    volume_id = accept(ctx)
    schedule(ctx, pool)
    driver.fails = [exceptions.BackendError(reason='no'), exceptions.BackendTimeout(reason='silence')]
    work = work_on(ctx, BACKEND, driver)
    driver.images.add(f'volume-{volume_id}')  # what was made before it failed
    with pytest.raises(exceptions.BackendTimeout):
        volume_create.Create().run(work)
    assert work.job.direction == jobs.UNDO
    with ctx.writing():
        jobs.put_back(ctx, work.job, 0, failed=True)
    make(ctx, driver)
    assert driver.images == set()
    assert row(ctx, volume_id).host is None
    all_is_well(ctx)


def test_a_worker_that_lost_its_job_changes_nothing(ctx, driver, pool):
    volume_id = accept(ctx)
    schedule(ctx, pool)
    work = work_on(ctx, BACKEND, driver)
    with ctx.writing():
        ctx.conn.execute(sa.update(tables.jobs).values(owner='other', epoch=99))
    with pytest.raises(exceptions.LeaseLost):
        volume_create.Create().run(work)
    assert row(ctx, volume_id).status == 'creating'


def test_giving_up_cleans_up_or_leaves_the_job_to_do_it(ctx, driver, pool):
    volume_id = accept(ctx)
    schedule(ctx, pool)
    driver.images.add(f'volume-{volume_id}')
    driver.fails = [exceptions.BackendTimeout(reason='silence')]
    volume_create.Create().give_up(work_on(ctx, BACKEND, driver), 'it died three times')
    assert (row(ctx, volume_id).status, row(ctx, volume_id).host) == ('error', pool)
    with ctx.writing():  # the backend answers again
        ctx.conn.execute(sa.update(tables.jobs).values(not_before=None))
    make(ctx, driver)
    assert (row(ctx, volume_id).status, row(ctx, volume_id).host) == ('error', None)
    assert driver.images == set()
    assert count(ctx, tables.messages) == 1
    all_is_well(ctx)


def test_an_unserved_backend(ctx, driver, pool):
    never_started = accept(ctx)
    schedule(ctx, pool)
    with ctx.writing():
        job = jobs.seize(ctx, ctx.conn.execute(sa.select(tables.jobs)).one())
        volume_create.Create().unserved(ctx, job)
    assert (row(ctx, never_started).status, row(ctx, never_started).host) == ('creating', None)
    all_is_well(ctx)

    assert work_on(ctx, 'scheduler').job.excluded == [pool]


def test_a_started_one_is_stranded_and_can_be_deleted(ctx, driver, pool):
    volume_id = accept(ctx)
    schedule(ctx, pool)
    work = work_on(ctx, BACKEND, driver)
    driver.images.add(f'volume-{volume_id}')
    volume_create.strand(ctx, work.job)
    assert (row(ctx, volume_id).status, row(ctx, volume_id).host) == ('error', pool)
    all_is_well(ctx)
    volume_delete.delete_volume(ctx, row(ctx, volume_id))
    volume_delete.Delete().run(work_on(ctx, BACKEND, driver))
    assert (driver.images, count(ctx, tables.volumes)) == (set(), 0)
    all_is_well(ctx)


def test_deleting_what_no_pool_has_needs_no_backend(ctx):
    volume_id = accept(ctx)
    schedule(ctx)
    volume_delete.delete_volume(ctx, row(ctx, volume_id))
    assert count(ctx, tables.volumes) == 0
    assert count(ctx, tables.history) == 1
    all_is_well(ctx)


def test_deleting_what_was_placed_since_it_was_seen_tells_its_backend(ctx, driver, pool):
    volume_id = accept(ctx)
    seen = row(ctx, volume_id)
    schedule(ctx, pool)
    volume_create.Create().run(work_on(ctx, BACKEND, driver))
    assert (seen.host, row(ctx, volume_id).host) == (None, pool)
    volume_delete.delete_volume(ctx, seen)
    assert ctx.app.doorbell.rung[-1][:2] == (BACKEND, 'delete_volume')


def test_forcing_a_creating_volume_out_ends_its_job(ctx, driver, pool):
    volume_id = accept(ctx)
    schedule(ctx, pool)
    work = work_on(ctx, BACKEND, driver)
    with pytest.raises(exceptions.InvalidState):
        volume_delete.delete_volume(ctx, row(ctx, volume_id))
    volume_delete.delete_volume(ctx, row(ctx, volume_id), force=True)
    with pytest.raises(exceptions.InvalidState):  # it finds the volume in another's hands
        volume_create.Create().run(work)
    with ctx.writing():  # the late worker's lease has ended
        ctx.conn.execute(sa.update(tables.jobs).values(not_before=None))
    volume_delete.Delete().run(work_on(ctx, BACKEND, driver))
    assert (driver.images, count(ctx, tables.volumes)) == (set(), 0)
    all_is_well(ctx)


@pytest.mark.parametrize(('error', 'status'), [
    (exceptions.BackendError(reason='no'), 'error_deleting'), (exceptions.BackendBusy(reason='watched'), 'deleting')])
def test_a_delete_that_fails(ctx, driver, pool, error, status):
    volume_id = accept(ctx)
    schedule(ctx, pool)
    make(ctx, driver)
    volume_delete.delete_volume(ctx, row(ctx, volume_id))
    driver.fails = [error]
    try:
        volume_delete.Delete().run(work_on(ctx, BACKEND, driver))
    except exceptions.BackendBusy:
        pass
    assert row(ctx, volume_id).status == status
    all_is_well(ctx)

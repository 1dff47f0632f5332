# SPDX-License-Identifier: Apache-2.0
"""Extending a volume: what is taken for it, what is given back, who is told, and two who want it at once."""

import uuid

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl import exceptions
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import quotas
from blockctl.db import tables
from blockctl.db.columns import utcnow
from blockctl.db.transition import transition
from blockctl.flows import volume_delete
from blockctl.flows import volume_extend
from blockctl.operations import volume_status
from blockctl.states import VOLUME


class Compute:
    """Stands in for the compute service, which cannot run here: remembers what it was told."""

    configured = True

    def __init__(self, answer=()):
        self.told = []
        self.answer = answer

    def volume_extended(self, server_ids, volume_id, global_request_id=None):
        self.told.append((volume_id, list(server_ids)))
        if isinstance(self.answer, Exception):
            raise self.answer
        return list(self.answer)


@pytest.fixture
def bench(app, tmp_path):
    app.policy = stand_in.Anybody()
    return workbench.Bench(app, tmp_path)


@pytest.fixture
def volume(bench):
    """The id of a volume of 1 GiB."""
    return bench.create(1)


def extend(bench, volume_id, size, attached=False, row=None):
    volume_extend.extend_volume(stand_in.make_context(bench.app), row or bench.row(volume_id), size, attached)


def attach(bench, volume_id):
    """As it would be after a server got it. The server's id."""
    server_id = str(uuid.uuid4())
    with bench.ctx.writing() as conn:
        conn.execute(sa.insert(tables.attachments).values(
            id=str(uuid.uuid4()), volume_id=volume_id, project_id='p1', instance_id=server_id,
            attach_status='attached', created_at=utcnow()))
        conn.execute(sa.update(tables.volumes).where(tables.volumes.c.id == volume_id).values(
            status='in-use', attach_status='attached'))
    return server_id


def gigabytes(bench):
    with bench.ctx.reading():
        return quotas.usages(bench.ctx, 'p1')['gigabytes']


def claimed(bench):
    with bench.ctx.reading() as conn:
        return conn.execute(sa.select(tables.pools.c.claimed)).scalar_one()


def looks(bench, volume_id):
    row = bench.row(volume_id)
    return row.status, row.size, row.growth


def test_all_the_way(bench, volume):
    bench.write(volume, b'data')
    extend(bench, volume, 4)
    assert looks(bench, volume) == ('extending', 1, 3)
    assert (gigabytes(bench), claimed(bench)) == (4, 4)
    bench.all_is_well()
    bench.work()
    assert looks(bench, volume) == ('available', 4, 0)
    assert bench.read(volume, 4) == b'data'
    assert [event for event, _ in bench.app.notifier.events][-2:] == ['volume.resize.start', 'volume.resize.end']
    bench.all_is_well()


def test_quota(bench, volume):
    bench.app.conf.set_override('quota_gigabytes', 3)
    with pytest.raises(exceptions.OverQuota):
        extend(bench, volume, 4)
    bench.app.conf.set_override('per_volume_size_limit', 2)
    with pytest.raises(exceptions.VolumeSizeExceedsLimit):
        extend(bench, volume, 3)
    assert looks(bench, volume) == ('available', 1, 0)
    bench.all_is_well()


def test_room(bench, volume):
    with pytest.raises(exceptions.NoRoomToGrow):
        extend(bench, volume, 101)
    extend(bench, volume, 100)
    bench.all_is_well()


def test_thick_volumes_grow_within_what_is_there(bench):
    """Their pool may be promised 100 GiB, but holds 10."""
    with bench.ctx.reading() as conn:
        volume_type = conn.execute(sa.select(tables.volume_types)).first()
    volume = bench.create(1, volume_type=volume_type)
    with bench.ctx.writing() as conn:
        report = {'total_capacity_gb': 10, 'thin_provisioning_support': True, 'max_over_subscription_ratio': 10.0}
        conn.execute(sa.update(tables.pools).values(report=report))
        conn.execute(sa.insert(tables.volume_type_extra_specs).values(
            volume_type_id=volume_type.id, key='provisioning:type', value='thick'))
    with pytest.raises(exceptions.NoRoomToGrow):
        extend(bench, volume, 11)
    extend(bench, volume, 10)
    bench.all_is_well()


def test_a_disabled_service_still_extends(bench, volume):
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.services).values(disabled=True))
    extend(bench, volume, 2)
    bench.all_is_well()


@pytest.mark.parametrize('change', [{'size': 2}, {'host': 'node@other#p'}, {'use_quota': False}, {'growth': 1}])
def test_a_volume_that_changed_since_it_was_seen(bench, volume, change):
    seen = bench.row(volume)
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.volumes).values(**change))
    with pytest.raises(exceptions.InvalidState):
        extend(bench, volume, 3, row=seen)
    assert bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 0


def test_a_failure_gives_back_what_was_taken(bench, volume):
    extend(bench, volume, 4)
    bench.work(workbench.Broken(bench.driver, extend=exceptions.BackendFull(reason='full')))
    assert looks(bench, volume) == ('error_extending', 1, 0)
    assert (gigabytes(bench), claimed(bench)) == (1, 1)
    assert bench.messages() == [(volume, 'VOLUME_VOLUME_007_010')]
    bench.all_is_well()


def test_a_driver_that_cannot(bench, volume):
    class Plain:
        """A double of a driver without abilities: each of the real ones has them."""

        conf = bench.driver.conf

    extend(bench, volume, 4)
    bench.work(Plain())
    assert looks(bench, volume) == ('error_extending', 1, 0)
    assert bench.messages() == [(volume, 'VOLUME_VOLUME_007_101')]
    bench.all_is_well()


@pytest.mark.parametrize(('fails', 'becomes'), [
    ({}, ('available', 4, 0)), ({'extend': exceptions.BackendError(reason='no')}, ('error_extending', 1, 0))])
def test_a_host_that_is_connected_meanwhile_is_in_nobodys_way(bench, volume, fails, becomes):
    extend(bench, volume, 4)
    with bench.ctx.writing():
        transition(bench.ctx, VOLUME, volume, 'connection')
        job_id = jobs.post(bench.ctx, 'connection.initialize', str(uuid.uuid4()), 'node@elsewhere', {})
        holds.hold(bench.ctx, volume, job_id)
    bench.work(workbench.Broken(bench.driver, **fails))
    assert looks(bench, volume) == becomes
    bench.all_is_well()


def test_a_silent_backend_decides_nothing(bench, volume):
    extend(bench, volume, 4)
    with pytest.raises(exceptions.BackendTimeout):
        bench.work(workbench.Broken(bench.driver, extend=exceptions.BackendTimeout(reason='silence')))
    assert looks(bench, volume) == ('extending', 1, 3)
    bench.all_is_well()


def test_a_backend_that_goes_and_comes_back(bench, volume):
    """What it was promised stays promised: the image may have grown already."""
    extend(bench, volume, 4)
    bench.unserved()
    assert looks(bench, volume) == ('error_extending', 1, 3)
    assert (gigabytes(bench), claimed(bench)) == (4, 4)
    assert bench.messages() == [(volume, 'VOLUME_VOLUME_007_111')]
    bench.all_is_well()
    bench.work()
    assert looks(bench, volume) == ('available', 4, 0)
    bench.all_is_well()


def test_a_backend_that_comes_back_and_refuses(bench, volume):
    extend(bench, volume, 4)
    bench.unserved()
    bench.work(workbench.Broken(bench.driver, extend=exceptions.BackendError(reason='no')))
    assert looks(bench, volume) == ('error_extending', 1, 0)
    assert len(bench.messages()) == 1
    bench.all_is_well()


def test_deleting_what_did_not_grow(bench, volume):
    extend(bench, volume, 4)
    bench.unserved()
    volume_delete.delete_volume(stand_in.make_context(bench.app), bench.row(volume))
    bench.work()
    assert bench.count(tables.volumes) == 0
    assert (gigabytes(bench), claimed(bench)) == (0, 0)
    bench.all_is_well()


def test_the_same_again_after_a_death(bench, volume):
    """The worker died with the image grown, its row not yet written."""
    extend(bench, volume, 2)
    with open(bench.image(volume), 'r+b') as file:
        file.truncate(2 << 30)
    bench.work()
    assert looks(bench, volume) == ('available', 2, 0)
    bench.all_is_well()


# --- while a server has it
def test_servers_are_told_when_it_has_grown(bench, volume):
    bench.app.compute = Compute()
    server = attach(bench, volume)
    with pytest.raises(exceptions.InvalidState):
        extend(bench, volume, 2)
    extend(bench, volume, 2, attached=True)
    bench.work()
    assert looks(bench, volume) == ('in-use', 2, 0)
    assert bench.app.doorbell.rung[-1][1] == 'volume_extended'
    extend(bench, volume, 3, attached=True)  # it need not wait for that
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.jobs).where(tables.jobs.c.resource_id == volume).values(topic='later'))
    bench.work()
    assert bench.app.compute.told == [(volume, [server])]
    assert bench.messages() == []
    bench.all_is_well()


@pytest.mark.parametrize('detached', [True, False])
def test_nobody_is_told_where_there_is_nobody(bench, volume, detached):
    if detached:
        bench.app.compute = Compute()
    attach(bench, volume)
    extend(bench, volume, 2, attached=True)
    if detached:
        with bench.ctx.writing() as conn:
            conn.execute(sa.delete(tables.attachments))
            conn.execute(sa.update(tables.volumes).values(attach_status='detached'))
    bench.work()
    assert bench.row(volume).status == ('available' if detached else 'in-use')
    assert bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 0


def test_a_server_that_takes_no_note(bench, volume):
    server = attach(bench, volume)
    bench.app.compute = Compute([server])
    extend(bench, volume, 2, attached=True)
    bench.work()
    bench.work()
    assert looks(bench, volume) == ('in-use', 2, 0)
    assert bench.messages() == [(volume, 'VOLUME_VOLUME_007_009')]


def test_a_compute_service_that_is_away(bench, volume):
    attach(bench, volume)
    bench.app.compute = Compute(exceptions.BackendUnavailable(reason='away'))
    extend(bench, volume, 2, attached=True)
    bench.work()
    with pytest.raises(exceptions.BackendUnavailable):  # the runner puts it back
        bench.work()
    assert bench.messages() == []
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.jobs).values(owner=None, lease_until=None))
    volume_extend.Tell().give_up(bench.claim(workbench.BACKEND, bench.driver), 'away too long')
    assert bench.messages() == [(volume, 'VOLUME_VOLUME_007_009')]
    assert bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 0


# --- an administrator's word
@pytest.mark.parametrize('status', ['available', 'error', 'extending'])
def test_a_reset_ends_the_work_and_gives_back(bench, volume, status):
    extend(bench, volume, 4)
    volume_status.reset(stand_in.make_context(bench.app), volume, status=status)
    assert looks(bench, volume) == (status, 1, 0)
    assert (gigabytes(bench), claimed(bench)) == (1, 1)
    assert bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 0


def test_a_late_worker_finds_its_job_ended(bench, volume):
    extend(bench, volume, 4)
    work = bench.claim(workbench.BACKEND, bench.driver)
    volume_status.reset(stand_in.make_context(bench.app), volume, status='available')
    with pytest.raises((exceptions.LeaseLost, exceptions.InvalidState)):
        volume_extend.Extend().run(work)
    assert looks(bench, volume) == ('available', 1, 0)


def test_after_a_reset_the_late_worker_is_waited_for(bench, volume):
    """Until its lease has ended nothing is done on the volume; a deletion waits, too."""
    extend(bench, volume, 4)
    late = bench.claim(workbench.BACKEND, bench.driver)
    with bench.ctx.reading() as conn:
        until = conn.execute(sa.select(tables.jobs.c.lease_until).where(tables.jobs.c.id == late.job.id)).scalar()
    volume_status.reset(stand_in.make_context(bench.app), volume, status='available')
    with pytest.raises(exceptions.ResourceBusy):
        extend(bench, volume, 2)
    assert live(bench) == [('work.fence', until)]
    volume_status.reset(stand_in.make_context(bench.app), volume, status='error')
    assert live(bench) == [('work.fence', until)]
    volume_delete.delete_volume(stand_in.make_context(bench.app), bench.row(volume))
    assert live(bench) == [('volume.delete', until)]
    bench.work()
    assert bench.images() == {}
    bench.all_is_well()


def test_then_the_volume_can_be_used_again(bench, volume):
    extend(bench, volume, 4)
    bench.claim(workbench.BACKEND, bench.driver)
    volume_status.reset(stand_in.make_context(bench.app), volume, status='available')
    bench.work()
    assert live(bench) == []
    extend(bench, volume, 2)
    bench.work()
    assert looks(bench, volume) == ('available', 2, 0)
    bench.all_is_well()


def live(bench):
    """[(kind, not before)] of the live jobs."""
    table = tables.jobs.c
    with bench.ctx.reading() as conn:
        return [tuple(row) for row in conn.execute(sa.select(table.kind, table.not_before).where(
            table.outcome.is_(None)))]


def test_another_word_leaves_the_work_alone(bench, volume):
    extend(bench, volume, 4)
    volume_status.reset(stand_in.make_context(bench.app), volume, migration_status='error')
    assert looks(bench, volume) == ('extending', 1, 3)
    bench.all_is_well()
    bench.work()
    assert looks(bench, volume) == ('available', 4, 0)


# --- two at once
REFUSED = (exceptions.InvalidState, exceptions.ResourceBusy)


def test_two_extensions(any_app, tmp_path):
    bench = workbench.Bench(any_app, tmp_path)
    volume = bench.create(1)
    for size in range(2, 7):
        row = bench.row(volume)
        outcomes = workbench.race(*[lambda row=row, size=size: extend(bench, volume, size, row=row)] * 2)
        assert [isinstance(outcome, REFUSED) for outcome in outcomes].count(True) == 1, outcomes
        bench.all_is_well()
        bench.work()
        assert looks(bench, volume) == ('available', size, 0)
        bench.all_is_well()


def test_an_extension_and_a_deletion(any_app, tmp_path):
    bench = workbench.Bench(any_app, tmp_path)
    for _ in range(5):
        volume = bench.create(1)
        row = bench.row(volume)
        outcomes = workbench.race(lambda row=row: extend(bench, row.id, 2, row=row),
                                  lambda row=row: volume_delete.delete_volume(stand_in.make_context(any_app), row))
        assert [isinstance(outcome, REFUSED) for outcome in outcomes].count(True) == 1, outcomes
        bench.work()
        bench.all_is_well()


def test_an_extension_and_a_clone(any_app, tmp_path):
    """Whoever is first: a volume that grows is no source, and a source does not grow."""
    bench = workbench.Bench(any_app, tmp_path)
    for _ in range(5):
        volume = bench.create(1)
        row, source = bench.row(volume), bench.source_of(volume)
        outcomes = workbench.race(lambda row=row: extend(bench, row.id, 2, row=row),
                                  lambda source=source: bench.ask(1, source))
        assert [isinstance(outcome, REFUSED) for outcome in outcomes].count(True) == 1, outcomes
        if bench.row(volume).status == 'available':
            bench.schedule()
        bench.work()
        bench.all_is_well()


def test_a_reset_and_the_end_of_the_work(any_app, tmp_path):
    """Whoever is first: what was promised for the growth is either used or returned, once."""
    any_app.policy = stand_in.Anybody()
    bench = workbench.Bench(any_app, tmp_path)
    for _ in range(5):
        volume = bench.create(1)
        extend(bench, volume, 3)
        work = bench.claim(workbench.BACKEND, bench.driver)
        ended, told = workbench.race(
            lambda work=work: volume_extend.Extend().run(work),
            lambda volume=volume: volume_status.reset(stand_in.make_context(any_app), volume, status='error'))
        assert isinstance(ended, exceptions.LeaseLost | exceptions.InvalidState | None), ended
        assert isinstance(told, exceptions.ResourceBusy | None), told
        status, size, growth = looks(bench, volume)
        assert (status, size, growth) in {('error', 1, 0), ('error', 3, 0), ('available', 3, 0)}
        assert (ended is None) == (size == 3)
        bench.all_is_well()
        volume_delete.delete_volume(stand_in.make_context(any_app), bench.row(volume))
        bench.work()
    bench.all_is_well()

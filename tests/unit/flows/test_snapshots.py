# SPDX-License-Identifier: Apache-2.0
"""Taking and deleting snapshots, alone and with their volume, on a backend of files: quota, holds, deaths and races."""

import dataclasses
import pathlib

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl import exceptions
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import quotas
from blockctl.db import snapshots
from blockctl.db import tables
from blockctl.db.transition import transition
from blockctl.drivers import interface
from blockctl.flows import snapshot_create
from blockctl.flows import snapshot_delete
from blockctl.flows import volume_create
from blockctl.flows import volume_delete
from blockctl.operations import snapshot_status
from blockctl.states import VOLUME
from blockctl.volume import checks as volume_checks

REFUSED = (exceptions.InvalidState, exceptions.NotFound, exceptions.ResourceBusy)


class Killed(BaseException):
    """The process died here."""


class Lister(interface.Manages):
    """The bench's driver, in the pool of its rows; a double, for it says which snapshots it has whatever that can."""

    def __init__(self, driver):
        self._driver = driver

    def find(self):
        return [dataclasses.replace(found, pool=workbench.POOL.partition('#')[2]) for found in self._driver.find()]

    def manageable(self):
        raise NotImplementedError

    def manageable_snapshots(self):
        for found in self.find():
            volume, mark, name = found.name.partition('@')
            if mark:
                yield interface.Manageable(pool=found.pool, name=name, size=1, volume=volume)

    def rename_snapshot(self, snapshot, old_name, effect):
        raise NotImplementedError


class Section:
    """Where the bench's backend is."""

    host = workbench.BACKEND


@pytest.fixture
def bench(app, tmp_path):
    return workbench.Bench(app, tmp_path)


@pytest.fixture
def volume(bench):
    """The id of a volume of 1 GiB."""
    return bench.create(1)


def ask(bench, volume_id, **options):
    """Accept a snapshot; its id. In a thread of its own, ``volume_id`` is the row."""
    ctx = stand_in.make_context(bench.app)
    volume_row = bench.row(volume_id) if isinstance(volume_id, str) else volume_id
    return snapshot_create.create_snapshot(ctx, snapshot_create.CreateSnapshot(volume=volume_row, **options)).id


def take(bench, volume_id):
    """A snapshot that is available; its id."""
    snapshot_id = ask(bench, volume_id)
    bench.work()
    assert row(bench, snapshot_id).status == 'available'
    return snapshot_id


def delete(bench, snapshot_id, **options):
    ctx = stand_in.make_context(bench.app)
    with ctx.reading():
        snapshot_row = snapshots.get(ctx, snapshot_id)
    snapshot_delete.delete_snapshot(ctx, snapshot_row, **options)


def delete_volume(bench, volume_id, **options):
    volume_row = bench.row(volume_id) if isinstance(volume_id, str) else volume_id
    volume_delete.delete_volume(stand_in.make_context(bench.app), volume_row, **options)


def row(bench, snapshot_id):
    """The row, or None when it is gone."""
    with bench.ctx.reading() as conn:
        return conn.execute(sa.select(tables.snapshots).where(tables.snapshots.c.id == snapshot_id)).first()


def statuses(bench):
    with bench.ctx.reading() as conn:
        return list(conn.execute(sa.select(tables.snapshots.c.status).order_by(
            tables.snapshots.c.created_at, tables.snapshots.c.id)).scalars())


def used(bench, *names):
    with bench.ctx.reading():
        usages = quotas.usages(bench.ctx, 'p1')
        return tuple(usages.get(name, 0) for name in names)


def on_disk(bench):
    """{(volume's id, snapshot's id)} of what the backend has."""
    return {tuple(part.partition('-')[2] for part in path.name.split('@'))
            for path in pathlib.Path(bench.directory).iterdir() if '@' in path.name}


def well(bench):
    """The invariants hold, and the backend has the snapshots that rows name."""
    bench.all_is_well()
    assert volume_checks.compare(bench.ctx, Section, Lister(bench.driver)) == []


def kill_at(bench, point):
    """Do the job that is due until the process dies at ``point``; whoever claims the job then takes it over."""
    def die(name):
        if name == point:
            raise Killed

    real, bench.app.points = bench.app.points, die
    try:
        with pytest.raises(Killed):
            bench.work()
    finally:
        bench.app.points = real
    with bench.ctx.writing():
        assert jobs.expire(bench.ctx, 'me') == 1


def is_held(bench, volume_id):
    try:
        with bench.ctx.writing():
            transition(bench.ctx, VOLUME, volume_id, 'readonly')
    except exceptions.InvalidState:
        return True
    return False


# --- alone
def test_all_the_way(bench, volume):
    snapshot_id = ask(bench, volume, name='mine', metadata={'a': 'b'})
    taken = row(bench, snapshot_id)
    assert (taken.status, taken.progress, taken.volume_size, taken.project_id) == ('creating', '0%', 1, 'p1')
    assert used(bench, 'snapshots', 'gigabytes') == (1, 2)
    assert is_held(bench, volume)
    well(bench)
    bench.work()
    taken = row(bench, snapshot_id)
    assert (taken.status, taken.progress) == ('available', '100%')
    assert on_disk(bench) == {(volume, snapshot_id)}
    assert not is_held(bench, volume)
    well(bench)
    delete(bench, snapshot_id)
    assert row(bench, snapshot_id).status == 'deleting'
    bench.work()
    assert row(bench, snapshot_id) is None
    assert on_disk(bench) == set()
    assert used(bench, 'snapshots', 'gigabytes') == (0, 1)
    assert bench.count(tables.snapshot_metadata) == 0
    assert bench.count(tables.history, tables.history.c.resource_type == 'snapshot') == 1
    assert [event for event, _ in bench.app.notifier.events if event.startswith('snapshot.')] == [
        'snapshot.create.start', 'snapshot.create.end', 'snapshot.delete.start', 'snapshot.delete.end']
    well(bench)


def test_gib_are_free_where_the_operator_says_so(bench, volume):
    bench.app.conf.set_override('no_snapshot_gb_quota', True)
    snapshot_id = take(bench, volume)
    assert used(bench, 'snapshots', 'gigabytes') == (1, 1)
    well(bench)
    delete(bench, snapshot_id)
    bench.work()
    assert used(bench, 'snapshots', 'gigabytes') == (0, 1)


@pytest.mark.parametrize('option', ['quota_snapshots', 'quota_gigabytes'])
def test_over_quota_leaves_nothing(bench, volume, option):
    bench.app.conf.set_override(option, 0 if option == 'quota_snapshots' else 1)
    with pytest.raises(exceptions.OverQuota):
        ask(bench, volume)
    assert bench.count(tables.snapshots) == 0
    assert bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 0
    well(bench)


@pytest.mark.parametrize('change', [{'size': 2}, {'status': 'extending'}, {'host': 'node@other#p'}])
def test_a_volume_that_changed_since_it_was_seen(bench, volume, change):
    request = snapshot_create.CreateSnapshot(volume=bench.row(volume))
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.volumes).values(**change))
    with pytest.raises(exceptions.InvalidState):
        snapshot_create.create_snapshot(bench.ctx, request)
    assert bench.count(tables.snapshots) == 0


def test_one_that_a_volume_is_made_of_stays(bench, volume):
    snapshot_id = take(bench, volume)
    made = bench.ask(1, volume_create.Source('snapshot', snapshot_id, 1, bench.row(volume)))
    for force in (False, True):
        with pytest.raises(exceptions.InvalidState):
            delete(bench, snapshot_id, force=force)
    with pytest.raises(exceptions.InvalidState):
        delete_volume(bench, volume, cascade=True)
    bench.schedule()
    bench.work()
    assert bench.row(made).status == 'available'
    delete(bench, snapshot_id)
    bench.work()
    well(bench)


def test_what_the_backend_refuses(bench, volume):
    """It ends in error, keeps its quota, and can be deleted."""
    snapshot_id = ask(bench, volume)
    bench.work(workbench.Broken(bench.driver, create_snapshot=exceptions.BackendFull(reason='no')))
    assert row(bench, snapshot_id).status == 'error'
    assert bench.messages() == [(snapshot_id, 'VOLUME_VOLUME_SNAPSHOT_009_013')]
    assert used(bench, 'snapshots') == (1,)
    assert not is_held(bench, volume)
    delete(bench, snapshot_id)
    bench.work(workbench.Broken(bench.driver, delete_snapshot=exceptions.BackendError(reason='no')))
    assert row(bench, snapshot_id).status == 'error_deleting'
    assert bench.messages()[1:] == [(snapshot_id, 'VOLUME_VOLUME_SNAPSHOT_010_016')]
    delete(bench, snapshot_id)
    bench.work()
    assert row(bench, snapshot_id) is None
    well(bench)


def test_a_driver_that_takes_none(bench, volume):
    class Plain:
        """A double of a driver without abilities: each of the real ones has them."""

        conf = bench.driver.conf
        delete = bench.driver.delete

    first = ask(bench, volume)
    bench.work(Plain())
    assert row(bench, first).status == 'error'
    assert bench.messages() == [(first, 'VOLUME_VOLUME_SNAPSHOT_009_101')]
    delete(bench, first)
    bench.work(Plain())
    assert row(bench, first) is None
    second = ask(bench, volume)
    bench.work(Plain())
    delete_volume(bench, volume, cascade=True)
    bench.work(Plain())
    assert (row(bench, second), bench.count(tables.volumes)) == (None, 0)
    well(bench)


@pytest.mark.parametrize('moment', ['before_effect', 'effected', 'before_commit'])
def test_a_death_while_one_is_taken(bench, volume, moment):
    snapshot_id = ask(bench, volume)
    kill_at(bench, f'snapshot.create.volume.{moment}')
    assert is_held(bench, volume)
    bench.work()
    assert row(bench, snapshot_id).status == 'available'
    assert on_disk(bench) == {(volume, snapshot_id)}
    well(bench)


@pytest.mark.parametrize('moment', ['before_effect', 'effected', 'before_commit'])
def test_a_death_while_one_is_deleted(bench, volume, moment):
    snapshot_id = take(bench, volume)
    delete(bench, snapshot_id)
    kill_at(bench, f'snapshot.delete.volume.{moment}')
    bench.work()
    assert (row(bench, snapshot_id), on_disk(bench)) == (None, set())
    well(bench)


def test_a_backend_that_goes_and_comes_back(bench, volume):
    snapshot_id = ask(bench, volume)
    bench.unserved()
    assert row(bench, snapshot_id).status == 'error'
    assert bench.messages() == [(snapshot_id, 'VOLUME_VOLUME_SNAPSHOT_009_111')]
    bench.work()
    assert row(bench, snapshot_id).status == 'available'
    well(bench)


def test_deleting_what_a_backend_that_went_would_still_take(bench, volume):
    snapshot_id = ask(bench, volume)
    bench.unserved()
    delete(bench, snapshot_id)
    assert not is_held(bench, volume)
    bench.work()
    assert (row(bench, snapshot_id), on_disk(bench)) == (None, set())
    assert bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 0
    well(bench)


# --- with their volume
def test_after_a_reset_the_late_worker_is_waited_for(bench, volume):
    """It may still take the snapshot: nobody deletes before its lease has ended."""
    bench.app.policy = stand_in.Anybody()
    snapshot_id = ask(bench, volume)
    late = bench.claim(workbench.BACKEND, bench.driver)
    with bench.ctx.reading() as conn:
        until = conn.execute(sa.select(tables.jobs.c.lease_until).where(tables.jobs.c.id == late.job.id)).scalar()
    snapshot_status.reset(stand_in.make_context(bench.app), snapshot_id, 'error')
    delete(bench, snapshot_id)
    with bench.ctx.reading() as conn:
        live = conn.execute(sa.select(tables.jobs.c.kind, tables.jobs.c.not_before).where(
            tables.jobs.c.live_key == snapshot_id)).all()
    assert live == [('snapshot.delete', until)]
    with pytest.raises((exceptions.LeaseLost, exceptions.InvalidState, exceptions.SnapshotNotFound)):
        snapshot_create.Create().run(late)


def test_a_volume_that_has_some_stays(bench, volume):
    take(bench, volume)
    for force in (False, True):
        with pytest.raises(exceptions.VolumeMustStay, match='have snapshots'):
            delete_volume(bench, volume, force=force)
    assert bench.row(volume).status == 'available'
    well(bench)


def test_all_go_with_it(bench, volume):
    for _ in range(3):
        take(bench, volume)
    delete_volume(bench, volume, cascade=True)
    assert statuses(bench) == ['deleting'] * 3
    with pytest.raises(exceptions.InvalidState):
        delete(bench, row(bench, next(iter(on_disk(bench)))[1]).id, force=True)
    well(bench)
    bench.work()
    assert (bench.count(tables.volumes), statuses(bench), on_disk(bench)) == (0, [], set())
    assert used(bench, 'volumes', 'snapshots', 'gigabytes') == (0, 0, 0)
    well(bench)


@pytest.mark.parametrize('point', ['snapshot_effected', 'snapshot_committed', 'effected', 'before_commit'])
def test_a_death_while_all_go(bench, volume, point):
    for _ in range(3):
        take(bench, volume)
    delete_volume(bench, volume, cascade=True)
    kill_at(bench, f'volume.delete.volume.{point}')
    with bench.ctx.reading():
        left = len(snapshots.of_volume(bench.ctx, volume))
    assert left == {'snapshot_effected': 3, 'snapshot_committed': 2}.get(point, 0)
    assert used(bench, 'snapshots') == (left,)
    well(bench)
    bench.work()
    assert (bench.count(tables.volumes), statuses(bench), on_disk(bench)) == (0, [], set())
    well(bench)


def test_what_cannot_go_stays_with_it(bench, volume):
    """The volume and the snapshots that are left end in error_deleting, and can be asked to go again."""
    for _ in range(2):
        take(bench, volume)
    delete_volume(bench, volume, cascade=True)
    bench.work(workbench.Broken(bench.driver, delete_snapshot=exceptions.BackendError(reason='no')))
    assert (bench.row(volume).status, statuses(bench)) == ('error_deleting', ['error_deleting'] * 2)
    well(bench)
    delete_volume(bench, volume, cascade=True)
    bench.work()
    assert (bench.count(tables.volumes), statuses(bench), on_disk(bench)) == (0, [], set())
    well(bench)


def test_what_other_work_is_at_is_left_to_it(bench, volume):
    """An administrator ends the work on a volume: that of others on its snapshots goes on."""
    alone, taken = take(bench, volume), take(bench, volume)
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.snapshots).values(status='deleting'))
        holds.hold(bench.ctx, taken, jobs.post(bench.ctx, 'group_snapshot.delete', 'of-a-group', workbench.BACKEND, {}))
    with bench.ctx.writing():
        snapshots.leave(bench.ctx, volume)
    assert (row(bench, alone).status, row(bench, taken).status) == ('error_deleting', 'deleting')


def test_one_that_goes_already_goes_with_it(bench, volume):
    """Its own job ends; the volume's does its work."""
    first, _second = take(bench, volume), take(bench, volume)
    delete(bench, first)
    delete_volume(bench, volume, cascade=True)
    assert bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 1
    bench.work()
    assert (bench.count(tables.volumes), statuses(bench), on_disk(bench)) == (0, [], set())
    well(bench)


def test_while_one_is_taken_nothing_goes_unless_by_force(bench, volume):
    take(bench, volume)
    ask(bench, volume)
    with pytest.raises(exceptions.InvalidState, match='is creating'):
        delete_volume(bench, volume, cascade=True)
    assert (bench.row(volume).status, statuses(bench)) == ('available', ['available', 'creating'])
    with pytest.raises(exceptions.VolumeMustStay):
        delete_volume(bench, volume, force=True)
    delete_volume(bench, volume, force=True, cascade=True)
    bench.work()
    assert (bench.count(tables.volumes), statuses(bench), on_disk(bench)) == (0, [], set())
    well(bench)


def test_a_volume_without_a_place_goes_at_once_with_its_snapshots(bench, volume):
    snapshot_id = ask(bench, volume)
    bench.work(workbench.Broken(bench.driver, create_snapshot=exceptions.BackendError(reason='no')))
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.volumes).values(host=None))
        conn.execute(sa.update(tables.pools).values(claimed=0))
    delete_volume(bench, volume, cascade=True)
    assert (bench.count(tables.volumes), row(bench, snapshot_id)) == (0, None)
    assert used(bench, 'volumes', 'snapshots', 'gigabytes') == (0, 0, 0)


# --- what the backend has
def test_differences_are_found(bench, volume):
    snapshot_id = take(bench, volume)
    path = bench.directory / f'volume-{volume}@snapshot-{snapshot_id}'
    stray = path.with_name(f'volume-{volume}@snapshot-{volume}')
    path.rename(stray)
    path.with_name(f'volume-{volume}@by-hand').touch()
    found = volume_checks.compare(bench.ctx, Section, Lister(bench.driver))
    assert [(each.what, each.name) for each in found] == [('unknown', stray.name), ('missing', path.name)]


# --- at the same time
def wins(outcomes):
    """How many of these were not refused; nothing else may have gone wrong."""
    refused = [outcome for outcome in outcomes if isinstance(outcome, REFUSED)]
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == refused
    return len(outcomes) - len(refused)


def test_two_deletes(any_app, tmp_path):
    bench = workbench.Bench(any_app, tmp_path)
    volume_id = bench.create(1)
    for _ in range(5):
        snapshot_id = take(bench, volume_id)
        assert wins(workbench.race(*[lambda which=snapshot_id: delete(bench, which)] * 2)) == 1
        bench.work()
        bench.all_is_well()


def test_taking_one_and_deleting_the_volume(any_app, tmp_path):
    bench = workbench.Bench(any_app, tmp_path)
    for _ in range(5):
        volume_row = bench.row(bench.create(1))
        assert wins(workbench.race(lambda seen=volume_row: ask(bench, seen),
                                   lambda seen=volume_row: delete_volume(bench, seen))) == 1
        bench.work()
        bench.all_is_well()


def test_taking_several_near_the_limit(any_app, tmp_path):
    """Exactly as many as the quota allows."""
    any_app.conf.set_override('quota_snapshots', 2)
    bench = workbench.Bench(any_app, tmp_path)
    volume_row = bench.row(bench.create(1))
    outcomes = workbench.race(*[lambda: ask(bench, volume_row)] * 4)
    assert len([outcome for outcome in outcomes if isinstance(outcome, exceptions.OverQuota)]) == 2
    assert bench.count(tables.snapshots) == 2
    bench.all_is_well()


def test_deleting_one_and_all(any_app, tmp_path):
    """Whoever was first, all of it goes."""
    bench = workbench.Bench(any_app, tmp_path)
    for _ in range(5):
        volume_id = bench.create(1)
        snapshot_id, volume_row = take(bench, volume_id), bench.row(volume_id)
        outcomes = workbench.race(lambda which=snapshot_id: delete(bench, which),
                                  lambda seen=volume_row: delete_volume(bench, seen, cascade=True))
        assert outcomes[1] is None
        assert wins(outcomes) >= 1
        bench.work()
        assert (bench.count(tables.volumes), statuses(bench)) == (0, [])
        bench.all_is_well()


def test_making_a_volume_of_one_and_deleting_it(any_app, tmp_path):
    bench = workbench.Bench(any_app, tmp_path)
    volume_id = bench.create(1)
    for _ in range(5):
        source = volume_create.Source('snapshot', take(bench, volume_id), 1, bench.row(volume_id))
        outcomes = workbench.race(lambda source=source: bench.ask(1, source),
                                  lambda source=source: delete(bench, source.id))
        assert wins(outcomes) == 1
        if isinstance(outcomes[1], Exception):
            bench.schedule()
        bench.work()
        bench.all_is_well()

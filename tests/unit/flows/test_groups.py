# SPDX-License-Identifier: Apache-2.0
"""Groups and group snapshots on a backend of files: what is made and removed together, and what stops in between."""

import threading
import time
import uuid

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl import exceptions
from blockctl.db import checks
from blockctl.db import group_snapshots
from blockctl.db import group_types
from blockctl.db import groups
from blockctl.db import jobs
from blockctl.db import tables
from blockctl.db.transition import transition
from blockctl.drivers import interface
from blockctl.flows import group_create
from blockctl.flows import group_delete
from blockctl.flows import group_snapshot_create
from blockctl.flows import group_snapshot_delete
from blockctl.flows import handlers
from blockctl.flows import volume_create
from blockctl.jobs import lease
from blockctl.jobs import runner
from blockctl.states import GROUP
from blockctl.states import GROUP_SNAPSHOT
from blockctl.states import VOLUME

DATA = b'what was written before'


@pytest.fixture
def bench(app, tmp_path):
    return workbench.Bench(app, tmp_path)


class Groups:
    """What these tests ask of a bench."""

    def __init__(self, bench):
        self.bench = bench
        self.ctx = bench.ctx
        self.group_type = str(uuid.uuid4())
        self._last = None
        with self.ctx.writing() as conn:
            self.kind = conn.execute(sa.select(tables.volume_types)).first()
            group_types.insert_type(self.ctx, self.group_type, 'plain', None, True, {})

    # --- requests
    def ask(self, specs=None):
        row = {'id': str(uuid.uuid4()), 'project_id': 'p1', 'user_id': 'u1', 'name': 'g',
               'group_type_id': self.group_type, 'availability_zone': 'nova'}
        return group_create.create_group(self.ctx, row, [self.kind.id],
                                         {'availability_zone': 'nova', 'types': [specs or {}]}).id

    def make(self, volumes=0):
        """A group that is available, with volumes; its id."""
        group_id = self.ask()
        self.drain()
        for _ in range(volumes):
            self.add(group_id)
        return group_id

    def add(self, group_id):
        volume_id = self.bench.ask(group_id=group_id, group=self.group(group_id), volume_type=self.kind)
        self.drain()
        return volume_id

    def copy(self, group_id):
        sources = [self.bench.source_of(volume_id) for volume_id in self.members(group_id)]
        return self.copy_of(self.group(group_id), sources, GROUP, group_id, 'source_group_id')

    def copy_of(self, group, sources, machine, row_id, column, unchanged=lambda ctx: True):
        row = {'id': str(uuid.uuid4()), 'project_id': 'p1', 'user_id': 'u1', 'name': 'copy',
               'group_type_id': self.group_type, 'availability_zone': 'nova', 'host': group.host}
        requests = [volume_create.CreateVolume(
            size=source.size, volume_type=self.kind, availability_zone='nova', source=source, group_id=row['id'])
            for source in sources]
        origin = group_create.Origin(machine, row_id, column, unchanged)
        return group_create.create_group_from(self.ctx, row, [self.kind.id], origin, requests).id

    def snapshot(self, group_id, consistent=False):
        return group_snapshot_create.create_group_snapshot(
            self.ctx, self.group(group_id), {'name': 's', 'description': None}, consistent).id

    # --- services
    def step(self, topic):
        """Do one job of a topic that is due, whatever it waits for; False when there is none."""
        with self.ctx.writing() as conn:
            conn.execute(sa.update(tables.jobs).where(tables.jobs.c.topic == topic).values(not_before=None))
            found = jobs.due(self.ctx, topic, 2)
        if not found:
            return False
        # Not the same one again and again, which may be waiting for the others.
        self._last = next((job_id for job_id in found if job_id != self._last), found[0])
        with self.ctx.writing():
            job = jobs.claim(self.ctx, self._last, [topic], 'me', 60, '')
        driver = self.bench.driver if topic == workbench.BACKEND else None
        work = self.work_of(job, driver)
        handler = (handlers.BACKEND if driver else handlers.scheduler(self.bench.picker))[job.kind]
        handler.run(work)
        return True

    def work_of(self, job, driver):
        return runner.Work(runner.job_context(self.bench.app, job), job, lease.Lease(job, time.monotonic() + 60, 60),
                           driver)

    def drain(self):
        """Do all there is to do."""
        for _ in range(50):
            if not self.live():
                return
            self.step('scheduler')
            self.step(workbench.BACKEND)
        raise AssertionError('jobs never end')

    # --- looks
    def live(self):
        with self.ctx.reading() as conn:
            return conn.execute(sa.select(tables.jobs.c.kind).where(tables.jobs.c.outcome.is_(None))).scalars().all()

    def group(self, group_id):
        with self.ctx.reading():
            return groups.get(self.ctx, group_id)

    def members(self, group_id):
        with self.ctx.reading():
            return [row.id for row in groups.members(self.ctx, group_id)]

    def taken(self, snapshot_id):
        """(status of the group snapshot, {status of its snapshots})."""
        with self.ctx.reading():
            row = group_snapshots.get(self.ctx, snapshot_id)
            return row.status, {snapshot.status for snapshot, _ in group_snapshots.taken(self.ctx, snapshot_id)}

    def all_is_well(self):
        self.bench.all_is_well()
        with self.ctx.reading():
            assert checks.stranded(self.ctx) == []

    def set(self, table, row_id, **values):
        with self.ctx.writing() as conn:
            conn.execute(sa.update(table).where(table.c.id == row_id).values(**values))


@pytest.fixture
def made(bench):
    return Groups(bench)


# --- create
def test_an_empty_group_gets_a_place(made):
    group_id = made.ask()
    assert made.group(group_id).status == 'creating'
    made.all_is_well()
    made.drain()
    assert (made.group(group_id).status, made.group(group_id).host) == ('available', workbench.POOL)
    made.all_is_well()


def test_no_pool_for_its_types(made, bench):
    group_id = made.ask({'volume_backend_name': 'nowhere'})
    made.drain()
    assert made.group(group_id).status == 'error'
    assert bench.messages() == [(group_id, 'VOLUME_GROUP_106_108')]
    made.all_is_well()


def test_over_quota_leaves_nothing(made, bench):
    bench.app.conf.set_override('quota_groups', 1)
    made.make()
    with pytest.raises(exceptions.OverQuota):
        made.ask()
    assert bench.count(tables.groups) == 1
    made.all_is_well()


def test_one_group_is_left_of_a_quota_for_one(any_app, tmp_path):
    bench = workbench.Bench(any_app, tmp_path)
    made = Groups(bench)
    any_app.conf.set_override('quota_groups', 1)
    outcomes = race(any_app, [lambda g: g.ask()] * 2, made)
    assert sorted(outcomes) == ['OverQuota', 'done']
    made.all_is_well()


def race(app, asks, made):
    """Ask at the same time, each with a context of its own; 'done', or the name of the error."""
    outcomes, barrier = [], threading.Barrier(len(asks))

    def one(ask):
        mine = object.__new__(Groups)
        mine.__dict__.update(made.__dict__, ctx=stand_in.make_context(app))
        barrier.wait()
        try:
            ask(mine)
            outcomes.append('done')
        except exceptions.Error as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=one, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def test_a_volume_goes_where_its_group_is(made, bench):
    group_id = made.make()
    bench.add_backend('node@bigger', 10_000)
    volume_id = made.add(group_id)
    assert bench.row(volume_id).host == made.group(group_id).host
    made.all_is_well()


@pytest.mark.parametrize('status', ['creating', 'error', 'deleting'])
def test_no_volume_joins_a_group_in_another_state(made, bench, status):
    group_id = made.make()
    seen = made.group(group_id)
    made.set(tables.groups, group_id, status=status)
    with pytest.raises(exceptions.InvalidState, match='members'):
        bench.ask(group_id=group_id, group=seen, volume_type=made.kind)
    assert bench.count(tables.volumes) == 0


# --- with a source
def test_a_copy_of_a_group(made, bench):
    group_id = made.make(2)
    for volume_id in made.members(group_id):
        bench.write(volume_id, DATA, 4096)
    copy = made.copy(group_id)
    assert sorted(made.live()) == ['group.create', 'volume.create', 'volume.create']
    made.all_is_well()
    made.step('scheduler')  # in whatever order: the group waits
    made.drain()
    assert made.group(copy).status == 'available'
    assert made.group(copy).source_group_id == group_id
    assert [bench.read(volume_id, len(DATA), 4096) for volume_id in made.members(copy)] == [DATA] * 2
    made.all_is_well()


def fail_for(bench, monkeypatch, method, victim):
    """Have the driver's ``method`` fail for one volume."""
    real = getattr(bench.driver, method)

    def fail(volume, *args):
        if volume.id == victim:
            raise exceptions.BackendError(reason='it is that one')
        return real(volume, *args)

    monkeypatch.setattr(bench.driver, method, fail)


def test_one_volume_that_fails_fails_the_group(made, bench, monkeypatch):
    group_id = made.make(2)
    copy = made.copy(group_id)
    fail_for(bench, monkeypatch, 'clone', made.members(copy)[0])
    made.drain()
    assert made.group(copy).status == 'error'
    assert (copy, 'VOLUME_GROUP_106_109') in bench.messages()
    assert {bench.row(volume_id).status for volume_id in made.members(copy)} == {'available', 'error'}


def test_over_quota_with_a_source_leaves_nothing(made, bench):
    group_id = made.make(2)
    bench.app.conf.set_override('quota_volumes', 3)
    with pytest.raises(exceptions.OverQuota):
        made.copy(group_id)
    assert (bench.count(tables.groups), bench.count(tables.volumes), made.live()) == (1, 2, [])
    made.all_is_well()


def test_a_source_that_changed_leaves_nothing(made, bench):
    group_id = made.make(1)
    sources = [bench.source_of(volume_id) for volume_id in made.members(group_id)]
    with pytest.raises(exceptions.ResourceBusy):
        made.copy_of(made.group(group_id), sources, GROUP, group_id, 'source_group_id', lambda ctx: False)
    assert (bench.count(tables.groups), made.live()) == (1, [])
    made.all_is_well()


def test_an_ending_volume_wakes_the_group(made, bench):
    """Its job pauses; the end of a member's makes it due."""
    copy = made.copy(made.make(1))
    job_id = next(job_id for job_id in due(made) if kind_of(made, job_id) == group_create.KIND)
    with made.ctx.writing():
        job = jobs.claim(made.ctx, job_id, ['scheduler'], 'me', 60, '')
    group_create.Schedule(bench.picker).run(made.work_of(job, None))
    assert job_id not in due(made)
    with made.ctx.writing():
        assert jobs.hurry(made.ctx, copy) == job_id
    assert job_id in due(made)


def due(made):
    with made.ctx.reading():
        return jobs.due(made.ctx, 'scheduler', 10)


def kind_of(made, job_id):
    with made.ctx.reading():
        return jobs.get(made.ctx, job_id).kind


# --- delete
def test_a_group_goes_with_its_volumes(made, bench):
    group_id = made.make(2)
    group_delete.delete_group(made.ctx, group_id, with_volumes=True)
    assert made.group(group_id).status == 'deleting'
    made.all_is_well()
    made.step('scheduler')  # too early: it waits
    assert made.group(group_id).status == 'deleting'
    made.drain()
    assert (bench.count(tables.groups), bench.count(tables.volumes), bench.images()) == (0, 0, {})
    made.all_is_well()


def test_volumes_that_are_not_to_go_stay_with_their_group(made, bench):
    group_id = made.make(1)
    with pytest.raises(exceptions.InvalidGroup, match='delete-volumes'):
        group_delete.delete_group(made.ctx, group_id, with_volumes=False)
    assert (made.group(group_id).status, made.live()) == ('available', [])


def test_one_volume_in_use_keeps_all(made, bench):
    group_id = made.make(2)
    used = made.members(group_id)[1]
    made.set(tables.volumes, used, status='in-use', attach_status='attached')
    with pytest.raises(exceptions.InvalidState):
        group_delete.delete_group(made.ctx, group_id, with_volumes=True)
    assert (made.group(group_id).status, made.live()) == ('available', [])
    assert {bench.row(volume_id).status for volume_id in made.members(group_id)} == {'available', 'in-use'}


def test_a_volume_that_will_not_go_keeps_the_group(made, bench, monkeypatch):
    group_id = made.make(2)
    victim = made.members(group_id)[0]
    group_delete.delete_group(made.ctx, group_id, with_volumes=True)
    fail_for(bench, monkeypatch, 'delete', victim)
    made.drain()
    assert made.group(group_id).status == 'error_deleting'
    assert made.members(group_id) == [victim]
    assert (group_id, 'VOLUME_GROUP_107_110') in bench.messages()
    monkeypatch.undo()
    group_delete.delete_group(made.ctx, group_id, with_volumes=True)
    made.drain()
    assert bench.count(tables.groups) == 0
    made.all_is_well()


def test_one_of_two_deletions_wins(any_app, tmp_path):
    bench = workbench.Bench(any_app, tmp_path)
    made = Groups(bench)
    group_id = made.make(1)
    outcomes = race(any_app, [lambda g: group_delete.delete_group(g.ctx, group_id, with_volumes=True)] * 2, made)
    assert sorted(outcomes) == ['InvalidState', 'done']
    made.drain()
    assert bench.count(tables.groups) == 0
    made.all_is_well()


# --- group snapshots
def test_a_snapshot_of_all(made, bench):
    group_id = made.make(2)
    snapshot_id = made.snapshot(group_id)
    assert made.taken(snapshot_id) == ('creating', {'creating'})
    made.all_is_well()
    made.drain()
    assert made.taken(snapshot_id) == ('available', {'available'})
    assert bench.count(tables.holds, tables.holds.c.job_id.in_(
        sa.select(tables.jobs.c.id).where(tables.jobs.c.outcome.is_(None)))) == 0
    made.all_is_well()
    with pytest.raises(exceptions.InvalidGroup, match='existing snapshots'):
        group_delete.delete_group(made.ctx, group_id, with_volumes=True)
    group_snapshot_delete.delete_group_snapshot(made.ctx, snapshot_id)
    made.all_is_well()
    made.drain()
    assert (bench.count(tables.group_snapshots), bench.count(tables.snapshots)) == (0, 0)
    assert [name for name in bench.directory.iterdir() if '@' in name.name] == []
    made.all_is_well()


def test_a_group_of_a_group_snapshot(made, bench):
    group_id = made.make(1)
    volume_id, = made.members(group_id)
    bench.write(volume_id, DATA, 4096)
    snapshot_id = made.snapshot(group_id)
    made.drain()
    bench.write(volume_id, b'something else entirely', 4096)
    with made.ctx.reading():
        sources = [volume_create.Source('snapshot', snapshot.id, snapshot.volume_size, volume)
                   for snapshot, volume in group_snapshots.taken(made.ctx, snapshot_id)]
    copy = made.copy_of(made.group(group_id), sources, GROUP_SNAPSHOT, snapshot_id, 'group_snapshot_id')
    with pytest.raises(exceptions.InvalidState):
        group_snapshot_delete.delete_group_snapshot(made.ctx, snapshot_id)  # it is read
    made.drain()
    assert made.group(copy).status == 'available'
    assert bench.read(made.members(copy)[0], len(DATA), 4096) == DATA
    made.all_is_well()


def test_one_that_cannot_be_taken_fails_all(made, bench):
    group_id = made.make(2)
    snapshot_id = made.snapshot(group_id)
    bench.image(made.members(group_id)[1]).unlink()
    made.drain()
    assert made.taken(snapshot_id) == ('error', {'error'})
    assert [event for _, event in bench.messages()] == ['VOLUME_GROUP_SNAPSHOT_108_013']
    group_snapshot_delete.delete_group_snapshot(made.ctx, snapshot_id)
    made.drain()
    assert bench.count(tables.snapshots) == 0
    with made.ctx.reading():
        assert checks.usage(made.ctx) == []


def test_taken_again_after_a_kill(made, bench):
    """A worker dies with the effect made and nothing written: the next one repeats it."""
    group_id = made.make(2)
    snapshot_id = made.snapshot(group_id)
    work = bench.claim(workbench.BACKEND, bench.driver)
    handler = handlers.BACKEND[group_snapshot_create.KIND]
    with made.ctx.reading():
        taken = handler.read(made.ctx, work.job)
    handler.effect(work, taken)
    with made.ctx.writing():
        jobs.put_back(made.ctx, work.job, 0, False)
    made.drain()
    assert made.taken(snapshot_id) == ('available', {'available'})
    made.all_is_well()


def test_unserved_and_then_served(made, bench):
    group_id = made.make(1)
    snapshot_id = made.snapshot(group_id)
    bench.unserved()
    assert made.taken(snapshot_id) == ('error', {'error'})
    assert made.live() == [group_snapshot_create.KIND]
    made.drain()
    assert made.taken(snapshot_id) == ('available', {'available'})
    made.all_is_well()


def test_unserved_and_then_deleted(made, bench):
    snapshot_id = made.snapshot(made.make(1))
    bench.unserved()
    group_snapshot_delete.delete_group_snapshot(made.ctx, snapshot_id)
    made.drain()
    assert bench.count(tables.snapshots) == 0
    made.all_is_well()


@pytest.mark.parametrize('status', ['error', 'creating', 'extending'])
def test_a_volume_in_another_state_leaves_nothing(made, bench, status):
    group_id = made.make(2)
    made.set(tables.volumes, made.members(group_id)[0], status=status)
    with pytest.raises(exceptions.InvalidState, match='snapshot'):
        made.snapshot(group_id)
    assert (bench.count(tables.group_snapshots), bench.count(tables.snapshots), made.live()) == (0, 0, [])


def test_snapshots_over_quota_leave_nothing(made, bench):
    group_id = made.make(2)
    bench.app.conf.set_override('quota_snapshots', 1)
    with pytest.raises(exceptions.OverQuota):
        made.snapshot(group_id)
    assert (bench.count(tables.group_snapshots), bench.count(tables.snapshots)) == (0, 0)
    made.all_is_well()


def test_an_empty_group_has_none(made):
    with pytest.raises(exceptions.InvalidGroup, match='empty'):
        made.snapshot(made.make())


def test_held_while_they_are_taken(made, bench):
    group_id = made.make(1)
    made.snapshot(group_id)
    volume_id, = made.members(group_id)
    with pytest.raises(exceptions.InvalidState), made.ctx.writing():
        transition(made.ctx, VOLUME, volume_id, 'delete')


# --- of one moment
def test_of_one_moment_when_nobody_writes(made):
    snapshot_id = made.snapshot(made.make(2), consistent=True)
    made.drain()
    assert made.taken(snapshot_id) == ('available', {'available'})
    made.all_is_well()


def test_not_of_one_moment_while_a_server_has_one(made, bench):
    group_id = made.make(2)
    made.set(tables.volumes, made.members(group_id)[0], status='in-use')
    snapshot_id = made.snapshot(group_id, consistent=True)
    made.drain()
    assert made.taken(snapshot_id) == ('error', {'error'})
    assert [event for _, event in bench.messages()] == ['VOLUME_GROUP_SNAPSHOT_108_101']


def test_not_of_one_moment_when_a_server_came_meanwhile(made, bench, monkeypatch):
    group_id = made.make(2)
    snapshot_id = made.snapshot(group_id, consistent=True)
    taking = bench.driver.create_snapshot

    def create_snapshot(*args):
        made.set(tables.volumes, made.members(group_id)[0], status='in-use')
        return taking(*args)

    monkeypatch.setattr(bench.driver, 'create_snapshot', create_snapshot)
    made.drain()
    assert made.taken(snapshot_id) == ('error', {'error'})


def test_a_driver_that_can_takes_them_together(made, bench, monkeypatch):
    group_id = made.make(2)
    made.set(tables.volumes, made.members(group_id)[0], status='in-use')
    calls = []

    class Together(type(bench.driver), interface.GroupSnapshots):
        def create_group_snapshot(self, group_snapshot_id, snapshots, effect):
            calls.append((group_snapshot_id, len(snapshots)))
            return {snapshot.id: {'provider_id': 'x'} for snapshot in snapshots}

        def delete_group_snapshot(self, group_snapshot_id, effect):
            calls.append(group_snapshot_id)

    monkeypatch.setattr(bench.driver, '__class__', Together)
    snapshot_id = made.snapshot(group_id, consistent=True)
    made.drain()
    assert made.taken(snapshot_id) == ('available', {'available'})
    with made.ctx.reading():
        assert {row.provider_id for row, _ in group_snapshots.taken(made.ctx, snapshot_id)} == {'x'}
    group_snapshot_delete.delete_group_snapshot(made.ctx, snapshot_id)
    made.drain()
    assert calls == [(snapshot_id, 2), snapshot_id]

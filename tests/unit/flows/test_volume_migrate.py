# SPDX-License-Identifier: Apache-2.0
"""Moving a volume between two directories: what each half writes, and that whoever goes on from any step comes to the
same end. The drivers are the real ones; processes that die are handlers that raise at a fault point.
"""

import os
import pathlib
import shutil
import threading
import time
import types

import pytest
import sqlalchemy as sa
from oslo_utils import uuidutils

import stand_in
from blockctl import conf as configuration
from blockctl import exceptions
from blockctl.db import checks
from blockctl.db import jobs
from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db import tables
from blockctl.db import volume_moves
from blockctl.db import volumes
from blockctl.db.transition import transition
from blockctl.drivers.file import driver as file_driver
from blockctl.flows import handlers
from blockctl.flows import volume_delete
from blockctl.flows import volume_migrate
from blockctl.flows import volume_retype
from blockctl.jobs import lease
from blockctl.jobs import runner
from blockctl.states import VOLUME

ONE, TWO = 'node@one', 'node@two'
GIB = 1 << 30

pytestmark = pytest.mark.skipif(not shutil.which('qemu-img'), reason='qemu-img is not installed')


class Died(Exception):
    """The process is dead from here on."""


class Points:
    """Stands in for the fault points: at one of them, once, the process dies."""

    def __init__(self):
        self.deadly = None
        self.passed = []

    def __call__(self, name):
        self.passed.append(name)
        if name == self.deadly:
            self.deadly = None
            raise Died(name)


class Picker:
    """Stands in for the scheduler's choice: the pools of these backends fit."""

    def __init__(self, *fitting):
        self.fitting = fitting

    def pick(self, ctx, spec):
        found = [f'{backend}#{backend[5:]}' for backend in self.fitting
                 if spec.get('to') in (None, backend, f'{backend}#{backend[5:]}')]
        found = [name for name in found if name not in spec.get('excluded', ())]
        return stand_in.choice(spec, found, [('CapabilitiesFilter', 2 - len(found))])


class Stage:
    """A database, and two backends as one process has them."""

    def __init__(self, app, directory):
        self.app = app
        app.points = Points()
        self.ctx = stand_in.make_context(app)
        self.drivers = {backend: self._driver(backend, directory) for backend in (ONE, TWO)}
        with self.ctx.writing():
            for backend in self.drivers:
                pools.report(self.ctx, backend, f'{backend}#{backend[5:]}', 1, 0, 100, 0, {})
        self.type_id = self._type('other')

    def _driver(self, backend, directory):
        name = backend[5:]
        section = configuration.backend_group(self.app.conf, name, file_driver.FileDriver.options())
        self.app.conf.set_override('file_directory', str(directory / name), name)
        made = file_driver.FileDriver(section, backend)
        made.start()
        return made

    def _type(self, name):
        type_id = uuidutils.generate_uuid()
        with self.ctx.writing():
            self.ctx.conn.execute(sa.insert(tables.volume_types).values(
                id=type_id, name=name, is_public=True, created_at=sa.func.now()))
        return type_id

    def directory(self, backend):
        return pathlib.Path(self.app.conf[backend[5:]].file_directory)

    def images(self, backend):
        return {entry.name for entry in self.directory(backend).iterdir()
                if entry.is_file() and entry.name != '.backend'}

    def volume(self, **values):
        """An available volume on ONE with data; returns its row."""
        ctx, volume_id = self.ctx, uuidutils.generate_uuid()
        with ctx.writing():
            type_id = ctx.conn.execute(sa.select(tables.volume_types.c.id).where(
                tables.volume_types.c.name == '__DEFAULT__')).scalar_one()
            quotas.reserve(ctx, ctx.project_id, quotas.volume_deltas(1, type_id))
            assert pools.claim(ctx, f'{ONE}#one', 1)
            volumes.insert(ctx, {}, **{
                'id': volume_id, 'project_id': ctx.project_id, 'user_id': 'u1', 'size': 1, 'status': 'available',
                'host': f'{ONE}#one', 'volume_type_id': type_id, 'availability_zone': 'nova', **values})
        path = self.directory(ONE) / f'volume-{volume_id}'
        with path.open('wb') as file:
            file.write(b'begin')
            file.seek(700 << 20)
            file.write(b'middle')
            file.truncate(GIB)
        return self.row(volume_id)

    def holds(self, backend, volume_id):
        """Whether the backend has the volume with its data, complete."""
        with (self.directory(backend) / f'volume-{volume_id}').open('rb') as file:
            begin = file.read(6)
            file.seek(700 << 20)
            return (begin, file.read(7), file.seek(0, os.SEEK_END)) == (b'begin\0', b'middle\0', GIB)

    def row(self, volume_id):
        with self.ctx.reading():
            return volumes.get(self.ctx, volume_id)

    def migrate(self, row, lock=False, **more):
        meanwhile = 'maintenance' if lock else row.status
        spec = volume_migrate.payload_of(row, meanwhile, None, {}, **{'to': TWO, 'force_host_copy': False, **more})
        volume_migrate.migrate_volume(self.ctx, row, spec, lock)

    def retype(self, row, policy='on-demand'):
        kind = types.SimpleNamespace(id=self.type_id, name='other')
        volume_retype.retype_volume(self.ctx, row, volume_migrate.payload_of(
            row, 'retyping', kind, {}, policy=policy,
            new_type={'volume_type_id': self.type_id, 'multiattach': False}))

    def work(self, topic):
        """Claim the only job of a topic, as after a death of whoever had it."""
        ctx = self.ctx
        with ctx.writing():
            ctx.conn.execute(sa.update(tables.jobs).where(tables.jobs.c.outcome.is_(None)).values(
                lease_until=None, owner=None, not_before=None))
            [job_id] = jobs.due(ctx, topic, 2)
            job = jobs.claim(ctx, job_id, [topic], uuidutils.generate_uuid(), 60, '')
        return runner.Work(runner.job_context(self.app, job), job, lease.Lease(job, time.monotonic() + 60, 60),
                           self.drivers.get(topic), self.drivers)

    def schedule(self, *fitting):
        work = self.work('scheduler')
        flow = {volume_migrate.KIND: volume_migrate, volume_retype.KIND: volume_retype}[work.job.kind]
        flow.Schedule(Picker(*fitting)).run(work)

    def run(self, backend):
        work = self.work(backend)
        handlers.BACKEND[work.job.kind].run(work)

    def is_well(self):
        with self.ctx.reading():
            assert checks.usage(self.ctx) == []
            assert checks.claims(self.ctx) == []
            assert checks.stranded(self.ctx) == []

    def count(self, table):
        with self.ctx.reading():
            return self.ctx.conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()

    def messages(self):
        with self.ctx.reading():
            return list(self.ctx.conn.execute(sa.select(tables.messages.c.event_id)).scalars())

    def live(self):
        with self.ctx.reading():
            return sorted(self.ctx.conn.execute(sa.select(tables.jobs.c.kind).where(
                tables.jobs.c.outcome.is_(None))).scalars())


@pytest.fixture
def stage(app, tmp_path):
    return Stage(app, tmp_path)


@pytest.fixture
def any_stage(any_app, tmp_path):
    return Stage(any_app, tmp_path)


def moved(stage, row):
    """The volume is on TWO with its data, and nothing of it anywhere else."""
    now = stage.row(row.id)
    assert (now.host, now.status, now.migration_status) == (f'{TWO}#two', 'available', 'success')
    assert stage.holds(TWO, row.id)
    assert stage.images(TWO) == {f'volume-{row.id}'}
    assert stage.images(ONE) == set()
    assert stage.count(tables.volume_moves) == 0
    assert stage.live() == []
    stage.is_well()


@pytest.mark.parametrize('lock', [False, True])
def test_all_the_way(any_stage, lock):
    stage = any_stage
    row = stage.volume()
    stage.migrate(row, lock)
    assert stage.row(row.id).status == ('maintenance' if lock else 'available')
    assert stage.row(row.id).migration_status == 'starting'
    stage.schedule(TWO)
    assert stage.row(row.id).migration_status == 'migrating'
    stage.is_well()
    stage.run(TWO)
    assert stage.row(row.id).host == f'{TWO}#two'
    assert stage.images(ONE) == {f'volume-{row.id}'}
    stage.is_well()  # what was left on ONE is still claimed there
    stage.run(ONE)
    moved(stage, row)
    rung = [(topic, operation) for topic, operation, _ in stage.app.doorbell.rung]
    assert rung == [('scheduler', 'migrate_volume'), (TWO, 'migrate_volume'), (ONE, 'clear_volume')]


BEFORE_THE_SWITCH = ('volume.migrate.volume.before_effect', 'volume.migrate.volume.copying',
                     'volume.migrate.volume.copied', 'volume.migrate.volume.effected',
                     'volume.migrate.volume.before_commit')


@pytest.mark.parametrize('point', BEFORE_THE_SWITCH)
def test_a_copy_that_breaks_off_is_gone_on_with(stage, point):
    row = stage.volume()
    stage.migrate(row)
    stage.schedule(TWO)
    stage.app.points.deadly = point
    with pytest.raises(Died):
        stage.run(TWO)
    assert stage.row(row.id).host == f'{ONE}#one'
    with stage.ctx.reading():  # what is there has a job that knows it
        assert stage.images(TWO) <= checks.in_hand(stage.ctx, TWO)
    stage.is_well()
    stage.run(TWO)
    stage.run(ONE)
    moved(stage, row)


@pytest.mark.parametrize('point', ['volume.migrate.scheduler.before_commit', 'volume.migrate.scheduler.committed'])
def test_a_scheduler_that_dies(stage, point):
    row = stage.volume()
    stage.migrate(row)
    stage.app.points.deadly = point
    with pytest.raises(Died):
        stage.schedule(TWO)
    stage.is_well()
    if point.endswith('before_commit'):
        stage.schedule(TWO)
    stage.run(TWO)
    stage.run(ONE)
    moved(stage, row)


@pytest.mark.parametrize('point', ['volume.migrate.volume.committed', 'volume.clear.volume.before_effect',
                                   'volume.clear.volume.effected', 'volume.clear.volume.before_commit'])
def test_a_death_after_the_switch(stage, point):
    row = stage.volume()
    stage.migrate(row)
    stage.schedule(TWO)
    stage.app.points.deadly = point
    with pytest.raises(Died):
        stage.run(TWO)
        stage.run(ONE)
    assert stage.row(row.id).host == f'{TWO}#two'
    stage.is_well()
    stage.run(ONE)
    moved(stage, row)


@pytest.mark.parametrize('point', BEFORE_THE_SWITCH[1:])
def test_giving_up_leaves_it_where_it_was(stage, point):
    """Whatever the destination had of it goes, and its claim with it."""
    row = stage.volume()
    stage.migrate(row, lock=True)
    stage.schedule(TWO)
    stage.app.points.deadly = point
    with pytest.raises(Died):
        stage.run(TWO)
    work = stage.work(TWO)
    handlers.BACKEND[work.job.kind].give_up(work, 'it died three times')
    now = stage.row(row.id)
    assert (now.host, now.status, now.migration_status) == (f'{ONE}#one', 'available', 'error')
    assert stage.messages() == ['VOLUME_VOLUME_101_102']
    stage.is_well()
    stage.run(TWO)
    assert stage.images(TWO) == set()
    assert stage.holds(ONE, row.id)
    assert (stage.count(tables.volume_moves), stage.live()) == (0, [])
    stage.is_well()


def test_a_destination_nobody_serves(stage):
    row = stage.volume()
    stage.migrate(row)
    stage.schedule(TWO)
    with stage.ctx.writing():
        job = jobs.seize(stage.ctx, stage.ctx.conn.execute(sa.select(tables.jobs).where(
            tables.jobs.c.outcome.is_(None))).one())
        handlers.BACKEND[job.kind].unserved(stage.ctx, job)
    assert (stage.row(row.id).host, stage.row(row.id).migration_status) == (f'{ONE}#one', 'error')
    assert (stage.count(tables.volume_moves), stage.live()) == (0, [])  # it never began there
    stage.is_well()


def test_what_is_left_waits_for_a_backend_nobody_serves(stage):
    row = stage.volume()
    stage.migrate(row)
    stage.schedule(TWO)
    stage.run(TWO)
    with stage.ctx.writing():
        job = jobs.seize(stage.ctx, stage.ctx.conn.execute(sa.select(tables.jobs).where(
            tables.jobs.c.outcome.is_(None))).one())
        handlers.BACKEND[job.kind].unserved(stage.ctx, job)
    work = stage.work(ONE)
    handlers.BACKEND[work.job.kind].give_up(work, 'it does not answer')
    stage.is_well()
    stage.run(ONE)
    moved(stage, row)


def test_a_source_this_process_does_not_serve(stage):
    row = stage.volume()
    stage.migrate(row)
    stage.schedule(TWO)
    del stage.drivers[ONE]
    stage.run(TWO)
    assert (stage.row(row.id).migration_status, stage.messages()) == ('error', ['VOLUME_VOLUME_101_101'])
    stage.run(TWO)
    assert stage.live() == []
    stage.is_well()


def test_two_backends_that_are_one_storage(stage):
    """Nothing tells: what has the volume's name there is the volume, and must neither be replaced nor cleared away."""
    row = stage.volume()
    stage.app.conf.set_override('file_directory', str(stage.directory(ONE)), 'two')
    stage.drivers[TWO]._directory = str(stage.directory(ONE))
    stage.migrate(row)
    stage.schedule(TWO)
    stage.run(TWO)
    assert (stage.row(row.id).host, stage.messages()) == (f'{ONE}#one', ['VOLUME_VOLUME_101_102'])
    stage.run(TWO)
    assert stage.images(ONE) == {f'volume-{row.id}'}
    assert stage.holds(ONE, row.id)
    assert stage.live() == []
    stage.is_well()


def test_nowhere_to_go(stage):
    row = stage.volume()
    stage.migrate(row)
    stage.schedule(ONE)
    assert (stage.row(row.id).migration_status, stage.messages()) == ('error', ['VOLUME_VOLUME_101_003'])
    stage.is_well()


def test_what_a_backend_refuses_to_remove_is_tried_again(stage, monkeypatch):
    row = stage.volume()
    stage.migrate(row)
    stage.schedule(TWO)
    stage.run(TWO)

    def refuse(*_args):
        raise exceptions.BackendError(reason='no')

    with monkeypatch.context() as patch:
        patch.setattr(stage.drivers[ONE], 'delete', refuse)
        stage.run(ONE)
    stage.is_well()
    stage.run(ONE)
    moved(stage, row)


def test_a_place_being_cleared_is_no_place(stage):
    """What is on its way out there has the volume's name."""
    row = stage.volume()
    stage.migrate(row)
    stage.schedule(TWO)
    stage.run(TWO)
    there = stage.row(row.id)
    stage.migrate(there, to=ONE)
    stage.schedule(ONE, TWO)
    assert stage.row(row.id).migration_status == 'error'
    stage.run(ONE)
    moved_back = stage.row(row.id)
    stage.migrate(moved_back, to=ONE)
    stage.schedule(ONE, TWO)
    assert stage.row(row.id).migration_status == 'migrating'


@pytest.mark.parametrize('event', ['snapshot', 'clone', 'delete', 'extend', 'migrate', 'retype'])
def test_nothing_else_happens_to_it_meanwhile(stage, event):
    row = stage.volume()
    stage.migrate(row)
    for step in (lambda: None, lambda: stage.schedule(TWO)):
        step()
        with pytest.raises(exceptions.InvalidState), stage.ctx.writing():
            transition(stage.ctx, VOLUME, row.id, event)
    stage.run(TWO)
    with stage.ctx.writing():
        transition(stage.ctx, VOLUME, row.id, event)


def test_deleting_it_does_not_wait_for_what_it_left(stage):
    row = stage.volume()
    stage.migrate(row)
    stage.schedule(TWO)
    stage.run(TWO)
    volume_delete.delete_volume(stage.ctx, stage.row(row.id))
    stage.run(TWO)
    assert stage.count(tables.volumes) == 0
    stage.is_well()
    stage.run(ONE)
    assert (stage.images(ONE), stage.images(TWO), stage.live()) == (set(), set(), [])
    stage.is_well()


def test_an_administrator_who_ends_it(stage):
    """os-reset_status takes the job over: what the destination has of it goes all the same."""
    row = stage.volume()
    stage.retype(row)
    stage.schedule(TWO)
    stage.app.points.deadly = 'volume.migrate.volume.copied'
    work = stage.work(TWO)
    with pytest.raises(Died):
        handlers.BACKEND[work.job.kind].run(work)
    with stage.ctx.writing():
        stage.ctx.conn.execute(sa.update(tables.volumes).values(status='available', migration_status=None))
        jobs.supersede(stage.ctx, row.id)
    with pytest.raises(exceptions.LeaseLost), stage.ctx.writing():
        jobs.advance(stage.ctx, work.job)
    stage.is_well()
    stage.run(TWO)
    assert (stage.images(TWO), stage.live(), stage.count(tables.volume_moves)) == (set(), [], 0)
    assert stage.holds(ONE, row.id)
    stage.is_well()


@pytest.mark.parametrize('rivals', [('migrate', 'delete'), ('migrate', 'retype'), ('migrate', 'migrate'),
                                    ('retype', 'delete')])
def test_of_two_at_once_one_wins(any_stage, rivals):
    stage = any_stage
    row = stage.volume()
    ways = {'migrate': stage.migrate, 'retype': stage.retype, 'delete': None}
    start, came = threading.Barrier(2), []

    def ask(name):
        ctx = stand_in.make_context(stage.app)
        start.wait()
        try:
            if name == 'delete':
                volume_delete.delete_volume(ctx, row)
            else:
                one = Stage.__new__(Stage)
                one.__dict__ = {**stage.__dict__, 'ctx': ctx}
                ways[name].__func__(one, row)
            came.append(name)
        except (exceptions.InvalidState, exceptions.ResourceBusy):
            pass

    threads = [threading.Thread(target=ask, args=(name,)) for name in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(came) == 1
    stage.is_well()


# --- retype
def test_retype_in_place(any_stage):
    stage = any_stage
    row = stage.volume()
    stage.retype(row, 'never')
    assert stage.row(row.id).status == 'retyping'
    stage.is_well()
    stage.schedule(ONE, TWO)
    now = stage.row(row.id)
    assert (now.status, now.host, now.volume_type_id) == ('available', row.host, stage.type_id)
    assert [event for event, _ in stage.app.notifier.events] == ['volume.retype']
    assert stage.live() == []
    stage.is_well()


def test_retype_of_a_used_volume_in_place(stage):
    row = stage.volume(status='in-use', attach_status='attached')
    stage.retype(row)
    stage.schedule(ONE)
    now = stage.row(row.id)
    assert (now.status, now.volume_type_id) == ('in-use', stage.type_id)
    stage.is_well()


def test_retype_of_a_used_volume_cannot_move_it(stage):
    row = stage.volume(status='in-use', attach_status='attached')
    stage.retype(row)
    stage.schedule(TWO)
    assert (stage.row(row.id).status, stage.row(row.id).volume_type_id) == ('in-use', row.volume_type_id)
    assert stage.messages() == ['VOLUME_VOLUME_102_104']
    stage.is_well()


def test_retype_never_moves(stage):
    row = stage.volume()
    stage.retype(row, 'never')
    stage.schedule(TWO)
    now = stage.row(row.id)
    assert (now.status, now.volume_type_id, now.migration_status) == ('available', row.volume_type_id, None)
    assert stage.messages() == ['VOLUME_VOLUME_102_103']
    stage.is_well()


def test_retype_with_a_move(stage):
    row = stage.volume()
    stage.retype(row)
    stage.schedule(TWO)
    assert stage.row(row.id).status == 'retyping'
    stage.run(TWO)
    stage.run(ONE)
    moved(stage, row)
    assert stage.row(row.id).volume_type_id == stage.type_id


def test_snapshots_change_their_type_too(stage):
    row = stage.volume()
    snapshot_id, ctx = uuidutils.generate_uuid(), stage.ctx
    with ctx.writing():
        quotas.reserve(ctx, ctx.project_id, quotas.snapshot_deltas(ctx.conf, 1, row.volume_type_id))
        ctx.conn.execute(sa.insert(tables.snapshots).values(
            id=snapshot_id, project_id=ctx.project_id, volume_id=row.id, volume_size=1, status='deleting',
            volume_type_id=row.volume_type_id, created_at=sa.func.now()))
    stage.retype(row, 'never')
    with pytest.raises(exceptions.BackendBusy):  # the job of the snapshot knows it by its old type: later
        stage.schedule(ONE)
    with ctx.writing():
        ctx.conn.execute(sa.update(tables.snapshots).values(status='available'))
    stage.schedule(ONE)
    with ctx.reading():
        assert ctx.conn.execute(sa.select(tables.snapshots.c.volume_type_id)).scalar_one() == stage.type_id
    stage.is_well()


def test_a_snapshot_of_another_project_counts_there(stage):
    row, ctx = stage.volume(), stage.ctx
    with ctx.writing():
        quotas.reserve(ctx, 'another', quotas.snapshot_deltas(ctx.conf, 1, row.volume_type_id))
        ctx.conn.execute(sa.insert(tables.snapshots).values(
            id=uuidutils.generate_uuid(), project_id='another', volume_id=row.id, volume_size=1, status='available',
            volume_type_id=row.volume_type_id, created_at=sa.func.now()))
    stage.retype(row, 'never')
    stage.schedule(ONE)
    assert stage.row(row.id).volume_type_id == stage.type_id
    stage.is_well()


def test_quota_of_the_new_type(stage):
    row, ctx = stage.volume(), stage.ctx
    with ctx.writing():
        quotas.set_limits(ctx, ctx.project_id, {f'volumes_{stage.type_id}': 0})
    with pytest.raises(exceptions.OverQuota):
        stage.retype(row)
    assert (stage.row(row.id).status, stage.live()) == ('available', [])
    with ctx.writing():
        quotas.forget_limits(ctx, ctx.project_id)
    stage.retype(row)
    with ctx.writing():  # it is taken by others while the volume moves
        quotas.set_limits(ctx, ctx.project_id, {f'volumes_{stage.type_id}': 0})
    stage.schedule(TWO)
    stage.run(TWO)
    now = stage.row(row.id)
    assert (now.status, now.host, now.volume_type_id) == ('available', row.host, row.volume_type_id)
    assert stage.messages() == ['VOLUME_VOLUME_102_105']
    stage.run(TWO)
    assert (stage.images(TWO), stage.live()) == (set(), [])
    stage.is_well()


@pytest.mark.parametrize('place', [ONE, TWO])
def test_the_new_type_is_deleted_meanwhile(any_stage, place):
    stage = any_stage
    row = stage.volume()
    stage.retype(row)
    if place == TWO:
        stage.schedule(TWO)
    with stage.ctx.writing():
        stage.ctx.conn.execute(sa.delete(tables.volume_types).where(tables.volume_types.c.id == stage.type_id))
    stage.schedule(ONE) if place == ONE else stage.run(TWO)
    now = stage.row(row.id)
    assert (now.status, now.host, now.volume_type_id) == ('available', row.host, row.volume_type_id)
    assert stage.messages() == ['VOLUME_VOLUME_102_105']
    stage.is_well()


def test_settled(stage):
    row, ctx = stage.volume(), stage.ctx
    for word, idle in ((None, True), ('success', True), ('error', True), ('starting', False), ('migrating', False)):
        with ctx.writing():
            ctx.conn.execute(sa.update(tables.volumes).values(migration_status=word))
            found = ctx.conn.execute(sa.select(tables.volumes.c.id).where(volume_moves.settled())).all()
        assert [each.id for each in found] == ([row.id] if idle else [])

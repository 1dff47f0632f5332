# SPDX-License-Identifier: Apache-2.0
"""Bringing in what is in a directory already: whoever goes on from any step comes to the same end, and what could not
be had is never removed. The driver is the real one.
"""

import pathlib
import time
import types

import pytest
import sqlalchemy as sa
from oslo_utils import uuidutils

import stand_in
from blockctl import conf as configuration
from blockctl import exceptions
from blockctl.db import answers
from blockctl.db import checks
from blockctl.db import jobs
from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db import tables
from blockctl.db import volumes
from blockctl.drivers.file import driver as file_driver
from blockctl.flows import handlers
from blockctl.flows import snapshot_manage
from blockctl.flows import volume_delete
from blockctl.flows import volume_manage
from blockctl.jobs import lease
from blockctl.jobs import runner

HOST = 'node@one'
POOL = f'{HOST}#one'


class Died(Exception):
    """The process is dead from here on."""


class Stage:
    """A database, a backend, and in its directory something of 1.5 GiB called 'found'."""

    def __init__(self, app, directory):
        self.app = app
        self.deadly = None
        app.points = self._point
        self.ctx = stand_in.make_context(app)
        section = configuration.backend_group(app.conf, 'one', file_driver.FileDriver.options())
        self.directory = pathlib.Path(directory) / 'one'
        app.conf.set_override('file_directory', str(self.directory), 'one')
        self.driver = file_driver.FileDriver(section, HOST)
        self.driver.start()
        with (self.directory / 'found').open('wb') as file:
            file.write(b'precious')
            file.truncate(3 << 29)
        with self.ctx.writing():
            pools.report(self.ctx, HOST, POOL, 1, 0, 1, 0, {})  # room for 1 GiB: what is there needs none

    def _point(self, name):
        if name == self.deadly:
            self.deadly = None
            raise Died(name)

    def images(self):
        return {entry.name for entry in self.directory.iterdir() if entry.is_file() and entry.name != '.backend'}

    def manage(self, name='found'):
        volume_id = uuidutils.generate_uuid()
        volume_manage.manage_volume(self.ctx, {
            'id': volume_id, 'project_id': self.ctx.project_id, 'user_id': 'u1', 'volume_type_id': None},
            {'a': 'b'}, {'to': HOST, 'source_name': name, 'availability_zone': None, 'extra_specs': {},
                         'volume_type': None})
        return volume_id

    def row(self, volume_id):
        with self.ctx.reading():
            return volumes.get(self.ctx, volume_id)

    def pick(self, ctx, spec):
        """Stands in for the scheduler's choice: this stage's pool fits."""
        return stand_in.choice(spec, [POOL])

    def work(self, topic):
        ctx = self.ctx
        with ctx.writing():
            ctx.conn.execute(sa.update(tables.jobs).where(tables.jobs.c.outcome.is_(None)).values(
                lease_until=None, owner=None, not_before=None))
            [job_id] = jobs.due(ctx, topic, 2)
            job = jobs.claim(ctx, job_id, [topic], uuidutils.generate_uuid(), 60, '')
        return runner.Work(runner.job_context(self.app, job), job, lease.Lease(job, time.monotonic() + 60, 60),
                           self.driver if topic == HOST else None)

    def schedule(self, picker=None):
        volume_manage.Schedule(picker or self).run(self.work('scheduler'))

    def run(self):
        work = self.work(HOST)
        handlers.BACKEND[work.job.kind].run(work)

    def is_well(self):
        with self.ctx.reading():
            assert checks.usage(self.ctx) == []
            assert checks.claims(self.ctx) == []
            assert checks.stranded(self.ctx) == []

    def live(self):
        with self.ctx.reading():
            return self.ctx.conn.execute(sa.select(sa.func.count()).select_from(tables.jobs).where(
                tables.jobs.c.outcome.is_(None))).scalar_one()

    def messages(self):
        with self.ctx.reading():
            return list(self.ctx.conn.execute(sa.select(tables.messages.c.event_id)).scalars())


@pytest.fixture
def stage(app, tmp_path):
    return Stage(app, tmp_path)


@pytest.fixture
def any_stage(any_app, tmp_path):
    return Stage(any_app, tmp_path)


def managed(stage, volume_id):
    row = stage.row(volume_id)
    assert (row.status, row.size, row.host) == ('available', 2, POOL)
    assert stage.images() == {f'volume-{volume_id}'}
    with (stage.directory / f'volume-{volume_id}').open('rb') as file:
        assert file.read(8) == b'precious'
    assert stage.live() == 0
    stage.is_well()


def lost(stage, volume_id, images):
    """It failed: it names no pool, and deleting it touches no image."""
    row = stage.row(volume_id)
    assert (row.status, row.host) == ('error_managing', None)
    assert stage.live() == 0
    stage.is_well()
    volume_delete.delete_volume(stage.ctx, row)
    assert stage.images() == images
    assert stage.live() == 0
    stage.is_well()


def test_all_the_way(any_stage):
    stage = any_stage
    volume_id = stage.manage()
    assert (stage.row(volume_id).status, stage.row(volume_id).size) == ('managing', 0)
    stage.is_well()
    stage.schedule()
    stage.is_well()
    stage.run()
    managed(stage, volume_id)
    assert [event for event, _ in stage.app.notifier.events] == [
        'volume.manage_existing.start', 'volume.manage_existing.end']


@pytest.mark.parametrize('point', [
    'volume.manage.volume.before_effect', 'volume.manage.volume.before_size_commit',
    'volume.manage.volume.size_committed', 'volume.manage.volume.effected', 'volume.manage.volume.before_commit'])
def test_a_death_at_each_step(stage, point):
    volume_id = stage.manage()
    stage.schedule()
    stage.deadly = point
    with pytest.raises(Died):
        stage.run()
    stage.is_well()
    stage.run()
    managed(stage, volume_id)


@pytest.mark.parametrize('point', [None, 'volume.manage.volume.size_committed', 'volume.manage.volume.effected'])
def test_giving_up_removes_nothing(stage, point):
    """Not even when the image has its new name already: whose it is, is not certain."""
    volume_id = stage.manage()
    stage.schedule()
    stage.deadly = point
    if point:
        with pytest.raises(Died):
            stage.run()
    work = stage.work(HOST)
    handlers.BACKEND[work.job.kind].give_up(work, 'it died three times')
    assert stage.messages() == ['VOLUME_VOLUME_103_106']
    lost(stage, volume_id, {f'volume-{volume_id}' if point and point.endswith('effected') else 'found'})


def test_a_backend_nobody_serves(stage):
    volume_id = stage.manage()
    stage.schedule()
    with stage.ctx.writing():
        job = jobs.seize(stage.ctx, stage.ctx.conn.execute(sa.select(tables.jobs).where(
            tables.jobs.c.outcome.is_(None))).one())
        handlers.BACKEND[job.kind].unserved(stage.ctx, job)
    assert stage.messages() == ['VOLUME_VOLUME_103_111']
    lost(stage, volume_id, {'found'})


@pytest.mark.parametrize('name', ['nothing', '../found', 'locks'])
def test_what_is_not_there_or_no_name(stage, name):
    volume_id = stage.manage(name)
    stage.schedule()
    stage.run()
    lost(stage, volume_id, {'found'})


def test_of_two_that_want_the_same_one_wins(stage):
    first = stage.manage()
    stage.schedule()
    stage.run()
    second = stage.manage()
    stage.schedule()
    stage.run()
    lost(stage, second, {f'volume-{first}'})
    managed(stage, first)


def test_over_quota_once_its_size_is_known(stage):
    stage.app.conf.set_override('quota_gigabytes', 1)
    volume_id = stage.manage()
    stage.schedule()
    stage.run()
    assert stage.messages() == ['VOLUME_VOLUME_103_106']
    lost(stage, volume_id, {'found'})
    stage.app.conf.set_override('quota_volumes', 0)
    with pytest.raises(exceptions.OverQuota):
        stage.manage()
    stage.is_well()


def test_no_pool_offers_the_type(stage):
    volume_id = stage.manage()
    stage.schedule(types.SimpleNamespace(pick=lambda ctx, spec: stand_in.choice(spec, [], [('CapabilitiesFilter', 1)])))
    assert stage.messages() == ['VOLUME_VOLUME_103_003']
    lost(stage, volume_id, {'found'})


def test_unmanage(any_stage):
    stage = any_stage
    volume_id = stage.manage()
    stage.schedule()
    stage.run()
    volume_manage.unmanage_volume(stage.ctx, stage.row(volume_id))
    with pytest.raises(exceptions.VolumeNotFound):
        stage.row(volume_id)
    assert stage.images() == {f'volume-{volume_id}'}
    stage.is_well()
    again = stage.manage(f'volume-{volume_id}')
    stage.schedule()
    stage.run()
    managed(stage, again)


def test_the_list_tells_what_is_managed(stage):
    volume_id = stage.manage()
    stage.schedule()
    stage.run()
    (stage.directory / 'other').write_bytes(b'x')
    assert [(entry['reference']['source-name'], entry['size'], entry['safe_to_manage'], entry['cinder_id'])
            for entry in _listed(stage, 'volumes')] == [
        ('other', 1, True, None), (f'volume-{volume_id}', 2, False, volume_id)]


def _listed(stage, of):
    with stage.ctx.writing():
        job_id = jobs.post(stage.ctx, volume_manage.LIST, uuidutils.generate_uuid(), HOST, {'of': of})
    stage.run()
    with stage.ctx.writing():
        return answers.take(stage.ctx, job_id)


@pytest.mark.parametrize('point', [None, 'snapshot.manage.volume.before_effect', 'snapshot.manage.volume.effected',
                                   'snapshot.manage.volume.before_commit'])
def test_snapshots(stage, point):
    volume_id = stage.manage()
    stage.schedule()
    stage.run()
    (stage.directory / f'volume-{volume_id}@found').write_bytes(b'precious')
    [entry] = _listed(stage, 'snapshots')
    assert (entry['reference'], entry['source_reference'], entry['safe_to_manage']) == (
        {'source-name': 'found'}, {'source-name': f'volume-{volume_id}'}, True)
    row = snapshot_manage.manage_snapshot(stage.ctx, stage.row(volume_id), 'found', 'mine', None, {})
    stage.is_well()
    stage.deadly = point
    if point:
        with pytest.raises(Died):
            stage.run()
    if stage.live():
        stage.run()
    assert f'volume-{volume_id}@snapshot-{row.id}' in stage.images()
    [entry] = _listed(stage, 'snapshots')
    assert (entry['safe_to_manage'], entry['cinder_id']) == (False, row.id)
    stage.is_well()
    snapshot_manage.unmanage_snapshot(stage.ctx, row.id)
    assert f'volume-{volume_id}@snapshot-{row.id}' in stage.images()
    with stage.ctx.reading():
        assert quotas.usages(stage.ctx, stage.ctx.project_id)['snapshots'] == 0
    stage.is_well()

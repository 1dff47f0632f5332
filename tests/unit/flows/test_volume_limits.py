# SPDX-License-Identifier: Apache-2.0
"""Limits that the storage keeps: set wherever a volume comes to be, gets another type, or moves; and taken back."""

import uuid

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl import exceptions
from blockctl.db import qos_specs
from blockctl.db import tables
from blockctl.db import volume_choices
from blockctl.db import volume_types
from blockctl.drivers import interface
from blockctl.flows import handlers
from blockctl.flows import volume_migrate
from blockctl.flows import volume_retype
from blockctl.operations import volume_retype as operations

FAST, SLOW = {'total_iops_sec': 900}, {'total_iops_sec': 7, 'read_bytes_sec_max': 300}


class Limiting:
    """A driver of files that notes limits: a double, for none of ours but Ceph's keeps any."""

    def __init__(self, driver):
        self._driver = driver
        self.limits = {}
        self.calls = 0
        self.fails = []  # what the next calls raise; None: nothing

    def __getattr__(self, name):
        return getattr(self._driver, name)

    def limit(self, volume, limits, effect):
        effect.check()
        self.calls += 1
        error = self.fails.pop(0) if self.fails else None
        if error:
            raise error
        self.limits[volume.id] = dict(limits)


interface.Limits.register(Limiting)
interface.Clones.register(Limiting)


class Bench(workbench.Bench):
    """``types``: rows of the types fast, slow (back-end), host (front-end) and plain, by their names."""

    def __init__(self, app, directory):
        super().__init__(app, directory)
        self.driver = Limiting(self.driver)
        self.types = {}
        for name, consumer, limits in (('fast', 'back-end', FAST), ('slow', 'both', SLOW),
                                       ('host', 'front-end', FAST), ('plain', None, {})):
            self._make_type(name, consumer, {key: str(value) for key, value in limits.items()})
        self.points = []

    def _make_type(self, name, consumer, specs):
        type_id, specs_id = str(uuid.uuid4()), str(uuid.uuid4())
        with self.ctx.writing():
            volume_types.insert_type(self.ctx, type_id, name, None, True, {})
            if consumer:
                qos_specs.insert(self.ctx, specs_id, name, consumer, specs)
                qos_specs.associate(self.ctx, specs_id, type_id)
        with self.ctx.reading():
            self.types[name] = volume_choices.volume_type(self.ctx, name)

    def made(self, name, **more):
        return self.create(1, volume_type=self.types[name], **more)

    def retype(self, volume_id, name):
        """Ask for another type, and have the scheduler look at it."""
        operations.retype(stand_in.make_context(self.app), volume_id, name)
        volume_retype.Schedule(self.picker).run(self.claim('scheduler'))

    def backend(self):
        """What a volume service does with the job there is."""
        with self.ctx.writing() as conn:
            conn.execute(sa.update(tables.jobs).where(tables.jobs.c.outcome.is_(None)).values(
                owner=None, lease_until=None))
        work = self.claim(workbench.BACKEND, self.driver)
        handlers.BACKEND[work.job.kind].run(work)
        return work

    def state(self, volume_id):
        row = self.row(volume_id)
        name = next(name for name, kind in self.types.items() if kind.id == row.volume_type_id)
        return row.status, name, self.driver.limits.get(volume_id)

    def live(self):
        with self.ctx.reading():
            return self.ctx.conn.execute(sa.select(tables.jobs.c.topic).where(
                tables.jobs.c.outcome.is_(None))).scalars().all()


@pytest.fixture
def bench(app, tmp_path):
    app.policy = stand_in.Anybody()
    return Bench(app, tmp_path)


def test_a_new_volume_has_those_of_its_type(bench):
    assert bench.state(bench.made('fast')) == ('available', 'fast', FAST)
    assert bench.state(bench.made('slow')) == ('available', 'slow', SLOW)
    # what the host sees to is not the storage's, and nothing is asked of that
    assert bench.state(bench.made('host')) == ('available', 'host', None)
    assert bench.state(bench.made('plain')) == ('available', 'plain', None)


def test_a_clone_has_those_of_its_own_type(bench):
    source = bench.source_of(bench.made('fast'))
    assert bench.state(bench.made('slow', source=source)) == ('available', 'slow', SLOW)
    assert bench.state(bench.made('plain', source=source)) == ('available', 'plain', {})


def test_storage_that_cannot_does_without(bench):
    driver = bench.driver
    bench.driver = driver._driver
    volume_id = bench.made('fast')
    bench.driver = driver
    assert bench.state(volume_id) == ('available', 'fast', None)


def test_retype_where_the_limits_are_the_same_asks_no_backend(bench):
    volume_id = bench.made('host')
    bench.retype(volume_id, 'plain')
    assert bench.state(volume_id) == ('available', 'plain', None)
    assert bench.live() == []


def test_retype_sets_the_limits_first(bench):
    volume_id = bench.made('fast')
    bench.retype(volume_id, 'slow')
    assert bench.state(volume_id) == ('retyping', 'fast', FAST)
    assert bench.live() == [workbench.BACKEND]
    bench.backend()
    assert bench.state(volume_id) == ('available', 'slow', SLOW)
    bench.retype(volume_id, 'plain')
    bench.backend()
    assert bench.state(volume_id) == ('available', 'plain', {})
    assert bench.live() == []


def test_retype_by_who_takes_it_over(bench):
    volume_id = bench.made('fast')
    bench.retype(volume_id, 'slow')
    bench.driver.fails = [exceptions.BackendTimeout(reason='asked for by a test')]
    with pytest.raises(exceptions.BackendTimeout):
        bench.backend()
    assert bench.state(volume_id) == ('retyping', 'fast', FAST)
    bench.backend()
    assert bench.state(volume_id) == ('available', 'slow', SLOW)


def test_retype_that_the_storage_refuses(bench):
    volume_id = bench.made('fast')
    bench.retype(volume_id, 'slow')
    bench.driver.limits[volume_id] = {'half': 'done'}
    bench.driver.fails = [exceptions.BackendError(reason='asked for by a test')]
    bench.backend()
    assert bench.state(volume_id) == ('available', 'fast', FAST)
    assert bench.live() == []
    assert _messages(bench) == ['VOLUME_VOLUME_102_105']


def test_retype_that_the_storage_refuses_to_take_back(bench):
    volume_id = bench.made('fast')
    bench.retype(volume_id, 'slow')
    bench.driver.fails = [exceptions.BackendError(reason='asked for by a test')] * 2
    bench.backend()
    assert bench.state(volume_id) == ('available', 'fast', FAST)
    assert _messages(bench) == ['VOLUME_VOLUME_102_105']


def test_retype_to_a_type_that_goes_meanwhile(bench):
    volume_id = bench.made('fast')
    bench.retype(volume_id, 'slow')
    with bench.ctx.writing():
        volume_types.delete(bench.ctx, bench.types['slow'].id)
    bench.backend()
    assert bench.state(volume_id) == ('available', 'fast', FAST)
    assert _messages(bench) == ['VOLUME_VOLUME_102_105']


def test_retype_that_takes_too_long(bench):
    volume_id = bench.made('fast')
    bench.retype(volume_id, 'slow')
    work = bench.claim(workbench.BACKEND, bench.driver)
    handlers.BACKEND[work.job.kind].give_up(work, 'asked for by a test')
    assert bench.state(volume_id) == ('available', 'fast', FAST)
    assert bench.live() == []


def test_retype_whose_backend_goes(bench):
    volume_id = bench.made('fast')
    bench.retype(volume_id, 'slow')
    work = bench.claim(workbench.BACKEND, bench.driver)
    with bench.ctx.writing():
        handlers.BACKEND[work.job.kind].unserved(bench.ctx, work.job)
    assert bench.state(volume_id) == ('available', 'fast', FAST)
    assert bench.live() == []


def test_a_server_may_have_it_when_only_the_storage_is_told(bench):
    volume_id = bench.made('fast')
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.volumes).values(status='in-use', attach_status='attached'))
    with pytest.raises(exceptions.CannotRetype, match='front-end QoS'):
        bench.retype(volume_id, 'slow')
    with pytest.raises(exceptions.CannotRetype, match='front-end QoS'):
        bench.retype(volume_id, 'host')
    bench.retype(volume_id, 'plain')
    bench.backend()
    assert bench.state(volume_id) == ('in-use', 'plain', {})


def test_a_moved_volume_has_them_where_it_goes(bench, monkeypatch):
    volume_id = bench.made('fast')
    other, kept = f'{workbench.BACKEND[:-1]}2', {}
    bench.add_backend(other, 100)
    row = bench.row(volume_id)
    volume_migrate.migrate_volume(bench.ctx, row, volume_migrate.payload_of(
        row, 'available', None, {}, to=other, force_host_copy=False), lock=False)
    volume_migrate.Schedule(bench.picker).run(bench.claim('scheduler'))
    monkeypatch.setattr(volume_migrate, '_fetch', lambda *args: {})
    monkeypatch.setattr(bench.driver, 'limit', lambda volume, limits, effect: kept.update(
        {(volume.pool, volume.name): limits}), raising=False)
    work = bench.claim(other, bench.driver)
    handlers.BACKEND[work.job.kind].run(work)
    assert kept == {('p', f'volume-{volume_id}'): FAST}


def _messages(bench):
    with bench.ctx.reading():
        return bench.ctx.conn.execute(sa.select(tables.messages.c.event_id)).scalars().all()

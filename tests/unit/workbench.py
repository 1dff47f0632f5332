# SPDX-License-Identifier: Apache-2.0
"""One backend of files and its pool, with the scheduler and the volume service done by hand, one job at a time."""

import threading
import time
import uuid

import sqlalchemy as sa
from oslo_config import cfg

import stand_in
from blockctl.conf import backend
from blockctl.db import checks
from blockctl.db import jobs
from blockctl.db import pools as db_pools
from blockctl.db import tables
from blockctl.db import volumes
from blockctl.db.columns import utcnow
from blockctl.drivers import interface
from blockctl.drivers.file import driver as file_driver
from blockctl.flows import handlers
from blockctl.flows import volume_create
from blockctl.jobs import lease
from blockctl.jobs import runner
from blockctl.scheduler import pick
from blockctl.scheduler import pools

BACKEND = 'node@files'
POOL = 'node@files#p'


def make_driver(directory):
    """A started driver of files, as blockctl-volume makes it."""
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt('volume_name_template', default='volume-%s')])
    conf.register_opts(backend.OPTIONS, 'files')
    conf.register_opts(file_driver.FileDriver.options(), 'files')
    conf([], default_config_files=[], default_config_dirs=[])
    conf.set_override('file_directory', str(directory), 'files')
    conf.set_override('backend_call_timeout', 2, 'files')
    driver = file_driver.FileDriver(backend.Section(conf, 'files'), BACKEND)
    driver.start()
    return driver


class Killed(BaseException):
    """The process died here."""


class Bench:
    """``bound``: GiB that the pool may be promised."""

    def __init__(self, app, directory, bound=100):
        self.app = app
        self.ctx = stand_in.make_context(app)
        self.driver = make_driver(directory / 'images')
        self.directory = directory / 'images'
        self.add_backend(BACKEND, bound)

    def add_backend(self, host, bound):
        """A backend that is up, as far as the database knows, with a pool p."""
        with self.ctx.writing() as conn:
            service_id = str(uuid.uuid4())
            conn.execute(sa.insert(tables.services).values(
                id=service_id, binary='cinder-volume', host=host, availability_zone='nova', disabled=False,
                frozen=False, created_at=utcnow()))
            conn.execute(sa.insert(tables.processes).values(
                incarnation=str(uuid.uuid4()), service_id=service_id, machine='m', boot='b', pid=1, started=1,
                version='1', beat_at=utcnow(), created_at=utcnow()))
            db_pools.report(self.ctx, host, f'{host}#p', 1, 0, bound, 0, {'availability_zone': 'nova'})
        self.picker = pick.Picker(self.app.conf, pools.Pools())  # a new one knows of it at once

    # --- requests
    def ask(self, size=1, source=None, **options):
        """Accept a volume; its id."""
        return volume_create.create_volume(stand_in.make_context(self.app), volume_create.CreateVolume(
            size=size, source=source, availability_zone='nova', **options)).id

    def source_of(self, volume_id):
        """The volume as what another is made of."""
        row = self.row(volume_id)
        return volume_create.Source('volume', row.id, row.size, row)

    def create(self, *args, **options):
        """A volume that is available; its id."""
        volume_id = self.ask(*args, **options)
        self.schedule()
        self.work()
        assert self.row(volume_id).status == 'available'
        return volume_id

    # --- services
    def claim(self, topic, driver=None):
        """Take the one job of a topic that is due, whatever it waits for."""
        with self.ctx.writing() as conn:
            conn.execute(sa.update(tables.jobs).where(tables.jobs.c.topic == topic).values(not_before=None))
            job_id, = jobs.due(self.ctx, topic, 2)
            job = jobs.claim(self.ctx, job_id, [topic], 'me', 60, '')
        return self.made_work(job, driver)

    def made_work(self, job, driver):
        """What a handler gets of a job that was claimed for 60 s."""
        return runner.Work(runner.job_context(self.app, job), job, lease.Lease(job, time.monotonic() + 60, 60), driver)

    def schedule(self):
        volume_create.Schedule(self.picker).run(self.claim('scheduler'))

    def work(self, driver=None):
        """Do the one job of the backend that is due; what it was about (Work)."""
        work = self.claim(BACKEND, driver or self.driver)
        handlers.BACKEND[work.job.kind].run(work)
        return work

    def kill_at(self, point, driver=None):
        """Do the job that is due until the process dies at ``point``; whoever claims the job then takes it over."""
        def die(name):
            if name == point:
                raise Killed

        real, self.app.points = self.app.points, die
        try:
            self.work(driver)
        except Killed:
            with self.ctx.writing():
                jobs.expire(self.ctx, 'me')  # a job that ended has no lease
        else:
            raise AssertionError(f'no process comes to {point}')
        finally:
            self.app.points = real

    def unserved(self):
        """Settle the one live job as a sweep does when no process serves the backend."""
        with self.ctx.writing() as conn:
            row = conn.execute(sa.select(tables.jobs).where(tables.jobs.c.outcome.is_(None))).one()
            job = jobs.seize(self.ctx, row)
            handlers.BACKEND[job.kind].unserved(self.ctx, job)

    # --- looks
    def row(self, volume_id):
        with self.ctx.reading():
            return volumes.get(self.ctx, volume_id)

    def count(self, table, *where):
        with self.ctx.reading() as conn:
            return conn.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one()

    def messages(self):
        """[(resource, event)] in order."""
        table = tables.messages.c
        with self.ctx.reading() as conn:
            return [tuple(row) for row in conn.execute(
                sa.select(table.resource_id, table.event_id).order_by(table.created_at, table.id))]

    def image(self, volume_id):
        """The path of its image."""
        return self.directory / f'volume-{volume_id}'

    def images(self):
        """{name: GiB} of the volumes on the backend."""
        return {found.name: found.size for found in self.driver.find() if '@' not in found.name}

    def all_is_well(self):
        """The invariants hold, and the backend has the images that rows name, of their sizes, and no others."""
        with self.ctx.reading() as conn:
            assert checks.usage(self.ctx) == []
            assert checks.claims(self.ctx) == []
            assert checks.stranded(self.ctx) == []
            rows = conn.execute(sa.select(tables.volumes).where(tables.volumes.c.host.is_not(None))).all()
        settled = {f'volume-{row.id}': row.size for row in rows if row.status in ('available', 'in-use')}
        found = self.images()
        assert {name: found.get(name) for name in settled} == settled
        assert set(found) <= {f'volume-{row.id}' for row in rows}

    def write(self, volume_id, data, offset=0):
        with open(self.image(volume_id), 'r+b') as file:
            file.seek(offset)
            file.write(data)

    def read(self, volume_id, length, offset=0):
        with open(self.image(volume_id), 'rb') as file:
            file.seek(offset)
            return file.read(length)


class Broken:
    """A driver of files that fails where it is told to; a double, for the real one fails at no word of ours."""

    def __init__(self, driver, **fails):
        self._driver = driver
        self._fails = fails

    def __getattr__(self, name):
        if name in self._fails:
            def fail(*_args):
                raise self._fails[name]
            return fail
        return getattr(self._driver, name)


for _ability in (interface.Clones, interface.Extends, interface.Snapshots):
    _ability.register(Broken)  # isinstance() is how blockctl asks


def race(*calls):
    """What each of the calls, made at the same time, returned or raised."""
    outcomes = [None] * len(calls)
    start = threading.Barrier(len(calls))

    def run(number):
        start.wait()
        try:
            outcomes[number] = calls[number]()
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes

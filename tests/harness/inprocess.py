# SPDX-License-Identifier: Apache-2.0
"""The whole service in this process, without a thread: requests through the real WSGI application, jobs done by hand.

Jobs are worked on by the real runners, one at a time and only when a test says so, so that a test decides what happens
between a request and its job, and between two steps of one.  A worker "dies" by :class:`Death`, which no code of
blockctl catches; the next one takes its job over.
"""

import contextlib
import dataclasses
import json
import pathlib
import shutil
import sqlite3
import uuid

import sqlalchemy as sa
import webob

from blockctl import conf as configuration
from blockctl import context
from blockctl import exceptions
from blockctl.api import app as api
from blockctl.api.middleware import auth
from blockctl.api.middleware import request_id
from blockctl.cmd import process
from blockctl.db import engine
from blockctl.db import jobs as db_jobs
from blockctl.db import schema
from blockctl.db import tables
from blockctl.drivers import interface
from blockctl.drivers.file import driver as file_driver
from blockctl.flows import handlers
from blockctl.jobs import incarnation
from blockctl.jobs import lease
from blockctl.jobs import runner
from blockctl.rpc import transport
from blockctl.scheduler import pick
from blockctl.scheduler import pools
from blockctl.volume import reports

HOST, PROJECT, USER = 'stage', 'a' * 32, 'c' * 32
ADMIN, MEMBER = 'admin,member,reader', 'member,reader'
VERSION = '3.71'

#: What requests wait for: unless somebody does it meanwhile, they are answered 503.
WAITED = frozenset({'connect_attachment', 'disconnect_attachment', 'initialize_connection', 'terminate_connection',
                    'list_manageable', 'transfer_volume'})


class Death(BaseException):
    """The process is dead from here on: no ``except Exception`` sees it, and transactions roll back."""


class Bell:
    """Stands in for the doorbell: the calls whose requests wait are passed on, the others are left to the test."""

    def __init__(self):
        self.answer = None  # a function of the job's id

    def ring(self, topic, operation, job_id):
        if operation in WAITED and self.answer is not None:
            self.answer(job_id)


class Compute:
    """Stands in for Nova, which does not run here: ``busy`` are the servers that use what is attached to them."""

    configured = False

    def __init__(self):
        self.busy = set()

    def uses(self, ctx, server_id, volume_id, attachment_id):
        return server_id in self.busy


class HeaderAuth:
    """Stands in for keystonemiddleware: headers say who asks."""

    def __init__(self, application, app):
        self._application = application
        self._app = app

    def __call__(self, environ, start_response):
        ctx = context.Context(
            self._app, user_id=USER, project_id=environ.get('HTTP_X_PROJECT_ID', PROJECT),
            roles=environ['HTTP_X_ROLES'].split(','), request_id=environ[request_id.REQUEST_ID], overwrite=True)
        ctx.is_service = 'HTTP_X_SERVICE' in environ
        return auth.hand_on(self._application, environ, start_response, ctx)


class Database(engine.Database):
    """The real one; ``open`` counts the transactions that are under way."""

    open = 0

    @contextlib.contextmanager
    def connection(self, write):
        with super().connection(write) as conn:
            self.open += 1
            try:
                yield conn
            finally:
                self.open -= 1


class Files(file_driver.FileDriver):
    """The driver of files, with a pool of ``capacity`` GiB, whatever the disk has. ``foreign``: GiB of others' images.

    ``watch(moment, method)`` is told of every call that changes something: 'called', 'checked' (once before each
    effect), 'done'.  Unlike the real one it is fenced by its workers' names (as a Ceph client is by its address): what
    a fenced one asks for is refused.
    """

    capacity = 1000

    def __init__(self, conf, backend):
        super().__init__(conf, backend)
        self.foreign = 0
        self.worker = ''
        self.fenced = set()
        self.watch = lambda moment, method: None

    def stats(self):
        pool, = super().stats().pools
        return interface.BackendStats(
            vendor_name='blockctl', driver_version='1.0', storage_protocol='file', pools=(
                dataclasses.replace(pool, total=self.capacity, free=self.capacity, foreign=self.foreign),))

    def identity(self):
        return self.worker

    def fence(self, identity):
        self.fenced.add(identity)


class Watched:
    """What a driver asks before each effect, with an ear on it."""

    def __init__(self, effect, driver, method):
        self._effect, self._driver, self._method = effect, driver, method
        self.epoch, self.identity = effect.epoch, effect.identity

    def check(self):
        self._effect.check()
        self._driver.watch('checked', self._method)
        if self.identity in self._driver.fenced:
            raise exceptions.BackendUnavailable(reason='this client is fenced off')

    def progress(self, done):
        self._effect.progress(done)


def _watched(name):
    real = getattr(file_driver.FileDriver, name)

    def call(self, *args):
        *values, effect = args
        self.watch('called', name)
        made = real(self, *values, Watched(effect, self, name))
        self.watch('done', name)
        return made

    return call


for _name in ('create', 'delete', 'extend', 'create_snapshot', 'delete_snapshot', 'create_from_snapshot', 'clone',
              'revert', 'connect', 'disconnect', 'rename', 'rename_snapshot', 'fill'):
    setattr(Files, _name, _watched(_name))


class Exporting(Files):
    """The same, as if hosts could reach a volume only once it is exported to them: ``exported`` is {(image, host)}."""

    exports = True

    def __init__(self, conf, backend):
        super().__init__(conf, backend)
        self.exported = set()

    def connect(self, volume, connector, effect):
        made = super().connect(volume, connector, effect)
        self.exported.add((volume.name, connector.host))
        return made

    def disconnect(self, volume, connector, effect):
        super().disconnect(volume, connector, effect)
        self.exported = {(image, host) for image, host in self.exported
                         if image != volume.name or (connector is not None and host != connector.host)}


class Picker:
    """The scheduler's choice, by a Picker that has read nothing yet, and so sees every change at once."""

    def __init__(self, conf):
        self._conf = conf
        self.forget()

    def forget(self):
        self._picker = pick.Picker(self._conf, pools.Pools())

    def __getattr__(self, name):
        return getattr(self._picker, name)


class Worker:
    """One incarnation of a process that is scheduler and volume service. ``at_work``: leases of the jobs in hand."""

    def __init__(self, service):
        described = {**service.described, 'incarnation': str(uuid.uuid4())}
        self._ctx = context.Context(service.app, overwrite=True)
        self.beat = lease.Beat(self._ctx, described)
        self.name = described['incarnation']
        peers = dict(service.drivers)
        self._runners = {topic: runner.Runner(service.app, self.beat, topic, handlers.BACKEND, 1, driver, peers)
                         for topic, driver in service.drivers.items()}
        self._runners[transport.SCHEDULER] = runner.Runner(
            service.app, self.beat, transport.SCHEDULER, handlers.scheduler(service.picker), 1)

    def work(self, topic, job_id):
        """Claim a job, and do it, as a thread of the runner does."""
        self._runners[topic]._claim_and_run(job_id)

    def serve(self, service_binary, host):
        return self.beat.serve(self._ctx, service_binary, host, 'nova')

    def sleep(self):
        """The process is paused for longer than its leases last, and goes on."""
        for held in self.beat._leases.values():
            held.expires = 0


class Service:
    """On a database of its own (``url``) and a directory of images for each of ``backends``.

    ``driver``: a subclass of Files, or {backend: subclass}; ``options``: of [DEFAULT].
    """

    def __init__(self, directory, url, backends=('one', 'two'), driver=Files, **options):
        self.directory = pathlib.Path(directory)
        self._kept_open = None
        conf = configuration.load([], files=[])
        conf.set_override('state_path', str(directory))
        conf.set_override('host', HOST)
        conf.set_override('connection', url, 'database')
        conf.set_override('service_down_time', 100_000)  # nobody beats here
        transport.response_timeout(conf)
        for name, value in {'rpc_response_timeout': 0, **options}.items():
            conf.set_override(name, value)
        self.app = process.compose(conf, 'embedded://')
        self.app.db = Database(conf)
        schema.sync(self.app.db, conf.default_volume_type)
        self.bell = self.app.doorbell = Bell()
        self.compute = self.app.compute = Compute()
        self.ctx = context.Context(self.app, overwrite=True)
        self.wsgi = api.make_app(self.app, authenticate=HeaderAuth)
        self.picker = Picker(conf)
        self.described = incarnation.describe()
        self._classes = driver if isinstance(driver, dict) else dict.fromkeys(backends, driver)
        self.sections = {name: self._section(name) for name in backends}

    def _section(self, name):
        section = configuration.backend_group(self.app.conf, name, file_driver.FileDriver.options())
        self.app.conf.set_override('max_over_subscription_ratio', '1', name)
        self.app.conf.set_override('backend_call_timeout', 2, name)
        return section

    def start(self):
        """Empty backends, and a worker that serves them. May be called again, on a database made new."""
        if self.app.conf.database.connection.startswith('sqlite'):
            # SQLite tidies up whenever nobody has a file open, which takes longer than what is done with it here.
            self._kept_open = sqlite3.connect(sa.make_url(self.app.conf.database.connection).database)
            self._kept_open.execute('SELECT * FROM jobs').fetchall()
        self.drivers = {}
        for name, section in self.sections.items():
            shutil.rmtree(self.images(name), ignore_errors=True)
            self.app.conf.set_override('file_directory', str(self.images(name)), name)
            driver = self._classes[name](section, section.host)
            driver.start()
            self.drivers[section.host] = driver
        self.replace_worker()

    def replace_worker(self):
        """Another process serves the backends; whether the one before it is dead is not said."""
        self.worker = Worker(self)
        self.worker.serve('cinder-scheduler', HOST)
        self.service_ids = {host: self.worker.serve('cinder-volume', host) for host in self.drivers}
        for driver in self.drivers.values():
            driver.worker = self.worker.name
        self.report()

    def report(self):
        """Have every backend say what it can hold."""
        for section in self.sections.values():
            reports.store(context.Context(self.app, overwrite=True), section, self.service_ids[section.host],
                          self.drivers[section.host])

    def close(self):
        if self._kept_open is not None:
            self._kept_open.close()
            self._kept_open = None
        self.app.db.dispose()

    # --- requests
    def ask(self, method, path, body=None, roles=MEMBER, version=VERSION, service=False):
        """(status, JSON or None) of a request."""
        request = webob.Request.blank(f'/v3{path}', method=method)
        request.headers['X-Roles'] = roles
        request.headers['OpenStack-API-Version'] = f'volume {version}'
        if service:
            request.headers['X-Service'] = 'yes'
        if body is not None:
            request.content_type = 'application/json'
            request.body = json.dumps(body).encode()
        answer = request.get_response(self.wsgi)
        return answer.status_int, json.loads(answer.body) if answer.body else None

    # --- jobs
    def live_jobs(self):
        """The jobs that have not ended, in the order in which they were posted."""
        with self.ctx.reading() as conn:
            statement = sa.select(tables.jobs).where(tables.jobs.c.outcome.is_(None))
            order = sa.text('rowid') if conn.dialect.name == 'sqlite' else tables.jobs.c.created_at
            return conn.execute(statement.order_by(order)).all()

    def work(self, job, hurry=True):
        """Work on a job once. ``hurry``: as if the moment it waits for had come. Returns whether its worker lived."""
        if hurry:
            with context.Context(self.app, overwrite=True).writing() as conn:
                conn.execute(sa.update(tables.jobs).where(tables.jobs.c.id == job.id).values(not_before=None))
        self.picker.forget()
        try:
            self.worker.work(job.topic, job.id)
        except Death:
            self.bury()
            return False
        return True

    def bury(self):
        """The worker is dead, and known to be: its jobs can be taken over by another."""
        ctx = context.Context(self.app, overwrite=True)
        with ctx.writing():
            db_jobs.expire(ctx, self.worker.name)
        self.replace_worker()

    def work_off(self, rounds=60):
        """Do all there is to do."""
        for _ in range(rounds):
            live = self.live_jobs()
            if not live:
                return
            for job in live:
                self.work(job)
        raise AssertionError(f'jobs never end: {[(job.kind, job.payload) for job in live]}')

    # --- looks
    def images(self, name):
        """The directory of a backend's images."""
        return self.directory / f'files-{name}'

    def query(self, statement, **values):
        """Rows of one statement in SQL."""
        with self.ctx.reading() as conn:
            return conn.execute(sa.text(statement), values).all()

    def rows(self, table):
        """{id: row} of a table, in the order in which they were made."""
        with self.ctx.reading() as conn:
            order = sa.text('rowid') if conn.dialect.name == 'sqlite' else table.c.created_at
            return {row.id: row for row in conn.execute(sa.select(table).order_by(order))}

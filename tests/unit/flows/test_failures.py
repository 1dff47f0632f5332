# SPDX-License-Identifier: Apache-2.0
"""Every kind of job that fails for certain leaves one message, for its tenant, about the right thing, with no secrets.

A kind that is new in flows/handlers.py needs a play here, or a reason why its failure is nobody's to know.
"""

import abc
import uuid

import pytest
import sqlalchemy as sa
from castellan.common import exception

import memory_keys
import stand_in
import workbench
from blockctl import exceptions
from blockctl.db import group_types
from blockctl.db import groups
from blockctl.db import jobs
from blockctl.db import snapshots as db_snapshots
from blockctl.db import tables
from blockctl.drivers import interface
from blockctl.flows import group_create
from blockctl.flows import group_delete
from blockctl.flows import group_snapshot_create
from blockctl.flows import group_snapshot_delete
from blockctl.flows import handlers
from blockctl.flows import snapshot_create
from blockctl.flows import snapshot_delete
from blockctl.flows import snapshot_manage
from blockctl.flows import volume_delete
from blockctl.flows import volume_extend
from blockctl.flows import volume_manage
from blockctl.flows import volume_migrate
from blockctl.flows import volume_retype
from blockctl.flows import volume_revert
from blockctl.flows import volume_transfer
from blockctl.flows import work_fence
from blockctl.operations import attachments
from blockctl.operations import connections
from blockctl.operations import transfers
from blockctl.operations import volume_retype as retyping
from blockctl.rpc import transport

#: What no message may tell.
SECRETS = ('node', 'files', '#p', 'hunter2')

HOST = {'host': 'compute-1', 'ip': '127.0.0.1', 'multipath': False}

#: Kinds whose failure is no tenant's business, and why.
SILENT = {
    volume_manage.LIST: 'an administrator asks what there is, and waits for it',
    volume_migrate.CLEAR: 'it is never given up',
    volume_transfer.CLEAR: 'the same',
    work_fence.KIND: 'it changes nothing',
}


class Failing:
    """A driver that fails for certain, but for what it is told to leave to a real one."""

    exports = True
    shared_targets = False

    def __init__(self, driver, spared=()):
        self._driver = driver
        self._spared = spared
        self.conf = driver.conf

    def __getattr__(self, name):
        if name in self._spared:
            return getattr(self._driver, name)

        def fail(*_args):
            raise exceptions.BackendError(reason='node@files#p says hunter2')
        return fail


for _ability in vars(interface).values():
    if isinstance(_ability, abc.ABCMeta) and _ability is not interface.Driver:
        _ability.register(Failing)


class Nowhere:
    """Stands in for the scheduler's choice: nothing fits."""

    def pick(self, ctx, spec):
        return stand_in.choice(spec, [])


class There(Nowhere):
    """One pool fits."""

    def __init__(self, pool):
        self._pool = pool

    def pick(self, ctx, spec):
        asked = spec.get('to') in (None, self._pool, self._pool.partition('#')[0])
        return stand_in.choice(spec, [self._pool] if asked and self._pool not in spec.get('excluded', ()) else [])


class Untold:
    """Stands in for Nova: no server can be told."""

    configured = True

    def volume_extended(self, server_ids, volume_id, global_request_id=None):
        return list(server_ids)


class Plays:
    """How each kind of job comes to be there. A play returns the id of what its message has to be about."""

    def __init__(self, bench):
        self.bench = bench
        self.app = bench.app
        self.backend = workbench.BACKEND
        self.spared = ()
        self.tenant = 'p1'
        with bench.ctx.writing() as conn:
            self.kind = conn.execute(sa.select(tables.volume_types)).first()
            group_types.insert_type(bench.ctx, 'plain' * 7, 'plain', None, True, {})

    @property
    def ctx(self):
        return stand_in.make_context(self.app)

    def volume(self):
        return self.bench.create(1, volume_type=self.kind)

    def asked(self):
        return self.bench.ask(1, volume_type=self.kind)

    def snapshot_asked(self, volume_id):
        return snapshot_create.create_snapshot(
            self.ctx, snapshot_create.CreateSnapshot(volume=self.bench.row(volume_id))).id

    def snapshot(self, volume_id):
        snapshot_id = self.snapshot_asked(volume_id)
        self.bench.work()
        return snapshot_id

    def impatient(self, function, *args):
        """A request that does not wait for its job."""
        transport.response_timeout(self.app.conf)  # registers it
        self.app.conf.set_override('rpc_response_timeout', 0)
        try:
            with pytest.raises(exceptions.StillUnderWay):
                function(self.ctx, *args)
        finally:
            self.app.conf.clear_override('rpc_response_timeout')

    def group_asked(self):
        return group_create.create_group(
            self.ctx, {'id': str(uuid.uuid4()), 'project_id': 'p1', 'user_id': 'u1', 'name': 'g',
                       'group_type_id': 'plain' * 7, 'availability_zone': 'nova'},
            [self.kind.id], {'availability_zone': 'nova', 'types': [{}]}).id

    def group(self):
        """A group with a volume."""
        group_id = self.group_asked()
        group_create.Schedule(self.bench.picker).run(self.bench.claim(transport.SCHEDULER))
        with self.bench.ctx.reading():
            row = groups.get(self.bench.ctx, group_id)
        self.bench.create(1, group_id=group_id, group=row, volume_type=self.kind)
        return group_id, row

    def group_snapshot_asked(self):
        _, row = self.group()
        return group_snapshot_create.create_group_snapshot(
            self.ctx, row, {'name': 's', 'description': None}, False).id

    # --- of backends
    def volume_create(self):
        volume_id = self.asked()
        self.bench.schedule()
        self.spared = ('delete',)  # what it has made goes before it ends
        return volume_id

    def volume_delete(self):
        volume_id = self.volume()
        volume_delete.delete_volume(self.ctx, self.bench.row(volume_id))
        return volume_id

    def volume_extend(self):
        volume_id = self.volume()
        volume_extend.extend_volume(self.ctx, self.bench.row(volume_id), 2, False)
        return volume_id

    def volume_extended(self):
        volume_id = self.volume()
        self.app.compute = Untold()
        with self.bench.ctx.writing():
            jobs.post(self.bench.ctx, volume_extend.TELL, str(uuid.uuid4()), workbench.BACKEND,
                      {'volume_id': volume_id, 'server_ids': ['server']})
        return volume_id

    def volume_manage_asked(self):
        volume_id = str(uuid.uuid4())
        volume_manage.manage_volume(
            self.ctx, {'id': volume_id, 'project_id': 'p1', 'user_id': 'u1', 'volume_type_id': self.kind.id}, {},
            {'to': workbench.BACKEND, 'source_name': 'found', 'availability_zone': None, 'extra_specs': {},
             'volume_type': None})
        return volume_id

    def volume_manage(self):
        volume_id = self.volume_manage_asked()
        volume_manage.Schedule(There(workbench.POOL)).run(self.bench.claim(transport.SCHEDULER))
        return volume_id

    def volume_migrate_asked(self):
        volume_id = self.volume()
        row = self.bench.row(volume_id)
        self.backend = 'node@two'
        self.bench.add_backend(self.backend, 100)
        volume_migrate.migrate_volume(self.ctx, row, volume_migrate.payload_of(
            row, row.status, None, {}, to=self.backend, force_host_copy=False), False)
        return volume_id

    def volume_migrate(self):
        volume_id = self.volume_migrate_asked()
        volume_migrate.Schedule(There('node@two#p')).run(self.bench.claim(transport.SCHEDULER))
        return volume_id

    def volume_retype_asked(self):
        volume_id = self.volume()
        self.backend = 'node@two'
        self.bench.add_backend(self.backend, 100)
        with self.bench.ctx.writing() as conn:
            conn.execute(sa.insert(tables.volume_types).values(
                id=str(uuid.uuid4()), name='other', is_public=True, created_at=sa.func.now()))
        retyping.retype(self.ctx, volume_id, 'other', volume_retype.ON_DEMAND)
        return volume_id

    def volume_retype(self):
        volume_id = self.volume_retype_asked()
        volume_retype.Schedule(There('node@two#p')).run(self.bench.claim(transport.SCHEDULER))
        return volume_id

    def volume_revert(self):
        volume_id = self.volume()
        volume_revert.revert_volume(self.ctx, self.bench.row(volume_id), self.snapshot(volume_id))
        return volume_id

    def snapshot_create(self):
        return self.snapshot_asked(self.volume())

    def snapshot_delete(self):
        snapshot_id = self.snapshot(self.volume())
        with self.bench.ctx.reading():
            row = db_snapshots.get(self.bench.ctx, snapshot_id)
        snapshot_delete.delete_snapshot(self.ctx, row)
        return snapshot_id

    def snapshot_manage(self):
        row = self.bench.row(self.volume())
        return snapshot_manage.manage_snapshot(self.ctx, row, 'found', None, None, {}).id

    def group_snapshot_create(self):
        return self.group_snapshot_asked()

    def group_snapshot_delete(self):
        snapshot_id = self.group_snapshot_asked()
        self.bench.work()
        group_snapshot_delete.delete_group_snapshot(self.ctx, snapshot_id)
        return snapshot_id

    def attachment_connect(self):
        volume_id = self.volume()
        made = attachments.create(self.ctx, attachments.NewAttachment(volume_id=volume_id,
                                                                      instance_id=str(uuid.uuid4())))
        self.impatient(attachments.update, made.id, HOST)
        self.attachment_id = made.id
        return volume_id

    def attachment_disconnect(self):
        volume_id = self.attachment_connect()
        self.bench.work(Failing(self.bench.driver, ('connect', 'disconnect')))
        self.impatient(attachments.delete, self.attachment_id)
        return volume_id

    def connection_initialize(self):
        volume_id = self.volume()
        self.impatient(connections.initialize, volume_id, HOST)
        return volume_id

    def connection_terminate(self):
        volume_id = self.volume()
        self.impatient(connections.terminate, volume_id, HOST)
        return volume_id

    def volume_transfer(self):
        keys = memory_keys.put_in(self.app)
        volume_id = self.bench.create(1, volume_type=memory_keys.make_type(self.bench))
        keys.fails = [exception.Forbidden()] * 9
        row, key = transfers.create(self.ctx, volume_id)
        self.tenant = 'p2'
        taker = stand_in.make_context(self.app, self.tenant)
        self.impatient(lambda _: transfers.accept(taker, row.id, key))
        return volume_id

    # --- of schedulers
    def scheduler_volume_create(self):
        return self.asked()

    def scheduler_volume_manage(self):
        return self.volume_manage_asked()

    def scheduler_volume_migrate(self):
        return self.volume_migrate_asked()

    def scheduler_volume_retype(self):
        return self.volume_retype_asked()

    def scheduler_group_create(self):
        return self.group_asked()

    def scheduler_group_delete(self):
        group_id, _ = self.group()
        group_delete.delete_group(self.ctx, group_id, with_volumes=True)
        self.bench.work(Failing(self.bench.driver))
        with self.bench.ctx.writing() as conn:  # what was told of its volume is another play
            conn.execute(sa.delete(tables.messages))
        return group_id


TYPES = {'volume': 'VOLUME', 'attachment': 'VOLUME', 'connection': 'VOLUME', 'snapshot': 'VOLUME_SNAPSHOT',
         'group': 'GROUP', 'group_snapshot': 'GROUP_SNAPSHOT'}

BACKEND_KINDS = sorted(set(handlers.BACKEND) - set(SILENT))
SCHEDULER_KINDS = sorted(handlers.scheduler(None))


@pytest.fixture
def plays(app, tmp_path):
    app.policy = stand_in.Anybody()
    app.conf.set_override('scheduler_max_attempts', 1)
    return Plays(workbench.Bench(app, tmp_path))


def play(plays, kind, where=''):
    """Have a job of the kind be there. The id of what its message has to be about."""
    return getattr(plays, where + kind.replace('.', '_'))()


def one_message(plays, kind, resource_id):
    with plays.bench.ctx.reading() as conn:
        job = conn.execute(sa.select(tables.jobs).where(tables.jobs.c.kind == kind)).one()
        message, = conn.execute(sa.select(tables.messages)).all()
    assert (message.resource_id, message.resource_type) == (resource_id, TYPES[kind.partition('.')[0]])
    assert (message.project_id, message.request_id, message.message_level) == (plays.tenant, job.request_id, 'ERROR')
    assert message.guaranteed_until > message.created_at
    prefix, action, detail = message.event_id.rsplit('_', 2)
    assert prefix == f'VOLUME_{message.resource_type}' and action.isdigit() and detail.isdigit()
    assert not [secret for secret in SECRETS if secret in message.user_message]
    return message


@pytest.mark.parametrize('kind', BACKEND_KINDS)
def test_what_a_backend_refuses(plays, kind):
    resource_id = play(plays, kind)
    work = plays.bench.claim(plays.backend, Failing(plays.bench.driver, plays.spared))
    assert work.job.kind == kind
    handlers.BACKEND[kind].run(work)
    one_message(plays, kind, resource_id)


@pytest.mark.parametrize('kind', BACKEND_KINDS)
def test_what_is_given_up(plays, kind):
    resource_id = play(plays, kind)
    work = plays.bench.claim(plays.backend, Failing(plays.bench.driver, plays.spared))
    handlers.BACKEND[kind].give_up(work, 'its worker died of hunter2')
    one_message(plays, kind, resource_id)


@pytest.mark.parametrize('kind', BACKEND_KINDS)
def test_a_backend_that_is_gone_and_fails_when_it_is_back(plays, kind):
    resource_id = play(plays, kind)
    with plays.bench.ctx.writing() as conn:  # it had begun there: nothing of it can be done elsewhere
        conn.execute(sa.update(tables.jobs).where(tables.jobs.c.outcome.is_(None)).values(started_at=sa.func.now()))
    plays.bench.unserved()
    told = one_message(plays, kind, resource_id)
    with plays.bench.ctx.reading() as conn:
        stays = conn.execute(sa.select(tables.jobs.c.id).where(
            tables.jobs.c.kind == kind, tables.jobs.c.outcome.is_(None))).first()
    if stays is not None:
        work = plays.bench.claim(plays.backend, Failing(plays.bench.driver, plays.spared))
        handlers.BACKEND[kind].run(work)
    assert one_message(plays, kind, resource_id) == told


@pytest.mark.parametrize('kind', SCHEDULER_KINDS)
def test_what_finds_no_place(plays, kind):
    resource_id = play(plays, kind, 'scheduler_')
    work = plays.bench.claim(transport.SCHEDULER)
    assert work.job.kind == kind
    handlers.scheduler(Nowhere())[kind].run(work)
    one_message(plays, kind, resource_id)


@pytest.mark.parametrize('kind', SCHEDULER_KINDS)
def test_what_a_scheduler_gives_up(plays, kind):
    resource_id = play(plays, kind, 'scheduler_')
    handlers.scheduler(Nowhere())[kind].give_up(plays.bench.claim(transport.SCHEDULER), 'hunter2')
    one_message(plays, kind, resource_id)


def test_there_are_no_reasons_for_what_there_is_not():
    assert set(SILENT) - set(handlers.BACKEND) == set()

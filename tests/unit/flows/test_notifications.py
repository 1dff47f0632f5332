# SPDX-License-Identifier: Apache-2.0
"""What listeners are told: each operation emits exactly its events, and their payloads tell what is so.

The volume service and the scheduler are done by hand, on a backend of files.
"""

import datetime
import json
import time
import uuid

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl import conf as configuration
from blockctl.db import group_types
from blockctl.db import jobs
from blockctl.db import tables
from blockctl.db import volumes
from blockctl.flows import group_create
from blockctl.flows import handlers
from blockctl.flows import notifications
from blockctl.flows import snapshot_create
from blockctl.flows import snapshot_manage
from blockctl.flows import volume_manage
from blockctl.flows import volume_migrate
from blockctl.jobs import lease
from blockctl.jobs import runner
from blockctl.operations import attachments
from blockctl.operations import connections
from blockctl.operations import group_snapshots
from blockctl.operations import group_specs
from blockctl.operations import group_types as group_type_operations
from blockctl.operations import groups
from blockctl.operations import qos_specs
from blockctl.operations import snapshot_status
from blockctl.operations import snapshots
from blockctl.operations import transfers
from blockctl.operations import volume_extend
from blockctl.operations import volume_retype
from blockctl.operations import volume_revert
from blockctl.operations import volume_status
from blockctl.operations import volume_type_access
from blockctl.operations import volume_type_encryption
from blockctl.operations import volume_type_extra_specs
from blockctl.operations import volume_types
from blockctl.operations import volumes as volume_operations
from blockctl.volume import reports


class World(workbench.Bench):
    """A bench on which one operation after another is done, and what it emits is asked for."""

    def __init__(self, app, directory):
        app.policy = stand_in.Anybody()
        super().__init__(app, directory)
        self.ctx.is_admin = True
        self._last = None

    def finish(self):
        """Do all jobs there are, whatever they wait for."""
        while any([self._step('scheduler', None), self._step(workbench.BACKEND, self.driver)]):
            pass

    def _step(self, topic, driver):
        with self.ctx.writing() as conn:
            conn.execute(sa.update(tables.jobs).where(tables.jobs.c.topic == topic).values(not_before=None))
            found = jobs.due(self.ctx, topic, 2)
            if not found:
                return False
            # Not the same one again and again, which may be waiting for the others.
            self._last = next((job_id for job_id in found if job_id != self._last), found[0])
            job = jobs.claim(self.ctx, self._last, [topic], 'me', 60, '')
        handler = (handlers.BACKEND if driver else handlers.scheduler(self.picker))[job.kind]
        handler.run(runner.Work(runner.job_context(self.app, job), job, lease.Lease(job, time.monotonic() + 60, 60),
                                driver))
        return True

    def forget(self):
        self.app.notifier.events.clear()

    def told(self):
        """The events since the last look."""
        found = [event for event, _ in self.app.notifier.events]
        self.forget()
        return found

    # --- what operations are done to; nothing of it is told
    def volume(self, **options):
        volume_id = self.ask(**options)
        self.finish()
        self.forget()
        return volume_id

    def snapshot(self, volume_id=None):
        row = snapshot_create.create_snapshot(self.ctx, snapshot_create.CreateSnapshot(
            volume=self.row(volume_id or self.volume())))
        self.finish()
        self.forget()
        return row.id

    def kind(self, name='plain', **options):
        """A volume type; its id."""
        row, _ = volume_types.create(self.ctx, f'{name}-{uuid.uuid4()}', **options)
        self.forget()
        return row.id

    def group_kind(self):
        group_type_id = str(uuid.uuid4())
        with self.ctx.writing():
            group_types.insert_type(self.ctx, group_type_id, group_type_id, None, True, {'a': 'b'})
        return group_type_id

    def group(self, members=0):
        group_id = self.ask_group()
        self.finish()
        with self.ctx.reading():
            row = groups.visible(self.ctx, group_id, 'group:get', True)
        for _ in range(members):
            self.ask(group_id=group_id, group=row)
        self.finish()
        self.forget()
        return group_id

    def ask_group(self, zone='nova'):
        with self.ctx.reading() as conn:
            kind = conn.execute(sa.select(tables.volume_types.c.id)).scalars().first()
        row = {'id': str(uuid.uuid4()), 'project_id': 'p1', 'user_id': 'u1', 'name': 'g',
               'group_type_id': self.group_kind(), 'availability_zone': zone}
        group_create.create_group(self.ctx, row, [kind], {'availability_zone': zone, 'types': [{}]})
        return row['id']

    def group_snapshot(self):
        row = group_snapshots.create(self.ctx, self.group(1), name='s', description=None)
        self.finish()
        self.forget()
        return row.id

    def transfer(self):
        """(id, key) of an offer."""
        row, key = transfers.create(self.ctx, self.volume())
        self.forget()
        return row.id, key

    def qos(self):
        row, _ = qos_specs.create(self.ctx, f'fast-{uuid.uuid4()}', 'back-end', {'a': 'b'})
        self.forget()
        return row.id

    def there(self, name):
        """Something on the backend that is no volume."""
        path = self.directory / name
        with path.open('wb') as file:
            file.truncate(1 << 30)
        return name


def both(event):
    return [f'{event}.start', f'{event}.end']


#: What is done (a name) -> (how it is got ready, how it is done with what that gave, the events).
OPERATIONS = {}


def operation(*events, before=None):
    """Put a function, done(world, ready), into the table."""
    def put(function):
        OPERATIONS[function.__name__] = (before or (lambda world: None), function, [*events])
        return function
    return put


@operation(*both('volume.create'))
def create_volume(world, ready):
    world.ask()


@operation('scheduler.create_volume')
def create_volume_that_fits_nowhere(world, ready):
    world.ask(size=1000)


@operation(*both('volume.delete'), before=World.volume)
def delete_volume(world, ready):
    volume_operations.delete(world.ctx, ready)


def unplaced(world):
    volume_id = world.ask(size=1000)
    world.finish()
    return volume_id


@operation(*both('volume.delete'), before=unplaced)
def delete_volume_that_is_nowhere(world, ready):
    volume_operations.delete(world.ctx, ready)


def with_snapshot(world):
    volume_id = world.volume()
    return volume_id, world.snapshot(volume_id)


@operation('volume.delete.start', *both('snapshot.delete'), 'volume.delete.end', before=with_snapshot)
def delete_volume_with_its_snapshots(world, ready):
    volume_operations.delete(world.ctx, ready[0], cascade=True)


@operation(*both('volume.update'), before=World.volume)
def update_volume(world, ready):
    volume_operations.update(world.ctx, ready, {'name': 'x'})


@operation(*both('volume.resize'), before=World.volume)
def extend_volume(world, ready):
    volume_extend.extend(world.ctx, ready, 2)


@operation('volume.revert.start', 'snapshot.revert.start', 'volume.revert.end', 'snapshot.revert.end',
           before=with_snapshot)
def revert_volume(world, ready):
    volume_revert.revert(world.ctx, *ready)


@operation('volume.retype', before=lambda world: (world.volume(), world.kind()))
def retype_volume(world, ready):
    volume_retype.retype(world.ctx, *ready)


@operation('scheduler.retype', before=lambda world: (world.volume(), world.kind(extra_specs={'nowhere': 'x'})))
def retype_volume_to_what_no_pool_has(world, ready):
    volume_retype.retype(world.ctx, *ready, policy='on-demand')


@operation('scheduler.migrate_volume_to_host', before=World.volume)
def migrate_volume_to_where_it_does_not_fit(world, ready):
    row = world.row(ready)
    volume_migrate.migrate_volume(world.ctx, row, volume_migrate.payload_of(
        row, row.status, None, {}, to='nowhere@none', force_host_copy=False), lock=False)


@operation(*both('volume.reset_status'), before=World.volume)
def reset_volume(world, ready):
    volume_status.reset(world.ctx, ready, 'error')


def manage(world, name):
    volume_manage.manage_volume(world.ctx, {
        'id': str(uuid.uuid4()), 'project_id': 'p1', 'user_id': 'u1', 'volume_type_id': None}, {}, {
        'to': workbench.BACKEND, 'source_name': world.there(name), 'availability_zone': None, 'extra_specs': {},
        'volume_type': None})


@operation(*both('volume.manage_existing'))
def manage_volume(world, ready):
    manage(world, 'found')


@operation('scheduler.manage_existing')
def manage_volume_where_no_pool_is(world, ready):
    volume_manage.manage_volume(world.ctx, {
        'id': str(uuid.uuid4()), 'project_id': 'p1', 'user_id': 'u1', 'volume_type_id': None}, {}, {
        'to': 'nowhere@none', 'source_name': 'x', 'availability_zone': None, 'extra_specs': {}, 'volume_type': None})


@operation(*both('volume.unmanage'), before=World.volume)
def unmanage_volume(world, ready):
    volume_manage.unmanage_volume(world.ctx, world.row(ready))


# --- attachments
@operation(*both('volume.attach'), before=World.volume)
def attach_as_of_old(world, ready):
    connections.attach(world.ctx, ready, '/dev/vdb', 'rw', host='a')


def attached(world):
    volume_id = world.volume()
    row = attachments.create(world.ctx, attachments.NewAttachment(volume_id, str(uuid.uuid4())))
    world.forget()
    return volume_id, row.id


@operation(before=World.volume)
def reserve_by_an_attachment(world, ready):
    attachments.create(world.ctx, attachments.NewAttachment(ready, str(uuid.uuid4())))


@operation('volume.attach.end', before=attached)
def complete_an_attachment(world, ready):
    attachments.complete(world.ctx, ready[1])


@operation(*both('volume.detach'), before=attached)
def remove_an_attachment(world, ready):
    attachments.remove(world.ctx, *ready)


# --- transfers
@operation(*both('volume.transfer.create'), before=World.volume)
def offer_volume(world, ready):
    transfers.create(world.ctx, ready)


@operation(*both('volume.transfer.accept'), before=World.transfer)
def accept_transfer(world, ready):
    transfers.accept(stand_in.make_context(world.app, 'p2'), *ready)


@operation(*both('volume.transfer.delete'), before=World.transfer)
def withdraw_transfer(world, ready):
    transfers.delete(world.ctx, ready[0])


# --- snapshots
@operation(*both('snapshot.create'), before=World.volume)
def create_snapshot(world, ready):
    snapshots.create(world.ctx, snapshots.NewSnapshot(ready))


@operation(*both('snapshot.delete'), before=World.snapshot)
def delete_snapshot(world, ready):
    snapshots.delete(world.ctx, ready)


@operation(*both('snapshot.update'), before=World.snapshot)
def update_snapshot(world, ready):
    snapshots.update(world.ctx, ready, {'name': 'x'})


@operation(*both('snapshot.reset_status'), before=World.snapshot)
def reset_snapshot(world, ready):
    snapshot_status.reset(world.ctx, ready, 'error')


def forgotten_snapshot(world):
    """A volume's row, and the name of what it has and nobody knows of."""
    volume_id, snapshot_id = with_snapshot(world)
    snapshot_manage.unmanage_snapshot(world.ctx, snapshot_id)
    world.forget()
    return world.row(volume_id), f'snapshot-{snapshot_id}'


@operation(*both('snapshot.manage_existing_snapshot'), before=forgotten_snapshot)
def manage_snapshot(world, ready):
    volume, name = ready
    snapshot_manage.manage_snapshot(world.ctx, volume, name, None, None, {})


@operation(*both('snapshot.delete'), before=World.snapshot)
def unmanage_snapshot(world, ready):
    snapshot_manage.unmanage_snapshot(world.ctx, ready)


# --- groups
@operation(*both('group.create'))
def create_group(world, ready):
    world.ask_group()


@operation('group.create.start', 'scheduler.create_group')
def create_group_where_no_pool_is(world, ready):
    world.ask_group(zone='nowhere')


@operation(*both('group.update'), before=World.group)
def update_group(world, ready):
    groups.update(world.ctx, ready, {'name': 'x'})


@operation('group.delete.start', *both('volume.delete'), 'group.delete.end', before=lambda world: world.group(1))
def delete_group_with_its_volume(world, ready):
    groups.delete(world.ctx, ready, with_volumes=True)


@operation(*both('groups.reset_status'), before=World.group)
def reset_group(world, ready):
    groups.reset_status(world.ctx, ready, 'error')


@operation('group_snapshot.create.start', 'snapshot.create.start', 'group_snapshot.create.end', 'snapshot.create.end',
           before=lambda world: world.group(1))
def create_group_snapshot(world, ready):
    group_snapshots.create(world.ctx, ready, name='s', description=None)


@operation('group_snapshot.delete.start', 'snapshot.delete.start', 'group_snapshot.delete.end', 'snapshot.delete.end',
           before=World.group_snapshot)
def delete_group_snapshot(world, ready):
    group_snapshots.delete(world.ctx, ready)


@operation(*both('groupsnapshots.reset_status'), before=World.group_snapshot)
def reset_group_snapshot(world, ready):
    group_snapshots.reset_status(world.ctx, ready, 'error')


# --- what administrators set up
@operation('volume_type.create')
def create_type(world, ready):
    volume_types.create(world.ctx, 'gold')


@operation('volume_type.update', before=World.kind)
def update_type(world, ready):
    volume_types.update(world.ctx, ready, {'name': 'silver'})


@operation('volume_type.delete', before=World.kind)
def delete_type(world, ready):
    volume_types.delete(world.ctx, ready)


def with_spec(world):
    return world.kind(extra_specs={'a': 'b'})


@operation('volume_type_extra_specs.create', before=World.kind)
def create_extra_specs(world, ready):
    volume_type_extra_specs.create(world.ctx, ready, {'a': 'b'})


@operation('volume_type_extra_specs.update', before=with_spec)
def update_extra_spec(world, ready):
    volume_type_extra_specs.update(world.ctx, ready, 'a', 'c')


@operation('volume_type_extra_specs.delete', before=with_spec)
def delete_extra_spec(world, ready):
    volume_type_extra_specs.delete(world.ctx, ready, 'a')


def private(world):
    volume_type_id = world.kind(is_public=False)
    volume_type_access.add(world.ctx, volume_type_id, 'p1')
    world.forget()
    return volume_type_id


@operation('volume_type_project.access.add', before=private)
def let_a_project_use_a_type(world, ready):
    volume_type_access.add(world.ctx, ready, 'p2')


@operation('volume_type_project.access.remove', before=private)
def stop_a_project_from_using_a_type(world, ready):
    volume_type_access.remove(world.ctx, ready, 'p1')


_ENCRYPTION = {'provider': 'luks', 'control_location': 'front-end', 'cipher': None, 'key_size': None}


def encrypted(world):
    volume_type_id = world.kind()
    volume_type_encryption.create(world.ctx, volume_type_id, _ENCRYPTION)
    world.forget()
    return volume_type_id


@operation('volume_type_encryption.create', before=World.kind)
def encrypt_a_type(world, ready):
    volume_type_encryption.create(world.ctx, ready, _ENCRYPTION)


@operation('volume_type_encryption.update', before=encrypted)
def change_encryption(world, ready):
    volume_type_encryption.update(world.ctx, ready, {'key_size': 256})


@operation('volume_type_encryption.delete', before=encrypted)
def delete_encryption(world, ready):
    volume_type_encryption.delete(world.ctx, ready)


@operation('qos_specs.create')
def create_qos_specs(world, ready):
    qos_specs.create(world.ctx, 'fast', None, {})


@operation('qos_specs.update', before=World.qos)
def update_qos_specs(world, ready):
    qos_specs.update(world.ctx, ready, None, {'a': 'c'})


@operation('qos_specs.delete_keys', before=World.qos)
def delete_qos_keys(world, ready):
    qos_specs.delete_keys(world.ctx, ready, ['a'])


@operation('qos_specs.delete', before=World.qos)
def delete_qos_specs(world, ready):
    qos_specs.delete(world.ctx, ready)


@operation('qos_specs.associate', before=lambda world: (world.qos(), world.kind()))
def associate_qos_specs(world, ready):
    qos_specs.associate(world.ctx, *ready)


@operation('qos_specs.disassociate', before=lambda world: (world.qos(), world.kind()))
def disassociate_qos_specs(world, ready):
    qos_specs.disassociate(world.ctx, *ready)


@operation('qos_specs.disassociate_all', before=World.qos)
def disassociate_all_qos_specs(world, ready):
    qos_specs.disassociate_all(world.ctx, ready)


@operation('group_type.create')
def create_group_type(world, ready):
    group_type_operations.create(world.ctx, 'plain')


@operation('group_type.update', before=World.group_kind)
def update_group_type(world, ready):
    group_type_operations.update(world.ctx, ready, {'name': 'other'})


@operation('group_type.delete', before=World.group_kind)
def delete_group_type(world, ready):
    group_type_operations.delete(world.ctx, ready)


@operation('group_type_specs.create', before=World.group_kind)
def create_group_specs(world, ready):
    group_specs.create(world.ctx, ready, {'b': 'c'})


@operation('group_type_specs.update', before=World.group_kind)
def update_group_spec(world, ready):
    group_specs.update(world.ctx, ready, 'a', 'c')


@operation('group_type_specs.delete', before=World.group_kind)
def delete_group_spec(world, ready):
    group_specs.delete(world.ctx, ready, 'a')


# --- what a backend has
@operation('capacity.pool', 'capacity.backend')
def report(world, ready):
    reports.store(world.ctx, configuration.backend_group(world.app.conf, 'files', ()), None, world.driver)


#: Events of blockctl-volume-usage-audit (tests/unit/cmd/test_usage_audit.py).
ELSEWHERE = {'volume.exists', 'snapshot.exists'}


@pytest.fixture
def world(app, tmp_path):
    world = World(app, tmp_path)
    yield world
    world.driver.stop()


@pytest.mark.parametrize('name', OPERATIONS)
def test_an_operation_emits_exactly_its_events(world, name):
    before, do, events = OPERATIONS[name]
    ready = before(world)
    world.forget()
    do(world, ready)
    world.finish()
    payloads = [payload for _, payload in world.app.notifier.events]
    assert json.loads(json.dumps(payloads)) == payloads  # the bus takes it as it is
    assert world.told() == events


def test_every_event_is_some_operations():
    emitted = {event for _, _, events in OPERATIONS.values() for event in events}
    assert emitted | ELSEWHERE == set(notifications.EVENTS)


# --- payloads
VOLUME = {
    'tenant_id', 'user_id', 'volume_id', 'display_name', 'volume_type', 'size', 'status', 'host', 'availability_zone',
    'snapshot_id', 'created_at', 'launched_at', 'replication_status', 'replication_extended_status',
    'replication_driver_data', 'metadata', 'volume_attachment'}


def test_a_volumes_payload_tells_how_it_is_then(world):
    volume_id = world.ask(metadata={'color': 'red'}, name='alpha')
    world.finish()
    (started, start), (ended, end) = world.app.notifier.events
    assert (started, start['status'], start['launched_at']) == ('volume.create.start', 'creating', None)
    assert (ended, end['status'], set(end)) == ('volume.create.end', 'available', VOLUME)
    assert (end['volume_id'], end['tenant_id'], end['user_id'], end['display_name'], end['size'], end['host']) == (
        volume_id, 'p1', 'u1', 'alpha', 1, workbench.POOL)
    assert end['metadata'] == [{'key': 'color', 'value': 'red'}]
    assert datetime.datetime.fromisoformat(end['launched_at']) >= datetime.datetime.fromisoformat(end['created_at'])


def test_sizes_of_a_resize_are_the_new_one(world):
    volume_extend.extend(world.ctx, world.volume(), 3)
    world.finish()
    assert [payload['size'] for _, payload in world.app.notifier.events] == [3, 3]


def test_what_is_gone_is_told_as_deleted(world):
    volume_id = world.volume()
    volume_operations.delete(world.ctx, volume_id)
    world.finish()
    (_, start), (_, end) = world.app.notifier.events
    assert (start['status'], end['status'], end['volume_id']) == ('deleting', 'deleted', volume_id)


def test_a_payload_has_attachments_and_image_but_no_secrets(world):
    volume_id = world.volume()
    with world.ctx.writing() as conn:
        conn.execute(sa.insert(tables.volume_image_metadata).values(volume_id=volume_id, key='os', value='linux'))
        conn.execute(sa.insert(tables.attachments).values(
            id='a1', volume_id=volume_id, project_id='p1', instance_id='s1', attached_host='h', mountpoint='/dev/vdb',
            attach_status='attached', connector={'host': 'h', 'secret': 'hidden'},
            connection_info={'auth_password': 'hidden'}, created_at=datetime.datetime(2026, 1, 1)))
        conn.execute(sa.update(tables.volumes).values(attach_status='attached', encryption_key_id='hidden'))
        row = volumes.get(world.ctx, volume_id)
    notifications.volume(world.ctx, row, 'update.end')
    (_, payload), = world.app.notifier.events
    assert payload['glance_metadata'] == [{'key': 'os', 'value': 'linux'}]
    assert [(each['id'], each['instance_uuid'], each['attached_host']) for each in payload['volume_attachment']] == [
        ('a1', 's1', 'h')]
    assert 'hidden' not in json.dumps(payload)


def test_a_snapshots_payload(world):
    snapshot_id = world.snapshot()
    snapshots.update(world.ctx, snapshot_id, {'name': 'x'})
    (_, start), (_, end) = world.app.notifier.events
    assert set(start) == {
        'tenant_id', 'user_id', 'snapshot_id', 'display_name', 'volume_id', 'volume_size', 'volume_type',
        'availability_zone', 'status', 'created_at', 'deleted', 'metadata'}
    assert (start['display_name'], end['display_name']) == (None, 'x')
    assert (end['status'], end['deleted']) == ('available', False)


def test_a_failure_is_told_as_one(world, monkeypatch):
    seen = []
    monkeypatch.setattr(world.app.notifier, 'emit', lambda ctx, publisher, event, payload, priority: seen.append(
        (publisher, event, priority, payload()['reason'])))
    world.ask(size=1000)
    world.finish()
    (publisher, event, priority, reason), = seen
    assert (publisher, event, priority) == (f'scheduler.{world.app.conf.host}', 'scheduler.create_volume', 'error')
    assert 'CapacityFilter' in reason


def test_the_publisher_is_the_service_that_has_it(world, monkeypatch):
    seen = []
    monkeypatch.setattr(world.app.notifier, 'emit', lambda ctx, publisher, *rest: seen.append(publisher))
    world.volume()
    assert seen == [f'volume.{workbench.BACKEND}'] * 2

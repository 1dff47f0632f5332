# SPDX-License-Identifier: Apache-2.0
"""What brings a process to the points of each kind of job but those of a plain create and delete, and how it ends."""

import dataclasses
import typing
import uuid

from tests.harness import polling
from tests.harness import rest

CONNECTOR = {'host': 'h1', 'ip': '127.0.0.1', 'initiator': 'iqn.2004-10.com.example:h1', 'platform': 'x86_64',
             'os_type': 'linux', 'multipath': False}

#: The project that takes what is offered to it.
TAKER = 'taker'

SERVER = '6d5e94f5-0b5d-4d39-8d5c-3a3bd9f6e3d8'

#: Points of failures: tests/unit/flows/test_groups.py repeats what follows them.
NOT_REACHED = {'group.create.scheduler.before_settle_commit', 'group.create.scheduler.settled'}


@dataclasses.dataclass(frozen=True, slots=True)
class Play:
    """``prepare(stage) -> thing``; ``act(client, thing)``, one request, its answer; ``ended(stage, thing, answer)``.

    ``answer`` is None when the process that was asked died, or the request waited too long for its job.
    ``backends``: the names of those that every volume service serves.
    """

    prepare: typing.Callable
    act: typing.Callable
    ended: typing.Callable
    backends: tuple[str, ...] = ('one',)


class Stage:
    """A cloud, and the things plays are about. All requests are an administrator's: there is no Keystone."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.client = cloud.client()

    def volume(self, **fields):
        volume_id = self.client.create(**fields)['id']
        self.cloud.until(volume_id, 'available')
        return volume_id

    def volume_with_snapshot(self):
        volume_id = self.volume()
        answer = self.client.ask('POST', '/snapshots', {'snapshot': {'volume_id': volume_id}})
        snapshot_id = answer['snapshot']['id']
        self.until('snapshots', snapshot_id, 'available')
        return volume_id, snapshot_id

    def volume_and_elsewhere(self):
        """(id of a volume, where it is, a pool that is elsewhere)."""
        volume_id = self.volume()
        host = self.client.show(volume_id)['os-vol-host-attr:host']
        others = {'one': 'two', 'two': 'one'}
        node, _, backend = host.partition('#')[0].partition('@')
        return volume_id, host, f'{node}@{others[backend]}#{others[backend]}'

    def volume_and_type(self, **extra_specs):
        """(id of a volume, id of a type that asks for ``extra_specs``)."""
        answer = self.client.ask('POST', '/types', {'volume_type': {
            'name': f'type-{uuid.uuid4()}', 'extra_specs': extra_specs}})
        return self.volume(), answer['volume_type']['id']

    def volume_and_limits(self):
        """(id of a volume, id of a type that has the storage keep to a limit)."""
        volume_id, type_id = self.volume_and_type()
        answer = self.client.ask('POST', '/qos-specs', {'qos_specs': {
            'name': f'specs-{uuid.uuid4()}', 'total_iops_sec': '900'}})
        self.client.ask('GET', f'/qos-specs/{answer["qos_specs"]["id"]}/associate?vol_type_id={type_id}')
        return volume_id, type_id

    def volume_and_type_elsewhere(self):
        """(id of a volume, id of a type that another backend than its own offers)."""
        volume_id, _, elsewhere = self.volume_and_elsewhere()
        answer = self.client.ask('POST', '/types', {'volume_type': {
            'name': f'type-{uuid.uuid4()}', 'extra_specs': {'volume_backend_name': elsewhere.partition('#')[2]}}})
        return volume_id, answer['volume_type']['id']

    def reserved(self):
        """The id of an attachment without a host."""
        answer = self.client.ask('POST', '/attachments', {'attachment': {
            'volume_uuid': self.volume(), 'instance_uuid': SERVER}})
        return answer['attachment']['id']

    def group_type(self):
        """(ids of a group type and of the default volume type)."""
        answer = self.client.ask('POST', '/group_types', {'group_type': {'name': f'type-{uuid.uuid4()}'}})
        return answer['group_type']['id'], self.client.ask('GET', '/types/default')['volume_type']['id']

    def group(self):
        """The id of a group with a volume in it."""
        types = self.group_type()
        answer = make_group(self.client, types)
        group_id = answer['group']['id']
        self.until('groups', group_id, 'available')
        volume_id = self.client.create(group_id=group_id, volume_type=types[1])['id']
        self.cloud.until(volume_id, 'available')
        return group_id

    def group_snapshot(self):
        """The id of a snapshot of a group."""
        answer = snapshot_group(self.client, self.group())
        self.until('group_snapshots', answer['group_snapshot']['id'], 'available')
        return answer['group_snapshot']['id']

    def snapshot_unmanaged(self):
        """(id of a volume, name on the backend of a snapshot it has that is none of blockctl's any more)."""
        volume_id, snapshot_id = self.volume_with_snapshot()
        self.client.ask('POST', f'/snapshots/{snapshot_id}/action', {'os-unmanage': {}})
        self.until('snapshots', snapshot_id, None)
        return volume_id, f'snapshot-{snapshot_id}'

    def image_unmanaged(self):
        """(host, name) of an image on the first backend that is no volume any more."""
        volume_id = self.volume()
        host = self.client.show(volume_id)['os-vol-host-attr:host']
        act(self.client, volume_id, 'os-unmanage', {})
        self.cloud.until(volume_id, None)
        return host, f'volume-{volume_id}'

    def offered(self):
        """(volume, its snapshot, the offer of them, its key)."""
        volume_id, snapshot_id = self.volume_with_snapshot()
        made = offer(self.client, volume_id)['transfer']
        return volume_id, snapshot_id, made['id'], made['auth_key']

    def status(self, table, row_id):
        """Of a row, or None when it is gone."""
        rows = self.cloud.database.query(f'SELECT status FROM {table} WHERE id = :id', id=row_id)
        return rows[0].status if rows else None

    def until(self, table, row_id, status):
        """Wait for a row's status (None: for its end)."""
        polling.until(lambda: self.status(table, row_id) == status, 40,
                      lambda: f'{status} of {row_id} in {table}; it is {self.status(table, row_id)}')

    def clear(self):
        """Delete everything there is."""
        for attachment in self.client.ask('GET', '/attachments')['attachments']:
            self.client.ask('DELETE', f'/attachments/{attachment["id"]}')
        for row in self.cloud.database.query('SELECT id FROM group_snapshots'):
            self.client.ask('DELETE', f'/group_snapshots/{row.id}')
            self.until('group_snapshots', row.id, None)
        for row in self.cloud.database.query('SELECT id FROM groups'):
            delete_group(self.client, row.id)
            self.until('groups', row.id, None)
        for volume_id in self.cloud.volumes():
            self.client.delete(volume_id, params={'cascade': True})
        for volume_id in self.cloud.volumes():
            self.cloud.until(volume_id, None)


def act(client, volume_id, action, values):
    return client.ask('POST', f'/volumes/{volume_id}/action', {action: values})


def migrate(client, thing):
    return act(client, thing[0], 'os-migrate_volume', {'host': thing[2], 'force_host_copy': True})


def retype(client, thing):
    return act(client, thing[0], 'os-retype', {'new_type': thing[1], 'migration_policy': 'on-demand'})


def make_group(client, types):
    group_type, volume_type = types
    return client.ask('POST', '/groups', {'group': {'group_type': group_type, 'volume_types': [volume_type]}})


def delete_group(client, group_id):
    return client.ask('POST', f'/groups/{group_id}/action', {'delete': {'delete-volumes': True}})


def snapshot_group(client, group_id):
    return client.ask('POST', '/group_snapshots', {'group_snapshot': {'group_id': group_id}})


def attach(client, volume_id):
    return client.ask('POST', '/attachments', {'attachment': {
        'volume_uuid': volume_id, 'instance_uuid': SERVER, 'connector': CONNECTOR}})


def offer(client, volume_id):
    return client.ask('POST', '/volume-transfers', {'transfer': {'volume_id': volume_id}})


def _accept(client, thing):
    taker = rest.Client(client.url, TAKER)
    return taker.ask('POST', f'/volume-transfers/{thing[2]}/accept', {'accept': {'auth_key': thing[3]}})


def _withdraw(client, transfer_id):
    return client.ask('DELETE', f'/volume-transfers/{transfer_id}')


# --- what becomes of things
def _only_row(stage, table):
    [row] = stage.cloud.database.query(f'SELECT id FROM {table}')
    return row.id


def _available(table):
    """The one row there is becomes available."""
    def ended(stage, thing, answer):
        stage.until(table, _only_row(stage, table), 'available')
        return 'available'
    return ended


def _gone(table):
    """What was acted on goes."""
    def ended(stage, thing, answer):
        stage.until(table, thing, None)
        return 'gone'
    return ended


def _all_gone(stage, thing, answer):
    stage.cloud.until(thing[0], None)
    stage.until('snapshots', thing[1], None)
    return 'gone, and its snapshot'


def _moved(stage, thing, answer):
    stage.cloud.until(thing[0], 'available')
    polling.until(lambda: not stage.cloud.live_jobs(), 40, lambda: f'the end of {stage.cloud.live_jobs()}')
    [row] = stage.cloud.database.query('SELECT host, migration_status FROM volumes WHERE id = :id', id=thing[0])
    assert (row.host, row.migration_status) == (thing[2], 'success')
    return 'moved'


def _has_type(moved):
    """The volume has its new type, in the place it had or in another."""
    def ended(stage, thing, answer):
        stage.cloud.until(thing[0], 'available')
        [row] = stage.cloud.database.query('SELECT volume_type_id, migration_status FROM volumes WHERE id = :id',
                                           id=thing[0])
        assert (row.volume_type_id, row.migration_status == 'success') == (thing[1], moved)
        return 'of its new type, moved' if moved else 'of its new type'
    return ended


def _keeps_type(stage, thing, answer):
    stage.cloud.until(thing[0], 'available')
    [row] = stage.cloud.database.query('SELECT volume_type_id FROM volumes WHERE id = :id', id=thing[0])
    assert row.volume_type_id != thing[1]
    [message] = stage.client.messages(thing[0])
    assert 'Pools refused by each filter: ' in message['user_message']
    return 'of its old type, with a message'


def _host_known(stage, attachment_id, answer):
    [row] = stage.cloud.database.query('SELECT attach_status FROM attachments WHERE id = :id', id=attachment_id)
    assert row.attach_status == 'attaching'
    return 'attaching'


def _snapshot_taken(stage, volume_id, answer):
    [row] = stage.cloud.database.query('SELECT id FROM snapshots WHERE volume_id = :id', id=volume_id)
    stage.until('snapshots', row.id, 'available')
    return 'snapshot available'


def _snapshot_gone(stage, thing, answer):
    stage.until('snapshots', thing[1], None)
    return 'snapshot gone'


def _reverted(stage, thing, answer):
    stage.cloud.until(thing[0], 'available')
    stage.until('snapshots', thing[1], 'available')
    return 'available'


def _attached(stage, volume_id, answer):
    stage.cloud.until(volume_id, 'attaching')
    assert answer is None or answer['attachment']['connection_info']['volume_id'] == volume_id
    return 'attaching, connected'


def _offered(stage, volume_id, answer):
    stage.cloud.until(volume_id, 'awaiting-transfer')
    _withdraw(stage.client, _only_row(stage, 'transfers'))
    stage.cloud.until(volume_id, 'available')
    return 'awaiting its taker'


def _taken(stage, thing, answer):
    for table, row_id in (('volumes', thing[0]), ('snapshots', thing[1])):
        [row] = stage.cloud.database.query(f'SELECT status, project_id FROM {table} WHERE id = :id', id=row_id)
        assert (row.status, row.project_id) == ('available', TAKER)
    assert stage.cloud.database.query('SELECT id FROM transfers') == []
    return 'of the other project'


def _kept(stage, thing, answer):
    stage.cloud.until(thing[0], 'available')
    assert stage.cloud.database.query('SELECT id FROM transfers') == []
    return 'available'


def _connected(stage, volume_id, answer):
    assert answer is None or answer['connection_info']['data']['volume_id'] == volume_id
    return 'connected'


def _disconnected(stage, volume_id, answer):
    return 'disconnected'


def _managed(stage, image, answer):
    def look():
        rows = stage.cloud.volumes().values()
        return [row for row in rows if row.status == 'available']

    polling.until(look, 40, lambda: f'a managed volume; there are {stage.cloud.volumes()}')
    return 'managed'


def _listed(stage, image, answer):
    assert answer is None or image[1] in str(answer)
    _manage(stage.client, image)  # so that it can be removed
    _managed(stage, image, answer)
    return 'listed'


def _manage(client, image):
    return client.ask('POST', '/manageable_volumes', {'volume': {'host': image[0], 'ref': {'source-name': image[1]}}})


_TWO = ('one', 'two')
_MIGRATE = Play(Stage.volume_and_elsewhere, migrate, _moved, _TWO)
_LIMITED = Play(Stage.volume_and_limits, retype, _has_type(moved=False))
_NO_PLACE = Play(lambda stage: stage.volume_and_type(volume_backend_name='nowhere'), retype, _keeps_type)

#: Kind of job, or one point of it -> what is played.
PLAYS = {
    'volume.migrate': _MIGRATE,
    'volume.migrate.settle.before_commit': _NO_PLACE,
    'volume.migrate.settle.committed': _NO_PLACE,
    'volume.clear': _MIGRATE,
    'volume.retype': Play(Stage.volume_and_type, retype, _has_type(moved=False)),
    'volume.retype.volume.claimed': Play(Stage.volume_and_type_elsewhere, retype, _has_type(moved=True), _TWO),
    'volume.retype.scheduler.before_hand_over': _LIMITED,
    'volume.retype.scheduler.handed_over': _LIMITED,
    **{f'volume.retype.volume.{point}': _LIMITED for point in (
        'before_effect', 'effected', 'before_commit', 'committed')},
    'snapshot.create': Play(
        Stage.volume, lambda client, thing: client.ask('POST', '/snapshots', {'snapshot': {'volume_id': thing}}),
        _snapshot_taken),
    'snapshot.delete': Play(
        Stage.volume_with_snapshot, lambda client, thing: client.ask('DELETE', f'/snapshots/{thing[1]}'),
        _snapshot_gone),
    'volume.revert': Play(
        Stage.volume_with_snapshot,
        lambda client, thing: act(client, thing[0], 'revert', {'snapshot_id': thing[1]}), _reverted),
    'snapshot.manage': Play(
        Stage.snapshot_unmanaged, lambda client, thing: client.ask('POST', '/manageable_snapshots', {'snapshot': {
            'volume_id': thing[0], 'ref': {'source-name': thing[1]}}}), _available('snapshots')),
    'volume.delete.volume.snapshot_effected': Play(
        Stage.volume_with_snapshot, lambda client, thing: client.delete(thing[0], params={'cascade': True}), _all_gone),
    'volume.delete.volume.snapshot_committed': Play(
        Stage.volume_with_snapshot, lambda client, thing: client.delete(thing[0], params={'cascade': True}), _all_gone),
    'attachment.create': Play(Stage.volume, attach, _attached),
    'attachment.update': Play(
        Stage.reserved, lambda client, thing: client.ask('PUT', f'/attachments/{thing}', {'attachment': {
            'connector': CONNECTOR}}), _host_known),
    'attachment.connect': Play(Stage.volume, attach, _attached),
    'group.create': Play(Stage.group_type, make_group, _available('groups')),
    'group.delete': Play(Stage.group, delete_group, _gone('groups')),
    'group_snapshot.create': Play(Stage.group, snapshot_group, _available('group_snapshots')),
    'group_snapshot.delete': Play(
        Stage.group_snapshot, lambda client, thing: client.ask('DELETE', f'/group_snapshots/{thing}'),
        _gone('group_snapshots')),
    'connection.initialize': Play(
        Stage.volume, lambda client, thing: act(client, thing, 'os-initialize_connection', {'connector': CONNECTOR}),
        _connected),
    'connection.terminate': Play(
        Stage.volume, lambda client, thing: act(client, thing, 'os-terminate_connection', {'connector': CONNECTOR}),
        _disconnected),
    'transfer.create': Play(Stage.volume, offer, _offered),
    'transfer.accept': Play(Stage.offered, _accept, _taken),
    'transfer.delete': Play(Stage.offered, lambda client, thing: _withdraw(client, thing[2]), _kept),
    'volume.manage': Play(Stage.image_unmanaged, _manage, _managed),
    'volume.manageable': Play(
        Stage.image_unmanaged, lambda client, image: client.ask(
            'GET', f'/manageable_volumes?host={image[0].partition("#")[0]}'.replace('@', '%40')), _listed),
}

#: Kinds that are not played, and why.  (volume.create, .delete and .extend: test_points.py.)
NOT_PLAYED = {
    'work.fence': 'it fences, as every takeover does, and ends',
    'volume.extended': 'tells Nova, which is not here',
    'volume.transfer': 'only where there is a key manager: tests/unit/flows/test_volume_transfer.py',
    'key.clear': 'the same',
    'attachment.disconnect': 'no driver here exports anything, so there is no such job',
}


def of(point):
    """The play of a point."""
    return PLAYS.get(point) or PLAYS['.'.join(point.split('.')[:2])]

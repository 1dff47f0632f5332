# SPDX-License-Identifier: Apache-2.0
"""What listeners are told for metering and audit: every event there is, and what its payload is made of.

Names of events and of the payloads' fields are the reference's.  A payload tells of its resource as it is in the
database at that moment; an event is emitted after the commit that makes it true.  Secrets (connections, keys) are in
none.
"""

import datetime

from blockctl import exceptions
from blockctl.db import groups
from blockctl.db import pairs
from blockctl.db import snapshots
from blockctl.db import volume_lists
from blockctl.db import volumes
from blockctl.rpc import volume as volume_rpc

#: The status of what has no row any more.
GONE = 'deleted'

#: Fields of an attachment that are told: not its connection, nor its connector.
_ATTACHMENT = {
    'id': 'id', 'volume_id': 'volume_id', 'instance_uuid': 'instance_id', 'attached_host': 'attached_host',
    'mountpoint': 'mountpoint', 'attach_status': 'attach_status', 'attach_mode': 'attach_mode',
    'attach_time': 'attach_time', 'detach_time': 'detach_time'}


# --- payloads, by resource
def _volume(ctx, row):
    with ctx.reading():
        row, status = _now(ctx, volumes.get, row)
        related = volume_lists.related(ctx, [row])
    image = related.image_metadata.get(row.id)
    return {
        'tenant_id': row.project_id, 'user_id': row.user_id, 'volume_id': row.id, 'display_name': row.name,
        'volume_type': row.volume_type_id, 'size': row.size, 'status': status, 'host': row.host,
        'availability_zone': row.availability_zone, 'snapshot_id': row.snapshot_id, 'created_at': row.created_at,
        'launched_at': row.launched_at, 'replication_status': row.replication_status,
        'replication_extended_status': None, 'replication_driver_data': None,
        'metadata': _pairs(related.metadata.get(row.id)),
        'volume_attachment': [{told: getattr(each, name) for told, name in _ATTACHMENT.items()}
                              for each in related.attachments.get(row.id, ())],
        **({'glance_metadata': _pairs(image)} if image else {})}


def _snapshot(ctx, row, volume):
    with ctx.reading():
        row, status = _now(ctx, snapshots.get, row)
        metadata = pairs.read(ctx, snapshots.OWNER, row.id)
    return {
        'tenant_id': row.project_id, 'user_id': row.user_id, 'snapshot_id': row.id, 'display_name': row.name,
        'volume_id': row.volume_id, 'volume_size': row.volume_size, 'volume_type': row.volume_type_id,
        'availability_zone': volume.availability_zone, 'status': status, 'created_at': row.created_at,
        'deleted': status == GONE, 'metadata': _pairs(metadata)}


def _group(ctx, row):
    with ctx.reading():
        row, status = _now(ctx, groups.get, row)
    return {
        'tenant_id': row.project_id, 'user_id': row.user_id, 'group_id': row.id, 'name': row.name,
        'group_type': row.group_type_id, 'availability_zone': row.availability_zone, 'status': status,
        'created_at': row.created_at}


def _group_snapshot(ctx, row):
    return {
        'tenant_id': row.project_id, 'user_id': row.user_id, 'group_snapshot_id': row.id, 'name': row.name,
        'group_id': row.group_id, 'group_type': row.group_type_id, 'status': row.status, 'created_at': row.created_at}


def _now(ctx, get, row):
    """(the row as it is now, its status); what is gone is told as it was."""
    try:
        row = get(ctx, row.id)
    except exceptions.NotFound:
        return row, GONE
    return row, row.status


def _pairs(metadata):
    return [{'key': key, 'value': value} for key, value in sorted((metadata or {}).items())]


def _plain(ctx, **values):
    """What is told of a thing that only administrators change: what its caller says."""
    return values


#: (what the names begin with, who publishes it, function(ctx, ...) of the payload, how the names end).
_FAMILIES = (
    ('volume', 'volume', _volume, (
        'create.start', 'create.end', 'delete.start', 'delete.end', 'update.start', 'update.end', 'resize.start',
        'resize.end', 'attach.start', 'attach.end', 'detach.start', 'detach.end', 'revert.start', 'revert.end',
        'manage_existing.start', 'manage_existing.end', 'unmanage.start', 'unmanage.end', 'retype',
        'reset_status.start', 'reset_status.end', 'transfer.create.start', 'transfer.create.end',
        'transfer.accept.start', 'transfer.accept.end', 'transfer.delete.start', 'transfer.delete.end', 'exists')),
    ('snapshot', 'snapshot', _snapshot, (
        'create.start', 'create.end', 'delete.start', 'delete.end', 'update.start', 'update.end', 'revert.start',
        'revert.end', 'manage_existing_snapshot.start', 'manage_existing_snapshot.end', 'reset_status.start',
        'reset_status.end', 'exists')),
    ('group', 'group', _group, (
        'create.start', 'create.end', 'delete.start', 'delete.end', 'update.start', 'update.end')),
    ('group_snapshot', 'group_snapshot', _group_snapshot, (
        'create.start', 'create.end', 'delete.start', 'delete.end')),
    ('groups', 'groupStatusUpdate', _plain, ('reset_status.start', 'reset_status.end')),
    ('groupsnapshots', 'groupSnapshotStatusUpdate', _plain, ('reset_status.start', 'reset_status.end')),
    ('volume_type', 'volumeType', _plain, ('create', 'update', 'delete')),
    ('volume_type_extra_specs', 'volumeTypeExtraSpecs', _plain, ('create', 'update', 'delete')),
    ('volume_type_encryption', 'volumeTypeEncryption', _plain, ('create', 'update', 'delete')),
    ('volume_type_project', 'volume_type_project', _plain, ('access.add', 'access.remove')),
    ('qos_specs', 'QoSSpecs', _plain, (
        'create', 'update', 'delete', 'delete_keys', 'associate', 'disassociate', 'disassociate_all')),
    ('group_type', 'groupType', _plain, ('create', 'update', 'delete')),
    ('group_type_specs', 'groupTypeSpecs', _plain, ('create', 'update', 'delete')),
    ('scheduler', 'scheduler', _plain, ('create_volume', 'create_group', 'migrate_volume_to_host', 'retype',
                                        'manage_existing')),
    ('capacity', 'capacity', _plain, ('backend', 'pool')),
)

#: Event -> (who publishes it, function(ctx, ...) of its payload).
EVENTS = {f'{family}.{end}': (publisher, payload)
          for family, publisher, payload, ends in _FAMILIES for end in ends}


def volume(ctx, row, event, **more):
    """Emit volume.<event>; ``more``: fields that only this event has."""
    emit(ctx, f'volume.{event}', row, host=row.host, **more)


def snapshot(ctx, row, volume_row, event, **more):
    """Emit snapshot.<event>, with where its volume is."""
    emit(ctx, f'snapshot.{event}', row, volume_row, host=volume_row.host, **more)


def group(ctx, row, event):
    """Emit group.<event>."""
    emit(ctx, f'group.{event}', row, host=row.host)


def group_snapshot(ctx, row, event):
    """Emit group_snapshot.<event>."""
    emit(ctx, f'group_snapshot.{event}', row)


def failed(ctx, event, **values):
    """Emit an event of EVENTS that tells of a failure."""
    _emit(ctx, event, (), None, values, 'error')


def emit(ctx, event, *about, host=None, **more):
    """Emit one of EVENTS. ``about``: what its payload is made of; ``host``: where it is, None: nowhere yet."""
    _emit(ctx, event, about, host, more, 'info')


def _emit(ctx, event, about, host, more, priority):
    publisher, payload = EVENTS[event]
    place = volume_rpc.backend_of(host) if host else ctx.conf.host
    ctx.app.notifier.emit(ctx, f'{publisher}.{place}', event, lambda: _timed({**payload(ctx, *about), **more}),
                          priority)


def _timed(value):
    """The same with times as text, however deep they are."""
    if isinstance(value, dict):
        return {key: _timed(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_timed(each) for each in value]
    return value.isoformat() if isinstance(value, datetime.datetime) else value

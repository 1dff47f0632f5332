# SPDX-License-Identifier: Apache-2.0
"""The payloads of notifications, by resource."""


def volume(ctx, row, event):
    """Emit volume.<event> with the fields that meters read."""
    ctx.app.notifier.emit(ctx, f'volume.{row.host or ctx.conf.host}', f'volume.{event}', lambda: {
        'tenant_id': row.project_id, 'user_id': row.user_id, 'volume_id': row.id, 'display_name': row.name,
        'volume_type': row.volume_type_id, 'size': row.size, 'status': row.status, 'host': row.host,
        'availability_zone': row.availability_zone, 'snapshot_id': row.snapshot_id,
        'created_at': row.created_at.isoformat(), 'launched_at': row.launched_at and row.launched_at.isoformat()})


def snapshot(ctx, row, volume_row, event):
    """Emit snapshot.<event>, with where its volume is."""
    ctx.app.notifier.emit(ctx, f'snapshot.{volume_row.host or ctx.conf.host}', f'snapshot.{event}', lambda: {
        'tenant_id': row.project_id, 'user_id': row.user_id, 'snapshot_id': row.id, 'display_name': row.name,
        'volume_id': row.volume_id, 'volume_size': row.volume_size, 'volume_type': row.volume_type_id,
        'availability_zone': volume_row.availability_zone, 'status': row.status,
        'created_at': row.created_at.isoformat()})


def group(ctx, row, event):
    """Emit group.<event>."""
    ctx.app.notifier.emit(ctx, f'group.{row.host or ctx.conf.host}', f'group.{event}', lambda: {
        'tenant_id': row.project_id, 'user_id': row.user_id, 'group_id': row.id, 'name': row.name,
        'group_type': row.group_type_id, 'availability_zone': row.availability_zone, 'status': row.status,
        'created_at': row.created_at.isoformat()})


def group_snapshot(ctx, row, event):
    """Emit group_snapshot.<event>."""
    ctx.app.notifier.emit(ctx, f'group_snapshot.{ctx.conf.host}', f'group_snapshot.{event}', lambda: {
        'tenant_id': row.project_id, 'user_id': row.user_id, 'group_snapshot_id': row.id, 'name': row.name,
        'group_id': row.group_id, 'group_type': row.group_type_id, 'status': row.status,
        'created_at': row.created_at.isoformat()})

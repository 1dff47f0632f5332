# SPDX-License-Identifier: Apache-2.0
"""The payloads of notifications, by resource."""


def volume(ctx, row, event):
    """Emit volume.<event> with the fields that meters read."""
    ctx.app.notifier.emit(ctx, f'volume.{row.host or ctx.conf.host}', f'volume.{event}', lambda: {
        'tenant_id': row.project_id, 'user_id': row.user_id, 'volume_id': row.id, 'display_name': row.name,
        'volume_type': row.volume_type_id, 'size': row.size, 'status': row.status, 'host': row.host,
        'availability_zone': row.availability_zone, 'snapshot_id': row.snapshot_id,
        'created_at': row.created_at.isoformat(), 'launched_at': row.launched_at and row.launched_at.isoformat()})

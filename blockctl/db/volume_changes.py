# SPDX-License-Identifier: Apache-2.0
"""Changes of what a tenant says about a volume. Its status and place are changed elsewhere (transition, pools)."""

import sqlalchemy as sa

from blockctl.db.columns import utcnow
from blockctl.db.tables import volume_metadata
from blockctl.db.tables import volumes


def describe(ctx, volume_id, **values):
    """Set name and description, whichever are given."""
    ctx.conn.execute(sa.update(volumes).where(volumes.c.id == volume_id).values(updated_at=utcnow(), **values))


def lock(ctx, volume_id):
    """Keep others from changing the volume and its metadata until this transaction ends."""
    ctx.conn.execute(sa.select(volumes.c.id).where(volumes.c.id == volume_id).with_for_update()).first()


def metadata(ctx, volume_id):
    """{key: value} that the tenant gave the volume."""
    rows = ctx.conn.execute(
        sa.select(volume_metadata.c.key, volume_metadata.c.value).where(volume_metadata.c.volume_id == volume_id))
    return {row.key: row.value for row in rows}


def set_metadata(ctx, volume_id, pairs, replace):
    """Add or overwrite ``pairs``; with ``replace`` these are all it has afterwards. The caller holds :func:`lock`."""
    old = sa.delete(volume_metadata).where(volume_metadata.c.volume_id == volume_id)
    if not replace:
        old = old.where(volume_metadata.c.key.in_(list(pairs)))
    if pairs or replace:
        ctx.conn.execute(old)
    if pairs:
        ctx.conn.execute(sa.insert(volume_metadata), [
            {'volume_id': volume_id, 'key': key, 'value': value} for key, value in pairs.items()])


def delete_metadata(ctx, volume_id, key):
    """Remove one pair."""
    ctx.conn.execute(sa.delete(volume_metadata).where(
        volume_metadata.c.volume_id == volume_id, volume_metadata.c.key == key))

# SPDX-License-Identifier: Apache-2.0
"""Changes of what a tenant says about a volume. Its status and place are changed elsewhere (transition, pools)."""

import sqlalchemy as sa

from blockctl.db import pairs as db_pairs
from blockctl.db.columns import utcnow
from blockctl.db.tables import volume_admin_metadata
from blockctl.db.tables import volume_image_metadata
from blockctl.db.tables import volume_metadata
from blockctl.db.tables import volumes


def describe(ctx, volume_id, **values):
    """Set name, description and bootable, whichever are given."""
    ctx.conn.execute(sa.update(volumes).where(volumes.c.id == volume_id).values(updated_at=utcnow(), **values))


def set_key(ctx, volume_id, key_id):
    """Name the key of an encrypted volume; None: it has none any more."""
    ctx.conn.execute(sa.update(volumes).where(volumes.c.id == volume_id).values(
        encryption_key_id=key_id, updated_at=utcnow()))


def key_of(ctx, volume_id):
    """The id of a volume's key; None when it has none, or there is no such volume."""
    return ctx.conn.execute(sa.select(volumes.c.encryption_key_id).where(volumes.c.id == volume_id)).scalar()


def metadata(ctx, volume_id):
    """{key: value} that the tenant gave the volume."""
    return db_pairs.read(ctx, volume_metadata.c.volume_id, volume_id)


def set_metadata(ctx, volume_id, pairs, replace):
    """Add or overwrite ``pairs``; with ``replace`` they are all it has afterwards. The caller has the volume locked."""
    db_pairs.write(ctx, volume_metadata.c.volume_id, volume_id, pairs, replace)


def delete_metadata(ctx, volume_id, key):
    """Remove one pair."""
    db_pairs.delete(ctx, volume_metadata.c.volume_id, volume_id, key)


# --- image metadata
def image_metadata(ctx, volume_id):
    """{key: value} that the volume keeps of the image it was made of."""
    return db_pairs.read(ctx, volume_image_metadata.c.volume_id, volume_id)


def set_image_metadata(ctx, volume_id, pairs):
    """Add or overwrite ``pairs``. The caller has the volume locked."""
    db_pairs.write(ctx, volume_image_metadata.c.volume_id, volume_id, pairs, replace=False)


def delete_image_metadata(ctx, volume_id, key):
    """Remove one pair; whether there was one."""
    return db_pairs.delete(ctx, volume_image_metadata.c.volume_id, volume_id, key)


def copy_image_metadata(ctx, source_id, volume_id):
    """Give a volume that has none the image metadata of another."""
    table = volume_image_metadata
    ctx.conn.execute(sa.insert(table).from_select(
        ['volume_id', 'key', 'value'],
        sa.select(sa.literal(volume_id), table.c.key, table.c.value).where(table.c.volume_id == source_id)))


# --- notes of administrators
def set_note(ctx, volume_id, key, value):
    """Set a pair of the administrators' metadata. The caller has the volume locked."""
    db_pairs.write(ctx, volume_admin_metadata.c.volume_id, volume_id, {key: value}, replace=False)


def delete_note(ctx, volume_id, key):
    """Remove a pair of the administrators' metadata, if it is there. The caller has the volume locked."""
    db_pairs.delete(ctx, volume_admin_metadata.c.volume_id, volume_id, key)

# SPDX-License-Identifier: Apache-2.0
"""Queries on single volumes. Lists and their relations are in volume_lists.py."""

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import history
from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db.columns import utcnow
from blockctl.db.tables import volume_metadata
from blockctl.db.tables import volumes


_GET = sa.select(volumes).where(volumes.c.id == sa.bindparam('volume_id'))


def get(ctx, volume_id):
    """The row. Raises VolumeNotFound."""
    row = ctx.conn.execute(_GET, {'volume_id': volume_id}).first()
    if row is None:
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    return row


def exists(ctx, volume_id):
    """Whether there is such a row: how a commit of unknown outcome is settled."""
    return ctx.conn.execute(sa.select(volumes.c.id).where(volumes.c.id == volume_id)).first() is not None


def insert(ctx, metadata, **values):
    """Store a new volume and its metadata in the caller's transaction."""
    ctx.conn.execute(sa.insert(volumes).values(created_at=utcnow(), **values))
    if metadata:
        ctx.conn.execute(sa.insert(volume_metadata), [
            {'volume_id': values['id'], 'key': key, 'value': value} for key, value in metadata.items()])


def place(ctx, volume_id, host, availability_zone=None, service_id=None):
    """Name the pool a volume is promised to (None: none any more). The claim is the caller's, in this transaction."""
    values = {'host': host, 'service_uuid': service_id, 'updated_at': utcnow()}
    if availability_zone:
        values['availability_zone'] = availability_zone
    ctx.conn.execute(sa.update(volumes).where(volumes.c.id == volume_id).values(**values))


def take_back_growth(ctx, row):
    """The volume does not grow: return what it was promised for that, quota and room. No growth is no work."""
    if row.growth:
        if row.use_quota:
            quotas.give_back(ctx, row.project_id, quotas.growth_deltas(row.growth, row.volume_type_id))
        if row.host:
            pools.release(ctx, row.host, row.growth)
        ctx.conn.execute(sa.update(volumes).where(volumes.c.id == row.id).values(growth=0))


def remove(ctx, row):
    """Remove a volume for good, with its quota, its pool's promise and one line of history, in one transaction."""
    if row.use_quota:
        quotas.give_back(ctx, row.project_id, quotas.volume_deltas(row.size + row.growth, row.volume_type_id))
    if row.host:
        pools.release(ctx, row.host, row.size + row.growth)
    history.write(ctx, 'volume', row)
    ctx.conn.execute(sa.delete(volumes).where(volumes.c.id == row.id))

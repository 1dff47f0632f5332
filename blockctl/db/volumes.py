# SPDX-License-Identifier: Apache-2.0
"""Queries on single volumes. Lists and their relations are in volume_lists.py."""

import functools

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


# Without what is of no use to those who lock it: reading a column costs more than it seems.
_LOCK = sa.select(*(column for column in volumes.c if column.name not in (
    'description', 'previous_status', 'migration_status', 'cluster_name', 'use_quota', 'shared_targets', 'service_uuid',
    'encryption_key_id', 'source_volid', 'provider_id', 'provider_location', 'growth', 'name_id', 'updated_at',
))).where(volumes.c.id == sa.bindparam('volume_id')).with_for_update()


def lock(ctx, volume_id, project_id=None):
    """What matters of the row, which nobody else changes until this transaction ends; nor its metadata and attachments.

    ``project_id``: whose it was when the caller's right to it was checked.  Raises VolumeNotFound, also when it was
    given away since (operations/transfers.py).
    """
    row = ctx.conn.execute(_LOCK, {'volume_id': volume_id}).first()
    if row is None or (project_id is not None and row.project_id != project_id):
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    return row


def exists(ctx, volume_id):
    """Whether there is such a row: how a commit of unknown outcome is settled."""
    return ctx.conn.execute(sa.select(volumes.c.id).where(volumes.c.id == volume_id)).first() is not None


_INSERT = sa.insert(volumes).values(created_at=utcnow())
_REMOVE = sa.delete(volumes).where(volumes.c.id == sa.bindparam('volume_id'))


def insert(ctx, metadata, **values):
    """Store a new volume and its metadata in the caller's transaction."""
    ctx.conn.execute(_INSERT, values)
    if metadata:
        ctx.conn.execute(sa.insert(volume_metadata), [
            {'volume_id': values['id'], 'key': key, 'value': value} for key, value in metadata.items()])


def place(ctx, volume_id, host, availability_zone=None, service_id=None, cluster_name=None):
    """Name the pool a volume is promised to (None: none any more). The claim is the caller's, in this transaction."""
    values = {'host': host, 'cluster_name': cluster_name, 'service_uuid': service_id}
    if availability_zone:
        values['availability_zone'] = availability_zone
    ctx.conn.execute(_placing(tuple(values)), {'volume_id': volume_id} | {
        f'to_{name}': value for name, value in values.items()})


@functools.cache
def _placing(names):
    return sa.update(volumes).where(volumes.c.id == sa.bindparam('volume_id')).values(updated_at=utcnow(), **{
        name: sa.bindparam(f'to_{name}', type_=volumes.c[name].type) for name in names})


def take_back_growth(ctx, row):
    """The volume does not grow: return what it was promised for that, quota and room. No growth is no work.

    Raises ResourceBusy when somebody else has done that since ``row`` was read, or it has grown.
    """
    if row.growth:
        if row.use_quota:
            quotas.give_back(ctx, row.project_id, quotas.growth_deltas(row.growth, row.volume_type_id))
        if row.host:
            pools.release(ctx, row.host, row.growth)
        statement = sa.update(volumes).where(
            volumes.c.id == row.id, volumes.c.growth == row.growth, volumes.c.project_id == row.project_id)
        if ctx.conn.execute(statement.values(growth=0)).rowcount == 0:
            raise exceptions.ResourceBusy(resource='volume', id=row.id)


def remove(ctx, row):
    """Remove a volume for good, with its quota, its pool's promise and one line of history, in one transaction."""
    if row.use_quota:
        quotas.give_back(ctx, row.project_id, quotas.volume_deltas(row.size + row.growth, row.volume_type_id))
    if row.host:
        pools.release(ctx, row.host, row.size + row.growth)
    history.write(ctx, 'volume', row)
    ctx.conn.execute(_REMOVE, {'volume_id': row.id})

# SPDX-License-Identifier: Apache-2.0
"""Queries on single snapshots, and on those of one volume. Lists and their relations are in snapshot_lists.py."""

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import history
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import pairs
from blockctl.db import quotas
from blockctl.db.columns import utcnow
from blockctl.db.tables import snapshot_metadata
from blockctl.db.tables import snapshots
from blockctl.db.tables import volumes
from blockctl.db.transition import transition_all
from blockctl.states import SNAPSHOT

#: The column of the metadata's table that names the snapshot (db/pairs.py).
OWNER = snapshot_metadata.c.snapshot_id

#: Latest first: rows are stored with their volume locked, so no two of a volume are told apart by their ids only.
_LATEST = (snapshots.c.created_at.desc(), snapshots.c.id.desc())


_GET = sa.select(snapshots).where(snapshots.c.id == sa.bindparam('snapshot_id'))
_INSERT = sa.insert(snapshots).values(created_at=utcnow())
_REMOVE = sa.delete(snapshots).where(snapshots.c.id == sa.bindparam('snapshot_id'))


def get(ctx, snapshot_id):
    """The row. Raises SnapshotNotFound."""
    row = ctx.conn.execute(_GET, {'snapshot_id': snapshot_id}).first()
    if row is None:
        raise exceptions.SnapshotNotFound(snapshot_id=snapshot_id)
    return row


def insert(ctx, metadata, **values):
    """Store a new snapshot and its metadata in the caller's transaction, which has its volume locked."""
    ctx.conn.execute(_INSERT, values)
    pairs.insert(ctx, OWNER, values['id'], metadata)


def lock(ctx, snapshot_id, project_id):
    """Keep others from changing the snapshot and its metadata until this transaction ends.

    ``project_id``: whose it was when the caller's right to it was checked.  Raises SnapshotNotFound when it was given
    away since.
    """
    row = ctx.conn.execute(
        sa.select(snapshots.c.project_id).where(snapshots.c.id == snapshot_id).with_for_update()).first()
    if row is None or row.project_id != project_id:
        raise exceptions.SnapshotNotFound(snapshot_id=snapshot_id)


def describe(ctx, snapshot_id, **values):
    """Set name and description, whichever is given."""
    ctx.conn.execute(sa.update(snapshots).where(snapshots.c.id == snapshot_id).values(updated_at=utcnow(), **values))


# --- those of one volume
def of_volume(ctx, volume_id):
    """All rows of a volume, latest first."""
    return ctx.conn.execute(sa.select(snapshots).where(snapshots.c.volume_id == volume_id).order_by(*_LATEST)).all()


def latest(ctx, volume_id):
    """The id of the latest one of a volume, whatever its status, or None."""
    return ctx.conn.execute(
        sa.select(snapshots.c.id).where(snapshots.c.volume_id == volume_id).order_by(*_LATEST).limit(1)).scalar()


def lock_all(ctx, volume_id):
    """Keep others from changing any of a volume's; the caller has the volume locked. Returns their ids."""
    return list(ctx.conn.execute(sa.select(snapshots.c.id).where(snapshots.c.volume_id == volume_id).order_by(
        snapshots.c.id).with_for_update()).scalars())


def exist(volume_id):
    """The condition that a volume has snapshots; ``volume_id``: the column of the statement it is put into."""
    return sa.exists().where(snapshots.c.volume_id == volume_id)


def exist_elsewhere(volume_id, project_id):
    """The condition that a volume has snapshots of other projects than its own; both are columns, as above."""
    return sa.exists().where(snapshots.c.volume_id == volume_id, snapshots.c.project_id != project_id)


def leave(ctx, volume_id):
    """The job of their volume ends unfinished: end what it was doing with them.

    One that was restored from is as it was; one that it was to delete may be half deleted.  The caller has the volume
    locked.
    """
    rows = ctx.conn.execute(sa.select(snapshots.c.id, snapshots.c.status).where(
        snapshots.c.volume_id == volume_id, snapshots.c.status.in_(('restoring', 'deleting')),
        ~jobs.at_work(snapshots.c.id), ~holds.held_beside(snapshots.c.id, volume_id),
    ).order_by(snapshots.c.id).with_for_update()).all()
    for status, event in (('restoring', 'revert.end'), ('deleting', 'delete.fail')):
        transition_all(ctx, SNAPSHOT, [row.id for row in rows if row.status == status], event)


# --- the end
_GONE = sa.select(
    snapshots.c.id, snapshots.c.project_id, snapshots.c.volume_size.label('size'), snapshots.c.volume_type_id,
    snapshots.c.use_quota, snapshots.c.created_at, volumes.c.host).join(
        volumes, volumes.c.id == snapshots.c.volume_id).where(snapshots.c.id == sa.bindparam('snapshot_id'))


def remove(ctx, snapshot_id):
    """Remove a snapshot for good, with its quota and one line of history, in one transaction.

    Raises SnapshotNotFound.
    """
    row = ctx.conn.execute(_GONE, {'snapshot_id': snapshot_id}).first()
    if row is None:
        raise exceptions.SnapshotNotFound(snapshot_id=snapshot_id)
    if row.use_quota:
        quotas.give_back(ctx, row.project_id, quotas.snapshot_deltas(ctx.conf, row.size, row.volume_type_id))
    history.write(ctx, 'snapshot', row)
    ctx.conn.execute(_REMOVE, {'snapshot_id': snapshot_id})

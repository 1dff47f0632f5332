# SPDX-License-Identifier: Apache-2.0
"""Metadata of snapshots."""

from blockctl import exceptions
from blockctl.db import deadlocks
from blockctl.db import pairs as db_pairs
from blockctl.db import snapshots as db_snapshots
from blockctl.operations import snapshots


def read(ctx, snapshot_id):
    """{key: value}."""
    with ctx.reading():
        snapshots.visible(ctx, snapshot_id, 'volume:get_snapshot_metadata')
        return db_pairs.read(ctx, db_snapshots.OWNER, snapshot_id)


def read_one(ctx, snapshot_id, key):
    """The value. Raises SnapshotMetadataNotFound."""
    found = read(ctx, snapshot_id)
    if key not in found:
        raise exceptions.SnapshotMetadataNotFound(snapshot_id=snapshot_id, key=key)
    return found[key]


@deadlocks.retried
def write(ctx, snapshot_id, pairs, replace=False):
    """Add or overwrite ``pairs``, or make them all there is (``replace``). Returns all metadata."""
    with ctx.writing():
        row = snapshots.visible(ctx, snapshot_id, 'volume:update_snapshot_metadata')
        db_snapshots.lock(ctx, snapshot_id, row.project_id)
        db_pairs.write(ctx, db_snapshots.OWNER, snapshot_id, pairs, replace)
        return db_pairs.read(ctx, db_snapshots.OWNER, snapshot_id)


@deadlocks.retried
def remove(ctx, snapshot_id, key):
    """Remove one key. Raises SnapshotMetadataNotFound."""
    with ctx.writing():
        row = snapshots.visible(ctx, snapshot_id, 'volume:delete_snapshot_metadata')
        db_snapshots.lock(ctx, snapshot_id, row.project_id)
        if not db_pairs.delete(ctx, db_snapshots.OWNER, snapshot_id, key):
            raise exceptions.SnapshotMetadataNotFound(snapshot_id=snapshot_id, key=key)

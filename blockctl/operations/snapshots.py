# SPDX-License-Identifier: Apache-2.0
"""What can be done with snapshots."""

import dataclasses

from blockctl import exceptions
from blockctl.db import deadlocks
from blockctl.db import pairs
from blockctl.db import snapshot_lists
from blockctl.db import snapshots
from blockctl.db import volumes as db_volumes
from blockctl.flows import notifications
from blockctl.flows import snapshot_create
from blockctl.flows import snapshot_delete
from blockctl.operations import backends
from blockctl.operations import volumes

SORTS = frozenset(snapshot_lists.SORTS)


def visible(ctx, snapshot_id, rule):
    """The row, in the caller's transaction, when the caller may do ``rule`` to it.

    Raises SnapshotNotFound, also for another project's (that it exists is nobody's business), NotAuthorized, or
    BackendIsFrozen for what would change it on storage that an administrator has frozen.
    """
    if not (snapshot_id.isascii() and len(snapshot_id) <= 36):
        raise exceptions.SnapshotNotFound(snapshot_id=snapshot_id)
    row = snapshots.get(ctx, snapshot_id)
    if row.project_id != ctx.project_id and not ctx.is_admin:
        raise exceptions.SnapshotNotFound(snapshot_id=snapshot_id)
    ctx.must(rule, row)
    backends.must_be_thawed(ctx, rule, volume_id=row.volume_id)
    return row


def show(ctx, snapshot_id):
    """(row, {id: metadata}) of a snapshot the caller may see."""
    with ctx.reading():
        row = visible(ctx, snapshot_id, 'volume:get_snapshot')
        return row, snapshot_lists.metadata(ctx, [row])


def find(ctx, page, filters, all_tenants=False):
    """(Found, {id: metadata}) of the caller's project, or of all.

    ``filters``: {name: Wanted}; a project_id among them counts with ``all_tenants`` only.
    """
    ctx.must('volume:get_all_snapshots')
    if not all_tenants:
        filters = {name: wanted for name, wanted in filters.items() if name != 'project_id'}
    with ctx.reading():
        found = snapshot_lists.page(ctx, None if all_tenants else ctx.project_id, filters, page)
        return found, snapshot_lists.metadata(ctx, found.rows)


@dataclasses.dataclass(frozen=True, slots=True)
class NewSnapshot:
    """What a tenant asks for. ``in_use_too``: also while a server has the volume."""

    volume_id: str
    name: str | None = None
    description: str | None = None
    metadata: dict = dataclasses.field(default_factory=dict)
    in_use_too: bool = True


def create(ctx, new):
    """Accept a snapshot; returns (row, {id: metadata}) as it was when accepted.

    ================================  ==============================  ===============================
    condition                         error                           what the caller should do
    ================================  ==============================  ===============================
    no such volume                    VolumeNotFound                  choose another
    no storage has the volume         InvalidRequest                  make another
    its state forbids it              InvalidState                    wait, or allow it to be in use
    over quota                        OverQuota                       delete something, ask for more
    ================================  ==============================  ===============================
    """
    with ctx.reading():
        volumes.visible(ctx, new.volume_id, 'volume:create_snapshot')
        volume = db_volumes.get(ctx, new.volume_id)
    if volume.host is None:
        raise exceptions.InvalidRequest(
            reason=f'volume_id: no snapshot can be taken of volume {volume.id}: no storage has it')
    row = snapshot_create.create_snapshot(ctx, snapshot_create.CreateSnapshot(
        volume=volume, name=new.name, description=new.description, metadata=new.metadata, in_use_too=new.in_use_too))
    return row, {row.id: new.metadata}


def update(ctx, snapshot_id, values):
    """Change name and description. Returns (row, {id: metadata})."""
    with ctx.reading():
        row = visible(ctx, snapshot_id, 'volume:update_snapshot')
        volume = db_volumes.get(ctx, row.volume_id)
    notifications.snapshot(ctx, row, volume, 'update.start')
    row, metadata = _update(ctx, snapshot_id, values)
    notifications.snapshot(ctx, row, volume, 'update.end')
    return row, metadata


@deadlocks.retried
def _update(ctx, snapshot_id, values):
    with ctx.writing():
        row = visible(ctx, snapshot_id, 'volume:update_snapshot')
        if values:
            snapshots.lock(ctx, snapshot_id, row.project_id)
            snapshots.describe(ctx, snapshot_id, **values)
        row = snapshots.get(ctx, snapshot_id)
        return row, {row.id: pairs.read(ctx, snapshots.OWNER, row.id)}


def delete(ctx, snapshot_id):
    """Accept that a snapshot goes. Raises SnapshotNotFound, NotAuthorized, InvalidState."""
    with ctx.reading():
        row = visible(ctx, snapshot_id, 'volume:delete_snapshot')
    snapshot_delete.delete_snapshot(ctx, row)

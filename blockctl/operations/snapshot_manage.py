# SPDX-License-Identifier: Apache-2.0
"""Making snapshots of what volumes on a backend have already, and forgetting them."""

from blockctl import exceptions
from blockctl.db import volume_manage
from blockctl.flows import driver_values
from blockctl.flows import snapshot_manage
from blockctl.operations import manageable
from blockctl.operations import snapshots
from blockctl.operations import volumes


def find(ctx, page, host=None, cluster=None):
    """A page of the snapshots on a backend: dicts, see flows.volume_manage."""
    ctx.must('snapshot_extension:list_manageable')
    return manageable.find(ctx, 'snapshots', page, host, cluster)


def manage(ctx, volume_id, source_name, name=None, description=None, metadata=None):
    """Accept that what a volume's image has becomes a snapshot; returns (row, related).

    Whether it is there turns out later: the snapshot then ends in error, with a message.  Raises VolumeNotFound,
    AlreadyManaged, InvalidRequest (no storage has the volume), OverQuota, InvalidState.
    """
    with ctx.reading():
        volume = volumes.visible(ctx, volume_id, 'snapshot_extension:snapshot_manage')
        if volume.host is None:
            raise exceptions.InvalidRequest(reason=f'volume_id: no storage has volume {volume_id}')
        snapshot_id = driver_values.id_in(ctx.conf.snapshot_name_template, source_name)
        if snapshot_id is not None and volume_manage.has_snapshot(ctx, snapshot_id):
            raise exceptions.AlreadyManaged(resource='snapshot')
    row = snapshot_manage.manage_snapshot(ctx, volume, source_name, name, description, metadata or {})
    return row, {row.id: metadata or {}}


def unmanage(ctx, snapshot_id):
    """Forget a snapshot and leave it where it is. Raises SnapshotNotFound, InvalidState."""
    with ctx.reading():
        snapshots.visible(ctx, snapshot_id, 'snapshot_extension:snapshot_unmanage')
    snapshot_manage.unmanage_snapshot(ctx, snapshot_id)

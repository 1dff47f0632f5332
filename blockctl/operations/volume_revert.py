# SPDX-License-Identifier: Apache-2.0
"""Putting a volume back to its latest snapshot."""

from blockctl import exceptions
from blockctl.db import snapshots
from blockctl.flows import volume_revert
from blockctl.operations import volumes


def revert(ctx, volume_id, snapshot_id):
    """Accept that a volume gets the data of its latest snapshot back.

    ================================  ==============================  ===============================
    condition                         error                           what the caller should do
    ================================  ==============================  ===============================
    not its latest snapshot           InvalidRequest                  name the latest, delete it first
    it has grown since                InvalidRequest                  make a volume of the snapshot
    volume or snapshot not available  CannotRevert                    wait
    ================================  ==============================  ===============================
    """
    with ctx.reading():
        row = volumes.visible(ctx, volume_id, 'volume:revert_to_snapshot')
        if snapshots.latest(ctx, volume_id) != snapshot_id:
            raise exceptions.InvalidRequest(
                reason=f'snapshot_id: {snapshot_id} is not the latest snapshot of volume {volume_id}')
        size = snapshots.get(ctx, snapshot_id).volume_size
    if size != row.size:
        raise exceptions.InvalidRequest(
            reason=f'volume {volume_id} has {row.size} GiB, and its snapshot {snapshot_id} has {size}: it can only be '
                   'reverted to a snapshot of its size')
    try:
        volume_revert.revert_volume(ctx, row, snapshot_id)
    except exceptions.InvalidState as error:
        raise exceptions.CannotRevert(
            resource=error.values['resource'], status=error.values['status'], volume_id=volume_id,
            snapshot_id=snapshot_id) from error

# SPDX-License-Identifier: Apache-2.0
"""Deleting a group snapshot with all its snapshots, by one job."""

from blockctl import user_messages
from blockctl.db import deadlocks
from blockctl.db import group_snapshots
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import snapshots
from blockctl.db.transition import transition
from blockctl.db.transition import transition_all
from blockctl.drivers import interface
from blockctl.flows import driver_values
from blockctl.flows import group_snapshot_create
from blockctl.rpc import volume as volume_rpc
from blockctl.states import GROUP_SNAPSHOT
from blockctl.states import SNAPSHOT

KIND = 'group_snapshot.delete'


@deadlocks.retried
def delete_group_snapshot(ctx, group_snapshot_id):
    """Accept that a group snapshot goes: its job is committed when this returns, or it is gone already.

    Raises InvalidState when its state, or that of one of its snapshots, does not allow it.
    """
    with ctx.writing():
        transition(ctx, GROUP_SNAPSHOT, group_snapshot_id, 'delete')
        going = [row.id for row in group_snapshots.lock_snapshots(ctx, group_snapshot_id)]
        # A live job here is a creation that waits for its backend.
        to_fence, not_before = jobs.supersede_all(ctx, [group_snapshot_id, *going])
        transition_all(ctx, SNAPSHOT, going, 'delete')
        pairs = group_snapshots.taken(ctx, group_snapshot_id)
        if not pairs:
            group_snapshots.remove(ctx, group_snapshot_id)
            return
        backend = volume_rpc.backend_of(pairs[0][1].host)
        job_id = jobs.post(ctx, KIND, group_snapshot_id, backend, {}, to_fence, not_before)
        holds.hold_all(ctx, going, job_id)
        ctx.app.points(f'{KIND}.api.before_commit')
    ctx.app.points(f'{KIND}.api.committed')
    volume_rpc.tell(ctx, backend, 'delete_group_snapshot', job_id)


class Delete(group_snapshot_create.GroupSnapshotChange):
    """What a volume service does with the job."""

    kind = KIND
    action = user_messages.DELETE_GROUP_SNAPSHOT
    detail = user_messages.GROUP_SNAPSHOT_NOT_DELETED
    fails = 'delete.fail'
    event = 'delete'

    def effect(self, work, taken):
        going = [driver_values.snapshot(work.ctx, row, volume) for row, volume in taken.pairs]
        driver = driver_values.able(work, interface.Snapshots)
        for snapshot in going:
            driver.delete_snapshot(snapshot, work.effect())
        if isinstance(driver, interface.GroupSnapshots):
            driver.delete_group_snapshot(taken.row.id, work.effect())

    def done(self, work, taken, made):
        for row in group_snapshots.lock_snapshots(work.ctx, taken.row.id):
            snapshots.remove(work.ctx, row.id)
        group_snapshots.remove(work.ctx, taken.row.id)

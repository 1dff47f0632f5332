# SPDX-License-Identifier: Apache-2.0
"""Deleting a snapshot, alone or with its volume."""

from blockctl import user_messages
from blockctl.db import deadlocks
from blockctl.db import jobs
from blockctl.db import snapshots
from blockctl.db import volumes
from blockctl.db.tables import snapshots as table
from blockctl.db.transition import transition
from blockctl.drivers import interface
from blockctl.flows import notifications
from blockctl.flows import snapshot_change
from blockctl.rpc import volume as volume_rpc
from blockctl.states import SNAPSHOT

KIND = 'snapshot.delete'


@deadlocks.retried
def delete_snapshot(ctx, row, force=False):
    """Accept that a snapshot goes: its job is committed when this returns, or the snapshot is gone already.

    ``row``: as it was when the right to this was checked.  Raises InvalidState when its state does not allow it
    (``force`` allows any), it is one of a group, a volume is being made of it, or it has gone to another project.
    """
    snapshot_id = row.id
    with ctx.writing():
        transition(ctx, SNAPSHOT, snapshot_id, 'delete.force' if force else 'delete',
                   table.c.group_snapshot_id.is_(None), table.c.project_id == row.project_id)
        # A live job here is a creation or deletion that is forced to end, or one whose backend was away.
        to_fence, not_before = jobs.supersede(ctx, snapshot_id)
        row = snapshots.get(ctx, snapshot_id)
        volume = volumes.get(ctx, row.volume_id)
        if volume.host is None:
            snapshots.remove(ctx, snapshot_id)  # no pool has it
            job_id = None
        else:
            job_id = jobs.post(ctx, KIND, snapshot_id, volume_rpc.backend_of(volume.host), {}, to_fence, not_before)
        ctx.app.points('snapshot.delete.api.before_commit')
    ctx.app.points('snapshot.delete.api.committed')
    if job_id is not None:
        volume_rpc.tell(ctx, volume.host, 'delete_snapshot', job_id)
    else:
        for event in ('delete.start', 'delete.end'):
            notifications.snapshot(ctx, row, volume, event)


def delete_all(work, volume_row):
    """Delete what snapshots a volume has, which goes with them: latest first, one after the other, each with its quota.

    In the hands of the volume's job, whose lease guards each commit; after a crash what is left is deleted.
    """
    ctx = work.ctx
    with ctx.reading():
        rows = [snapshot_change.Placed(row, volume_row) for row in snapshots.of_volume(ctx, volume_row.id)]
    for row in rows:
        row.tell(ctx, 'delete.start')
        _delete(work, row)
        work.point('volume.delete.volume.snapshot_effected')
        with ctx.writing():
            snapshots.remove(ctx, row.snapshot.id)
            work.advance(step=f'snapshot {row.snapshot.id}')
        work.point('volume.delete.volume.snapshot_committed')
        row.tell(ctx, 'delete.end')


def _delete(work, row):
    # A driver that takes no snapshots has none; the rows are of attempts that failed.
    if isinstance(work.driver, interface.Snapshots):
        work.driver.delete_snapshot(row.value(work.ctx), work.effect())


class Delete(snapshot_change.SnapshotChange):
    """What a volume service does with the job."""

    kind = KIND
    action = user_messages.DELETE_SNAPSHOT
    detail = user_messages.SNAPSHOT_NOT_DELETED
    fails = 'delete.fail'
    event = 'delete'

    def effect(self, work, row):
        _delete(work, row)

    def done(self, work, row, made):
        snapshots.remove(work.ctx, row.snapshot.id)

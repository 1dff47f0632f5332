# SPDX-License-Identifier: Apache-2.0
"""An administrator's word about a snapshot, and what another service says that works on it."""

from blockctl import exceptions
from blockctl.db import deadlocks
from blockctl.db import jobs
from blockctl.db import volumes as db_volumes
from blockctl.db.tables import snapshots as table
from blockctl.db.transition import reset as set_status
from blockctl.db.transition import transition
from blockctl.flows import notifications
from blockctl.flows import snapshot_delete
from blockctl.flows import work_fence
from blockctl.operations import snapshots
from blockctl.states import SNAPSHOT

#: {status that is reported: event}.
_REPORTS = {
    'creating': 'report.creating', 'available': 'report.available', 'error': 'report.error',
    'deleting': 'report.deleting', 'error_deleting': 'report.error_deleting'}


def reset(ctx, snapshot_id, status):
    """Set the status. Work that is under way on the snapshot ends where it is. Raises InvalidField."""
    if status not in SNAPSHOT.settable:
        raise exceptions.InvalidField(
            field='status', value=status, reason=f'It must be one of {", ".join(SNAPSHOT.settable)}.')
    row, volume = _reset(ctx, snapshot_id, status)
    notifications.snapshot(ctx, row, volume, 'reset_status.start')
    notifications.snapshot(ctx, row, volume, 'reset_status.end')


@deadlocks.retried
def _reset(ctx, snapshot_id, status):
    with ctx.writing():
        row = snapshots.visible(ctx, snapshot_id, 'volume_extension:snapshot_admin_actions:reset_status')
        if not set_status(ctx, SNAPSHOT, snapshot_id, status):
            raise exceptions.SnapshotNotFound(snapshot_id=snapshot_id)
        volume = db_volumes.get(ctx, row.volume_id)
        work_fence.end_work(ctx, snapshot_id, volume.host)
        return row, volume


@deadlocks.retried
def report(ctx, snapshot_id, status, progress=None):
    """Take note of how far a service is that takes or removes the snapshot in our place (``progress``: '80%').

    Raises InvalidField for a status that cannot be reported, InvalidState where that does not follow from the present
    one, or where a job of our own is at work: that knows better.
    """
    if status not in _REPORTS:
        raise exceptions.InvalidField(field='status', value=status, reason=f'It must be one of {", ".join(_REPORTS)}.')
    with ctx.writing():
        seen = snapshots.visible(ctx, snapshot_id, 'snapshot_extension:snapshot_actions:update_snapshot_status')
        transition(ctx, SNAPSHOT, snapshot_id, _REPORTS[status], ~jobs.at_work(table.c.id),
                   table.c.project_id == seen.project_id, **({} if progress is None else {'progress': progress}))


def force_delete(ctx, snapshot_id):
    """Accept that a snapshot goes, whatever its status is, unless a volume is being made of it."""
    with ctx.reading():
        row = snapshots.visible(ctx, snapshot_id, 'volume_extension:snapshot_admin_actions:force_delete')
    snapshot_delete.delete_snapshot(ctx, row, force=True)

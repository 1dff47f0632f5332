# SPDX-License-Identifier: Apache-2.0
"""Deleting a volume."""

from oslo_db import api as db_api

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import snapshots
from blockctl.db import volume_lists
from blockctl.db import volume_moves
from blockctl.db import volumes
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.db.transition import transition_all
from blockctl.flows import change
from blockctl.flows import driver_values
from blockctl.flows import notifications
from blockctl.flows import snapshot_delete
from blockctl.flows import volume_key
from blockctl.rpc import volume as volume_rpc
from blockctl.states import SNAPSHOT
from blockctl.states import VOLUME

KIND = 'volume.delete'


@db_api.wrap_db_retry(max_retries=5, retry_on_deadlock=True, retry_interval=0.02, max_retry_interval=0.2)
def delete_volume(ctx, row, force=False, cascade=False):
    """Accept that a volume goes: its job is committed when this returns, or the volume is gone already.

    Raises VolumeMustStay when its state does not allow it (``force`` allows any but an attached one's), it belongs to
    a group, or it has snapshots; with ``cascade`` these go too, by the same job, and InvalidState names one that
    cannot.
    """
    with ctx.writing():
        row, job_id = begin(ctx, row, force, cascade)
        ctx.app.points('volume.delete.api.before_commit')
    ctx.app.points('volume.delete.api.committed')
    tell(ctx, row, job_id)


def tell(ctx, row, job_id):
    """Say that a volume goes: to its backend, or, where it had none, to listeners, as it is gone already."""
    if job_id is not None:
        volume_rpc.tell(ctx, row.host, 'delete_volume', job_id)
    else:
        notifications.volume(ctx, row, 'delete.start')
        notifications.volume(ctx, row, 'delete.end')


def begin(ctx, row, force=False, cascade=False, group_id=None):
    """The same, in the caller's transaction: the row as it is now, and the id of the job or, when it is gone, None.

    ``group_id``: of the group it has to belong to, whose job waits for this one.
    """
    if cascade:
        going, to_fence, not_before = _end_snapshots(ctx, row.id, force)
        _leave(ctx, row, force, cascade, group_id)
    else:
        _leave(ctx, row, force, cascade, group_id)
        # A live job here is a creation that is forced to end, or the clean-up of one that had failed.
        going, (to_fence, not_before) = [], jobs.supersede(ctx, row.id)
    row = volumes.get(ctx, row.id)
    if row.host is None:
        for snapshot_id in going:
            snapshots.remove(ctx, snapshot_id)
        volumes.remove(ctx, row)  # no pool has it
        return row, None
    job_id = jobs.post(ctx, KIND, row.id, volume_rpc.backend_of(row.host),
                       {'cascade': cascade, 'awaited_by': group_id}, to_fence, not_before)
    holds.hold_all(ctx, going, job_id)
    return row, job_id


def _end_snapshots(ctx, volume_id, force):
    """Move a volume's snapshots to their end: (their ids, what to fence, when the volume's next job may begin).

    All live jobs end first, the volume's too: one may hold a snapshot (a revert), or one of theirs the volume.
    """
    volumes.lock(ctx, volume_id)
    going = snapshots.lock_all(ctx, volume_id)
    ended = jobs.supersede_all(ctx, [volume_id, *going])
    transition_all(ctx, SNAPSHOT, going, 'delete.force' if force else 'delete.cascade')
    return going, *ended


def _leave(ctx, row, force, cascade, group_id):
    if not cascade:
        alone = (~snapshots.exist(table.c.id),)
    else:  # a transfer may have left snapshots with the project that gave the volume away
        alone = () if force else (~snapshots.exist_elsewhere(table.c.id, table.c.project_id),)
    try:
        transition(ctx, VOLUME, row.id, 'delete.force' if force else 'delete', table.c.attach_status == 'detached',
                   volume_moves.settled(), table.c.group_id == group_id, table.c.project_id == row.project_id, *alone)
    except exceptions.InvalidState as error:
        raise exceptions.VolumeMustStay(**error.values) from error


class Delete(change.Change):
    """What a volume service does with the job."""

    kind = KIND
    action = user_messages.DELETE_VOLUME
    detail = user_messages.NOT_DELETED
    fails = 'delete.fail'
    event = 'delete'

    def read(self, ctx, job):
        return volume_lists.get(ctx, job.resource_id)

    def effect(self, work, row):
        if work.job.payload.get('cascade'):
            snapshot_delete.delete_all(work, row)
        work.driver.delete(driver_values.volume(work.ctx, row), work.effect())
        work.point(f'{KIND}.volume.image_gone')
        volume_key.remove(work, row, unnamed=row.encrypted)

    def done(self, work, row, made):
        volumes.remove(work.ctx, row)

    def failed(self, ctx, job):
        if job.payload.get('cascade'):
            volumes.lock(ctx, job.resource_id)
            snapshots.leave(ctx, job.resource_id)

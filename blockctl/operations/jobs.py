# SPDX-License-Identifier: Apache-2.0
"""An administrator's word about work that is under way (blockctl-manage job)."""

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import deadlocks
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.operations import group_snapshots
from blockctl.operations import groups
from blockctl.operations import snapshot_status
from blockctl.operations import volume_status
from blockctl.rpc import scheduler as scheduler_rpc
from blockctl.rpc import transport
from blockctl.rpc import volume as volume_rpc
from blockctl.states import GROUP
from blockctl.states import GROUP_SNAPSHOT
from blockctl.states import SNAPSHOT
from blockctl.states import VOLUME

#: Kind of job -> (the machine of its resource, the event of its failure, what its tenant is told it was). The event's
#: target is where it ends; None: it stays what and where it was before.
_FAILS = {
    'volume.create': (VOLUME, 'create.fail', user_messages.CREATE_VOLUME),
    'volume.delete': (VOLUME, 'delete.fail', user_messages.DELETE_VOLUME),
    'volume.extend': (VOLUME, 'extend.fail', user_messages.EXTEND_VOLUME),
    'volume.manage': (VOLUME, 'manage.fail', user_messages.MANAGE_VOLUME),
    'volume.migrate': (VOLUME, None, user_messages.MIGRATE_VOLUME),
    'volume.retype': (VOLUME, None, user_messages.RETYPE_VOLUME),
    'volume.revert': (VOLUME, 'revert.fail', user_messages.REVERT_VOLUME),
    'snapshot.create': (SNAPSHOT, 'create.fail', user_messages.CREATE_SNAPSHOT),
    'snapshot.delete': (SNAPSHOT, 'delete.fail', user_messages.DELETE_SNAPSHOT),
    'snapshot.manage': (SNAPSHOT, 'create.fail', user_messages.MANAGE_SNAPSHOT),
    'group.create': (GROUP, 'create.fail', user_messages.CREATE_GROUP),
    'group.delete': (GROUP, 'delete.fail', user_messages.DELETE_GROUP),
    'group_snapshot.create': (GROUP_SNAPSHOT, 'create.fail', user_messages.CREATE_GROUP_SNAPSHOT),
    'group_snapshot.delete': (GROUP_SNAPSHOT, 'delete.fail', user_messages.DELETE_GROUP_SNAPSHOT),
}

#: How a resource is taken from the work on it, and given a status.
_RESET = {
    VOLUME: volume_status.reset,
    SNAPSHOT: snapshot_status.reset,
    GROUP: groups.reset_status,
    GROUP_SNAPSHOT: group_snapshots.reset_status,
}


def show(ctx, job_id):
    """The row, live or finished. Raises JobNotFound."""
    with ctx.reading():
        row = jobs.get(ctx, job_id)
    if row is None:
        raise exceptions.JobNotFound(job_id=job_id)
    return row


def retry(ctx, job_id):
    """Have a job that waits for its next try be tried now. Returns the row. Raises JobNotFound, JobCannot."""
    with ctx.writing():
        due = jobs.retry(ctx, job_id)
        row = show(ctx, job_id)
        if not due:
            raise exceptions.JobCannot(job_id=job_id, action='retried', reason=_why_not(row))
    if row.topic == transport.SCHEDULER:
        scheduler_rpc.look_again(ctx, job_id)
    else:
        volume_rpc.tell(ctx, row.topic, 'look_again', job_id)
    return row


def _why_not(row):
    if row.outcome is not None:
        return f'it has ended ({row.outcome})'
    if row.owner is not None:
        return f'process {row.owner} works on it until {row.lease_until} UTC'
    if row.not_before is not None:
        return f'it waits until {row.not_before} UTC for the lease of the work it takes the place of'
    return 'nobody has taken it yet; it is due'


@deadlocks.retried
def abandon(ctx, job_id):
    """End a live job, whoever has it: its resource gets the state in which the job's failure would leave it.

    Its worker is fenced off before anybody else works on the resource, and what it took is given back, as when the
    status is reset; its tenant is told.  Returns the row as it ended.  Raises JobNotFound, and JobCannot for a job that
    has ended, or that only clears away or takes back what nobody else would.
    """
    with ctx.writing():
        row = show(ctx, job_id)
        if row.outcome is not None:
            raise exceptions.JobCannot(job_id=job_id, action='abandoned', reason=_why_not(row))
        if row.kind not in _FAILS:
            raise exceptions.JobCannot(
                job_id=job_id, action='abandoned',
                reason=f'what {row.kind} does would be left undone, and nothing would tell of it')
        machine, event, action = _FAILS[row.kind]
        if event is None:
            moves = row.kind == 'volume.migrate' or 'move_id' in row.payload
            volume_status.reset(ctx, row.resource_id, row.payload['was'], migration_status='error' if moves else None)
        else:
            _RESET[machine](ctx, row.resource_id, machine.moves[event].target)
        resource, detail = machine.resource, user_messages.ABANDONED
        messages.write(ctx, row, user_messages.resource_type(resource),
                       user_messages.event_id(resource, action, detail), user_messages.text(action, detail))
        ended = show(ctx, job_id)
        if ended.outcome != 'superseded':  # it ended by itself, and another job of the resource would have gone
            raise exceptions.ResourceBusy(resource=row.kind.partition('.')[0], id=row.resource_id)
    return ended

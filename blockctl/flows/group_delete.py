# SPDX-License-Identifier: Apache-2.0
"""Deleting a group, and with it its volumes: each by its own job, with its own quota and claim.

The group's own job waits for theirs: it removes the group when no volume is left, or ends it in error_deleting when one
of them would not go.
"""

from oslo_log import log as logging

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import deadlocks
from blockctl.db import groups
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.db.transition import transition
from blockctl.flows import group_create
from blockctl.flows import notifications
from blockctl.flows import volume_delete
from blockctl.rpc import scheduler as scheduler_rpc
from blockctl.rpc import transport
from blockctl.states import GROUP
from blockctl.states import VOLUME

LOG = logging.getLogger(__name__)

KIND = 'group.delete'


@deadlocks.retried
def delete_group(ctx, group_id, with_volumes):
    """Accept that a group goes, and its volumes if it has any: their jobs are committed when this returns.

    Raises InvalidState or VolumeMustStay when the state of the group, or of one of the volumes, does not allow it, and
    InvalidGroup when it has volumes that are not to go, or group snapshots.  Then nothing goes.
    """
    with ctx.writing():
        transition(ctx, GROUP, group_id, 'delete')
        if groups.has_snapshots(ctx, group_id):
            raise exceptions.InvalidGroup(reason=f'Group {group_id} has existing snapshots.')
        members = groups.lock_members(ctx, group_id)
        if members and not with_volumes:
            raise exceptions.InvalidGroup(reason=f'Group {group_id} still contains volumes. The delete-volumes flag is '
                                                 'required to delete it.')
        begun = [volume_delete.begin(ctx, row, group_id=group_id) for row in members]
        jobs.supersede(ctx, group_id)
        job_id = jobs.post(ctx, KIND, group_id, transport.SCHEDULER, {})
        row = groups.get(ctx, group_id)
        ctx.app.points('group.delete.api.before_commit')
    ctx.app.points('group.delete.api.committed')
    notifications.group(ctx, row, 'delete.start')
    for member, volume_job_id in begun:
        volume_delete.tell(ctx, member, volume_job_id)
    scheduler_rpc.delete_group(ctx, job_id)


class Await:
    """What a scheduler does with the job: look at the volumes."""

    def run(self, work):
        ctx, job = work.ctx, work.job
        with ctx.writing():
            row = groups.get(ctx, job.resource_id)
            members = groups.members(ctx, row.id)
            if not members:
                groups.remove(ctx, row)
                jobs.finish(ctx, job, 'done')
            elif any(member.status == VOLUME.moves['delete'].target for member in members):
                jobs.put_back(ctx, job, group_create.PATIENCE, failed=False)
            else:
                _fail(work, user_messages.NOT_ALL_GONE)
            work.point(f'{KIND}.scheduler.before_commit')
        work.point(f'{KIND}.scheduler.committed')
        if not members:
            LOG.info('Group %s is gone.', row.id)
            notifications.group(ctx, row, 'delete.end')

    def give_up(self, work, reason):
        LOG.error('Group %s cannot be deleted: %s.', work.job.resource_id, reason)
        with work.ctx.writing():
            _fail(work, user_messages.UNKNOWN)


def _fail(work, detail):
    ctx, job = work.ctx, work.job
    transition(ctx, GROUP, job.resource_id, 'delete.fail')
    action = user_messages.DELETE_GROUP
    messages.write(ctx, job, 'GROUP', user_messages.event_id('group', action, detail),
                   user_messages.text(action, detail))
    jobs.finish(ctx, job, 'failed')

# SPDX-License-Identifier: Apache-2.0
"""Giving a volume another type: where it is when that pool offers the type, else by a move, if one may be made."""

from oslo_log import log as logging

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import deadlocks
from blockctl.db import jobs
from blockctl.db import volume_moves
from blockctl.db import volume_retype
from blockctl.db import volumes
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.flows import notifications
from blockctl.flows import volume_migrate
from blockctl.rpc import scheduler as scheduler_rpc
from blockctl.rpc import transport
from blockctl.states import VOLUME

LOG = logging.getLogger(__name__)

KIND = 'volume.retype'

#: Migration policies: whether the volume may be moved for its new type.
NEVER, ON_DEMAND = 'never', 'on-demand'

_EVENTS = {'available': 'retype', 'in-use': 'retype.attached'}


@deadlocks.retried
def retype_volume(ctx, row, spec):
    """Accept that a volume gets another type: its job is committed when this returns.

    ``spec``: a payload (volume_migrate.payload_of) with ``policy`` and ``new_type``, the columns that say the type.
    Raises InvalidState, or OverQuota when the project has no room for it in that type.
    """
    with ctx.writing():
        volume_retype.check_quota(ctx, row, spec['new_type']['volume_type_id'])
        transition(ctx, VOLUME, row.id, _EVENTS[row.status], table.c.volume_type_id == row.volume_type_id,
                   table.c.attach_status == row.attach_status, table.c.size == row.size,
                   table.c.group_id.is_(None), volume_moves.settled())
        job_id = jobs.post(ctx, KIND, row.id, transport.SCHEDULER, spec)
        ctx.app.points('volume.retype.api.before_commit')
    ctx.app.points('volume.retype.api.committed')
    scheduler_rpc.retype_volume(ctx, job_id)


class Schedule:
    """What a scheduler does with the job."""

    def __init__(self, picker):
        self._picker = picker

    def run(self, work):
        with work.ctx.reading():
            row = volumes.get(work.ctx, work.job.resource_id)
            movable = row.attach_status == 'detached' and not volume_moves.has_snapshots(work.ctx, row.id)
        # It has its room where it is: only the rest of the filters matter there.
        here = self._picker.pick(work.ctx, {**work.job.payload, 'size': 0, 'project_id': row.project_id})
        if any(pool.name == row.host for pool in here.pools):
            _change(work, row)
        elif not here.final:
            raise exceptions.BackendUnavailable(reason='services that count as down may just not have beaten yet')
        elif work.job.payload['policy'] == NEVER:
            volume_migrate.fail(work, user_messages.NOT_TO_MOVE)
        elif not movable:
            volume_migrate.fail(work, user_messages.CANNOT_MOVE)
        else:
            volume_migrate.send(work, row, self._picker)

    def give_up(self, work, reason):
        LOG.error('Volume %s keeps its type: %s.', work.job.resource_id, reason)
        volume_migrate.fail(work, user_messages.UNKNOWN)


def _change(work, row):
    """The volume stays where it is and has another type, in one transaction."""
    ctx, job = work.ctx, work.job
    new = job.payload['new_type']
    try:
        with ctx.writing():
            volume_retype.move(ctx, row, new['volume_type_id'])
            transition(ctx, VOLUME, row.id, volume_migrate.end_of(job), table.c.host == row.host, **new)
            jobs.finish(ctx, job, 'done')
            work.point('volume.retype.scheduler.before_commit')
    except volume_retype.FINAL as error:
        LOG.warning('Volume %s keeps its type: %s', row.id, error)
        volume_migrate.fail(work, user_messages.NOT_RETYPED)
        return
    work.point('volume.retype.scheduler.committed')
    LOG.info('Volume %s is of type %s.', row.id, job.payload['volume_type']['name'])
    notifications.volume(ctx, row, 'retype')

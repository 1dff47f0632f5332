# SPDX-License-Identifier: Apache-2.0
"""Giving a volume another type: where it is when that pool offers the type, else by a move, if one may be made.

Where it is, the scheduler does all of it, in one transaction; unless the storage keeps the volume to limits which are
not those of the new type: then its backend sets these first.
"""

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
from blockctl.flows import driver_values
from blockctl.flows import notifications
from blockctl.flows import volume_limits
from blockctl.flows import volume_migrate
from blockctl.jobs import runner
from blockctl.rpc import scheduler as scheduler_rpc
from blockctl.rpc import transport
from blockctl.rpc import volume as volume_rpc
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
                   table.c.project_id == row.project_id,
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
        never = work.job.payload['policy'] == NEVER
        with work.ctx.reading():
            row = volumes.get(work.ctx, work.job.resource_id)
            movable = row.attach_status == 'detached' and not volume_moves.has_snapshots(work.ctx, row.id)
        # It has its room where it is: only the rest of the filters matter there.
        here = self._picker.pick(work.ctx, {**work.job.payload, 'size': 0, 'to': row.host, 'project_id': row.project_id,
                                            'user_id': row.user_id})
        if here and _limits(work, row) == _limits(work):
            _change(work, row, 'scheduler')
        elif here:
            _hand_over(work, row)
        elif not here.final:
            raise exceptions.BackendUnavailable(reason='services that count as down may just not have beaten yet')
        elif never or not movable:
            LOG.warning('Volume %s keeps its type, its pool does not fit the new one: %s', row.id, here.summary())
            volume_migrate.fail(work, user_messages.NOT_TO_MOVE if never else user_messages.CANNOT_MOVE)
        else:
            volume_migrate.send(work, row, self._picker)

    def give_up(self, work, reason):
        LOG.error('Volume %s keeps its type: %s.', work.job.resource_id, reason)
        volume_migrate.fail(work, user_messages.UNKNOWN)


def _limits(work, row=None):
    """What the storage keeps the volume to by the type it has (``row``), or by the one it is to get (None)."""
    type_id = work.job.payload['new_type']['volume_type_id'] if row is None else row.volume_type_id
    return volume_limits.of_type(work.ctx, type_id)


def _hand_over(work, row):
    with work.ctx.writing():
        jobs.hand_over(work.ctx, work.job, volume_rpc.backend_of(row.host))
        work.point('volume.retype.scheduler.before_hand_over')
    work.point('volume.retype.scheduler.handed_over')
    volume_rpc.tell(work.ctx, row.host, 'retype_volume', work.job.id)


class Retype:
    """What a volume service does with the job: fetch the volume, or, where it is, set the limits of its new type.

    When the type cannot be given after all, the limits of the old one are set again: before that is committed, so that
    who dies in between is followed by one that does it.  (Where the backend does not return, either may be left.)
    """

    def run(self, work):
        if 'move_id' in work.job.payload:
            volume_migrate.Migrate().run(work)
            return
        with work.ctx.reading():
            row = volumes.get(work.ctx, work.job.resource_id)
        work.point('volume.retype.volume.before_effect')
        try:
            self._keep(work, row, _limits(work))
        except runner.LATER:
            raise
        except exceptions.BackendError as error:
            LOG.error('Volume %s cannot be kept to the limits of its new type: %s', row.id, error)
            self._refuse(work, row)
            return
        work.point('volume.retype.volume.effected')
        _change(work, row, 'volume', self._refuse)

    def _refuse(self, work, row):
        """Everything as it was."""
        try:
            self._keep(work, row, _limits(work, row))
        except runner.LATER:
            raise
        except exceptions.BackendError as error:
            LOG.error('Volume %s may not be kept to the limits of its type: %s', row.id, error)
        volume_migrate.fail(work, user_messages.NOT_RETYPED)

    def _keep(self, work, row, limits):
        volume_limits.keep(work, driver_values.volume(work.ctx, row), limits)

    def give_up(self, work, reason):
        if 'move_id' in work.job.payload:
            volume_migrate.Migrate().give_up(work, reason)
            return
        LOG.error('Volume %s keeps its type, and may not be kept to its limits: %s.', work.job.resource_id, reason)
        volume_migrate.fail(work, user_messages.NOT_RETYPED)

    def unserved(self, ctx, job):
        """No process serves the backend: the volume stays what it is (jobs/sweeper.py)."""
        volume_migrate.Migrate().unserved(ctx, job)


def _change(work, row, where, refuse=lambda work, row: volume_migrate.fail(work, user_messages.NOT_RETYPED)):
    """The volume stays where it is and has another type, in one transaction.

    ``where``: the kind of process this is; ``refuse(work, row)``: ends the job when the type cannot be given.
    """
    ctx, job = work.ctx, work.job
    new = job.payload['new_type']
    try:
        with ctx.writing():
            volume_retype.move(ctx, row, new['volume_type_id'])
            transition(ctx, VOLUME, row.id, volume_migrate.end_of(job), table.c.host == row.host, **new)
            volume_retype.check_encryption(ctx, row, new['volume_type_id'])
            jobs.finish(ctx, job, 'done')
            work.point(f'{KIND}.{where}.before_commit')
    except volume_retype.FINAL as error:
        LOG.warning('Volume %s keeps its type: %s', row.id, error)
        refuse(work, row)
        return
    work.point(f'{KIND}.{where}.committed')
    LOG.info('Volume %s is of type %s.', row.id, job.payload['volume_type']['name'])
    notifications.volume(ctx, row, 'retype')

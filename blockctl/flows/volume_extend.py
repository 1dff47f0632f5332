# SPDX-License-Identifier: Apache-2.0
"""Extending a volume, and telling the servers that have it."""

import functools

from oslo_log import log as logging
from oslo_utils import uuidutils

from blockctl import capacity
from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import attachments
from blockctl.db import deadlocks
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db import volume_types
from blockctl.db import volumes
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.drivers import interface
from blockctl.flows import change
from blockctl.flows import driver_values
from blockctl.flows import notifications
from blockctl.rpc import volume as volume_rpc
from blockctl.states import VOLUME

LOG = logging.getLogger(__name__)

KIND = 'volume.extend'
TELL = 'volume.extended'


@deadlocks.retried
def extend_volume(ctx, row, size, attached):
    """Accept that a volume grows to ``size`` GiB: quota, room and job are committed together when this returns.

    ``row``: as it was when the request was checked; had it changed since, the request is refused (InvalidState).
    Raises OverQuota, VolumeSizeExceedsLimit or NoRoomToGrow; nothing of it is stored then.
    """
    growth = size - row.size
    with ctx.writing():
        if row.use_quota:
            _take_quota(ctx, row, size)
        if not pools.claim(ctx, row.host, growth, disabled_too=True, limit=_limit(ctx, row)):
            raise exceptions.NoRoomToGrow(volume_id=row.id, growth=growth)
        unchanged = [table.c[name] == getattr(row, name) for name in (
            'project_id', 'size', 'host', 'volume_type_id', 'use_quota')]
        transition(ctx, VOLUME, row.id, 'extend.attached' if attached else 'extend', table.c.growth == 0, *unchanged,
                   growth=growth)
        job_id = jobs.post(ctx, KIND, row.id, volume_rpc.backend_of(row.host), {})
        ctx.app.points('volume.extend.api.before_commit')
    ctx.app.points('volume.extend.api.committed')
    volume_rpc.tell(ctx, row.host, 'extend_volume', job_id)


def _limit(ctx, row):
    """What its pool may be promised where that is less than for others (db/pools.claim)."""
    specs = volume_types.extra_specs(ctx, row.volume_type_id) if row.volume_type_id else {}
    return pools.thick_limit(ctx, row.host) if capacity.is_thick(specs) else None


def _take_quota(ctx, row, size):
    allowed = quotas.limits(ctx, row.project_id)
    limit = allowed['per_volume_gigabytes']
    if limit != quotas.UNLIMITED and size > limit:
        raise exceptions.VolumeSizeExceedsLimit(size=size, limit=limit)
    quotas.reserve(ctx, row.project_id, quotas.growth_deltas(size - row.size, row.volume_type_id), allowed)


class Extend(change.Change):
    """What a volume service does with the job."""

    kind = KIND
    action = user_messages.EXTEND_VOLUME
    detail = user_messages.NOT_EXTENDED
    fails = 'extend.fail'
    event = 'resize'

    @staticmethod
    def notify(ctx, row, event):
        notifications.volume(ctx, row, event, size=row.size + row.growth)

    def effect(self, work, row):
        driver = driver_values.able(work, interface.Extends)
        driver.extend(driver_values.volume(work.ctx, row), row.size + row.growth, work.effect())

    def done(self, work, row, made):
        ctx = work.ctx
        attached = volumes.lock(ctx, row.id).attach_status == 'attached'  # as it is now: they may have changed
        transition(ctx, VOLUME, row.id, 'extend.done.attached' if attached else 'extend.done',
                   size=row.size + row.growth, growth=0)
        servers = sorted({each.instance_id for each in attachments.of_volume(ctx, row.id)
                          if each.attach_status == 'attached' and each.instance_id})
        if not servers or not ctx.app.compute.configured:
            return None
        # A job of its own, not the volume's: nobody has to wait for servers before the volume can be used again.
        job_id = jobs.post(ctx, TELL, uuidutils.generate_uuid(), volume_rpc.backend_of(row.host),
                           {'volume_id': row.id, 'server_ids': servers})
        return functools.partial(volume_rpc.tell, ctx, row.host, 'volume_extended', job_id)

    def failed(self, ctx, job):
        volumes.take_back_growth(ctx, volumes.get(ctx, job.resource_id))


class Tell:
    """What a volume service does with the job that tells servers of a volume's new size.

    Telling them twice does no harm.  What cannot be told is not lost: they see the new size when they start again.
    """

    def run(self, work):
        payload = work.job.payload
        untold = work.ctx.app.compute.volume_extended(payload['server_ids'], payload['volume_id'],
                                                      work.job.global_request_id)
        work.point(f'{TELL}.volume.effected')
        if untold:
            LOG.warning('Volume %s has grown; these servers do not take note of it: %s', payload['volume_id'],
                        ', '.join(untold))
            self.give_up(work, 'servers refuse')
            return
        with work.ctx.writing():
            jobs.finish(work.ctx, work.job, 'done')

    def give_up(self, work, reason):
        LOG.warning('Volume %s has grown, but its servers were not told: %s.', work.job.payload['volume_id'], reason)
        with work.ctx.writing():
            self._give_up(work.ctx, work.job)

    def unserved(self, ctx, job):
        """No process is left to tell them (jobs/sweeper.py)."""
        self._give_up(ctx, job)

    def _give_up(self, ctx, job):
        action, detail = user_messages.EXTEND_VOLUME, user_messages.NOT_TOLD
        messages.write(ctx, job, 'VOLUME', user_messages.event_id('volume', action, detail),
                       user_messages.text(action, detail), job.payload['volume_id'])
        jobs.finish(ctx, job, 'failed')

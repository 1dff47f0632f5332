# SPDX-License-Identifier: Apache-2.0
"""Deleting a volume: a job of one side effect, so a function and not a flow (DESIGN.md section 3)."""

from oslo_db import api as db_api
from oslo_log import log as logging

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.db import volumes
from blockctl.db.columns import utcnow
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.flows import driver_values
from blockctl.flows import notifications
from blockctl.jobs import runner
from blockctl.rpc import volume as volume_rpc
from blockctl.states import VOLUME

LOG = logging.getLogger(__name__)

KIND = 'volume.delete'


@db_api.wrap_db_retry(max_retries=5, retry_on_deadlock=True, retry_interval=0.02, max_retry_interval=0.2)
def delete_volume(ctx, row, force=False):
    """Accept that a volume goes: its job is committed when this returns, or the volume is gone already.

    Raises InvalidState when its state does not allow it (``force`` allows any but an attached one's).
    """
    with ctx.writing():
        event = 'delete.force' if force else 'delete'
        transition(ctx, VOLUME, row.id, event, table.c.attach_status == 'detached',
                   table.c.migration_status.is_(None))
        # A live job here is a creation that is forced to end, or the clean-up of one that had failed.
        to_fence, not_before = jobs.supersede(ctx, row.id)
        row = volumes.get(ctx, row.id)
        if row.host is None:
            volumes.remove(ctx, row)  # no pool has it
            return
        job_id = jobs.post(ctx, KIND, row.id, volume_rpc.backend_of(row.host), {}, to_fence,
                           not_before)
        ctx.app.points('volume.delete.api.before_commit')
    ctx.app.points('volume.delete.api.committed')
    volume_rpc.delete_volume(ctx, row.host, job_id)


class Delete:
    """What a volume service does with the job."""

    def run(self, work):
        ctx = work.ctx
        with ctx.reading():
            row = volumes.get(ctx, work.job.resource_id)
        notifications.volume(ctx, row, 'delete.start')
        work.point(f'{KIND}.volume.before_effect')
        try:
            work.driver.delete(driver_values.volume(ctx, row), work.effect())
        except runner.LATER:
            raise
        except exceptions.BackendError as error:
            LOG.error('Volume %s could not be deleted from %s: %s', row.id, row.host, error)
            self._fail(work)
            return
        work.point(f'{KIND}.volume.effected')
        with ctx.writing():
            volumes.remove(ctx, row)
            jobs.finish(ctx, work.job, 'done')
            work.point(f'{KIND}.volume.before_commit')
        work.point(f'{KIND}.volume.committed')
        LOG.info('Volume %s is deleted from %s.', row.id, row.host)
        notifications.volume(ctx, row, 'delete.end')

    def give_up(self, work, reason):
        LOG.error('Volume %s cannot be deleted: %s.', work.job.resource_id, reason)
        self._fail(work)

    def _fail(self, work):
        with work.ctx.writing():
            _fail(work.ctx, work.job, user_messages.UNKNOWN)
            jobs.finish(work.ctx, work.job, 'failed')

    def unserved(self, ctx, job):
        """No process serves the backend: say so, and leave the job to delete the volume when one does again."""
        if not job.payload.get('stranded'):
            _fail(ctx, job, user_messages.UNSERVED)
            jobs.advance(ctx, job, payload={**job.payload, 'stranded': True},
                         not_before=utcnow(ctx.conf.jobs.retry_interval_max))


def _fail(ctx, job, detail):
    if not job.payload.get('stranded'):
        transition(ctx, VOLUME, job.resource_id, 'delete.fail')
    action = user_messages.DELETE_VOLUME
    messages.write(ctx, job, 'VOLUME', user_messages.event_id('volume', action, detail),
                   user_messages.text(action, detail))

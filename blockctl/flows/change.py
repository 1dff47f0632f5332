# SPDX-License-Identifier: Apache-2.0
"""Jobs of one side effect on a backend: what they have in common (a function, not a flow: DESIGN.md section 3).

The API's half of such an operation is one transaction that moves the resource to its transitional state and posts the
job.  Its backend's half is a :class:`Change`: look at the row, have the driver act, settle in one transaction.
"""

import abc

from oslo_log import log as logging

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.db import volumes
from blockctl.db.columns import utcnow
from blockctl.db.transition import transition
from blockctl.flows import notifications
from blockctl.jobs import runner
from blockctl.states import VOLUME

LOG = logging.getLogger(__name__)


class Change(abc.ABC):
    """What a volume service does with a job of one kind. Subclasses say what is theirs.

    A failure that is certain ends the resource in the target of ``fails``, with a message to its tenant.  One that
    leaves the outcome open (jobs.runner.LATER) passes through: the job is put back.  :meth:`effect` may be repeated at
    any point, by this process or another.

    When no process serves the backend, the resource ends there too, and the job stays: it does its work when the
    backend is back, so :meth:`done` has to come from that state as well.  Whatever changes the resource's status
    meanwhile ends the job first (jobs.supersede).
    """

    kind: str  # of the job, and the beginning of its fault points: 'volume.delete'
    machine = VOLUME
    action: user_messages.Action
    detail = user_messages.UNKNOWN  # what its tenant is told of a failure
    fails: str | None  # the machine's event of a failure; None: nothing moves
    event: str | None = None  # of the notifications, '<event>.start' and '<event>.end'; None: there are none
    notify = staticmethod(notifications.volume)

    # --- what a subclass says
    def read(self, ctx, job):
        """The row (and what else the effect needs), in a transaction that reads."""
        return volumes.get(ctx, job.resource_id)

    @abc.abstractmethod
    def effect(self, work, row):
        """Have ``work.driver`` act, with ``work.effect()`` for each call. What it returns is for :meth:`done`."""

    @abc.abstractmethod
    def done(self, work, row, made):
        """Write what is so now, in the transaction that ends the job. Returns what to call after it, or None."""

    def failing(self, detail):
        """The machine's event of a failure that its tenant is told with ``detail``; None: nothing moves."""
        return self.fails

    def failed(self, ctx, job):  # noqa: B027 (most operations took nothing)
        """Give back what the operation took, in the transaction in which the job ends failed.

        Not before: a job whose backend is away may still do its work, and needs what it took.
        """

    # --- the handler
    def run(self, work):
        ctx = work.ctx
        with ctx.reading():
            row = self.read(ctx, work.job)
        self._tell(ctx, row, 'start')
        work.point(f'{self.kind}.volume.before_effect')
        try:
            made = self.effect(work, row)
        except runner.LATER:
            raise
        except (exceptions.BackendError, exceptions.InvalidRequest) as error:
            LOG.error('%s of %s failed on %s: %s', self.kind, work.job.resource_id, work.job.topic, error)
            unable = isinstance(error, exceptions.BackendUnable)
            self._end_failed(work, user_messages.UNABLE if unable else self.detail)
            return
        work.point(f'{self.kind}.volume.effected')
        with ctx.writing():
            then = self.done(work, row, made)
            jobs.finish(ctx, work.job, 'done')
            work.point(f'{self.kind}.volume.before_commit')
        work.point(f'{self.kind}.volume.committed')
        LOG.info('%s of %s is done on %s.', self.kind, work.job.resource_id, work.job.topic)
        self._tell(ctx, row, 'end')
        if then is not None:
            then()

    def give_up(self, work, reason):
        LOG.error('%s of %s is given up: %s.', self.kind, work.job.resource_id, reason)
        self._end_failed(work, self.detail)

    def unserved(self, ctx, job):
        """No process serves the backend (jobs/sweeper.py): say so, and leave the job for its return."""
        self._settle(ctx, job, user_messages.UNSERVED)
        jobs.advance(ctx, job, payload={**job.payload, 'stranded': True},
                     not_before=utcnow(ctx.conf.jobs.retry_interval_max))

    def _end_failed(self, work, detail):
        with work.ctx.writing():
            self.failed(work.ctx, work.job)
            if not work.job.payload.get('stranded'):
                self._settle(work.ctx, work.job, detail)
            jobs.finish(work.ctx, work.job, 'failed')

    def _settle(self, ctx, job, detail):
        event = self.failing(detail)
        if event:
            transition(ctx, self.machine, job.resource_id, event)
        resource = self.machine.resource
        messages.write(ctx, job, user_messages.resource_type(resource),
                       user_messages.event_id(resource, self.action, detail), user_messages.text(self.action, detail))

    def _tell(self, ctx, row, moment):
        if self.event:
            self.notify(ctx, row, f'{self.event}.{moment}')

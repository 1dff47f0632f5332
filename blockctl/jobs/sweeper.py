# SPDX-License-Identifier: Apache-2.0
"""What has to be done for jobs that nobody can be told of: backends without a process, rows past their use.

Every scheduler runs it; each step is a compare-and-swap on the job, so it does not matter how many do.
"""

import random
import threading

from oslo_log import log as logging

from blockctl import context
from blockctl import exceptions
from blockctl.db import answers
from blockctl.db import jobs as db_jobs
from blockctl.db import messages
from blockctl.db import services as db_services
from blockctl.jobs import runner

LOG = logging.getLogger(__name__)

PURGE_AT_ONCE = 500
FORGET_DEAD = 86400  # seconds a silent process stays in the list of services


class Sweeper:
    """A thread that looks every few sweeps. ``handlers``: {kind of job: handler} of the backends' jobs."""

    def __init__(self, app, beat, handlers):
        self._app = app
        self._beat = beat
        self._handlers = handlers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name='sweeper', daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(5)

    def _run(self):
        interval = self._app.conf.jobs.sweep_interval * 2
        while not self._stop.wait(interval * random.uniform(0.8, 1.2)):
            try:
                self.sweep()
            except exceptions.DatabaseUnavailable:
                LOG.warning('No sweep: the database cannot be reached.')
            except Exception:
                LOG.exception('A sweep failed.')

    def sweep(self):
        """Once."""
        conf = self._app.conf
        ctx = context.Context(self._app, overwrite=True)
        with ctx.reading():
            alive = db_services.alive(ctx, 'cinder-volume', conf.service_down_time)
            waiting = db_jobs.unserved(ctx, conf.service_down_time, alive)
            old = db_jobs.unserved(ctx, conf.jobs.unserved_timeout, alive)
        old_ids = {job.id for job in old}
        # After an outage of the database every backend seems to have no process.
        for job in waiting if self._beat.silence_counts else ():
            if (job.started_at is None and job.direction == db_jobs.DO) or job.id in old_ids:
                self._settle(job)
        with ctx.writing():
            db_jobs.purge(ctx, conf.jobs.keep_finished, PURGE_AT_ONCE)
            messages.purge_expired(ctx, PURGE_AT_ONCE)
            db_services.forget_dead(ctx, FORGET_DEAD)
            answers.forget_stale(ctx)

    def _settle(self, row):
        handler = self._handlers.get(row.kind)
        if handler is None or row.payload.get('stranded'):
            return
        ctx = runner.job_context(self._app, row)
        with ctx.writing():
            job = db_jobs.seize(ctx, row)
            if job is not None:
                LOG.warning('No process serves %s; job %s (%s) is settled without it.', row.topic, row.id, row.kind)
                handler.unserved(ctx, job)

# SPDX-License-Identifier: Apache-2.0
"""Works on the jobs of one topic: claims one whenever a slot is free, runs its handler, settles what came of it.

A runner learns of jobs by :meth:`Runner.ring` (a message arrived) and by sweeping the table, at start and every few
seconds: the message is a hint, the row is the truth.  It never keeps claimed jobs waiting in memory.
"""

import collections
import concurrent.futures
import random
import threading
import time

from oslo_db import exception as db_exception
from oslo_log import log as logging

from blockctl import context
from blockctl import exceptions
from blockctl.db import jobs as db_jobs
from blockctl.rpc import scheduler as scheduler_rpc

LOG = logging.getLogger(__name__)

# More rings than this and a sweep finds the rest.
MOST_HINTS = 1000

# Seconds after which a job is looked at again whose resource another thread of this process is still at work on.
BUSY = 1.0

#: Errors after which the job is simply tried again later, on the same backend: the outcome is unknown.
LATER = (exceptions.BackendTimeout, exceptions.BackendUnavailable, exceptions.BackendBusy)

#: Errors that mean the database is in the way: nothing can be written about the job now.
DATABASE = (exceptions.DatabaseUnavailable, db_exception.DBError)


class Work:
    """One claimed job in the hands of one thread: what a handler gets."""

    def __init__(self, ctx, job, lease, driver=None, peers=None):
        self.ctx = ctx
        self.job = job
        self.lease = lease
        self.driver = driver
        self._peers = peers or {}

    def peer(self, backend):
        """The driver of another backend (host@backend) that this process serves too, or None. Only to read by."""
        return self._peers.get(backend)

    def effect(self):
        """A call to the driver comes next. Returns what it asks before each of its effects."""
        self.lease.enter(self.driver.conf.backend_call_timeout)
        return self.lease

    def advance(self, **values):
        """Write to the job, in the transaction under way. Raises LeaseLost."""
        self.job = db_jobs.advance(self.ctx, self.job, **values)

    def point(self, name):
        self.ctx.app.points(name)


class Runner:
    """``handlers``: {kind of job: handler}; a handler has ``run(work)`` and ``give_up(work, reason)``.

    ``driver``: of the backend whose topic this is, None for the scheduler; ``peers``: {host@backend: driver} of all
    that the process serves.
    """

    def __init__(self, app, beat, topic, handlers, slots, driver=None, peers=None):
        self._app = app
        self._beat = beat
        self.topic = topic
        self._handlers = handlers
        self._slots = slots
        self._driver = driver
        self._peers = peers
        self._wake = threading.Condition()
        self._hints = collections.OrderedDict()
        self._running = {}
        self._resources = set()
        self._sweep_at = 0.0
        self._stopping = False
        self._pool = concurrent.futures.ThreadPoolExecutor(slots, thread_name_prefix=f'job-{topic}')
        self._thread = threading.Thread(target=self._dispatch, name=f'runner-{topic}', daemon=True)

    def start(self):
        self._thread.start()

    def ring(self, job_id):
        """A message says that this job is there. Never blocks."""
        with self._wake:
            if len(self._hints) < MOST_HINTS:
                self._hints[job_id] = True
            else:
                self._sweep_at = 0.0
            self._wake.notify()

    def stop(self, grace):
        """Claim no more; wait up to ``grace`` seconds for what is under way. Returns whether all of it ended."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(grace)
        end = time.monotonic() + grace
        with self._wake:
            while self._running and time.monotonic() < end:
                self._wake.wait(end - time.monotonic())
            left = list(self._running)
        self._pool.shutdown(wait=not left, cancel_futures=True)
        if left:
            LOG.warning('%d jobs did not end within %s s; another process takes them over: %s',
                        len(left), grace, ', '.join(left))
        return not left

    # --- the dispatching thread
    def _dispatch(self):
        while True:
            with self._wake:
                job_id = self._next()
                if self._stopping:
                    return
                if job_id is not None:
                    self._running[job_id] = True
            if job_id is not None:
                self._pool.submit(self._take, job_id)
            elif time.monotonic() >= self._sweep_at:
                self._sweep()

    def _next(self):
        """Wait for a free slot and a hint, or for the time to sweep (then None). Called with the condition held."""
        while not self._stopping:
            free = len(self._running) < self._slots
            if free:
                while self._hints:
                    job_id, _ = self._hints.popitem(last=False)
                    if job_id not in self._running:
                        return job_id
                if time.monotonic() >= self._sweep_at:
                    return None
                self._wake.wait(self._sweep_at - time.monotonic())
            else:
                self._wake.wait()
        return None

    def _sweep(self):
        """Find jobs that nobody told us of: a message was lost, an owner died, a pause is over."""
        interval = self._app.conf.jobs.sweep_interval
        self._sweep_at = time.monotonic() + interval * random.uniform(0.8, 1.2)
        ctx = self._context()
        with self._wake:
            running = list(self._running)
            free = self._slots - len(running)
        try:
            with ctx.reading():
                found = db_jobs.due(ctx, self.topic, free, running)
        except Exception as error:
            LOG.warning('Could not look for jobs of %s: %s', self.topic, error)
            return
        with self._wake:
            for job_id in found:
                self._hints.setdefault(job_id, True)
            if len(found) == free:  # there may be more: look again as soon as a slot is free
                self._sweep_at = 0.0

    def _context(self):
        return context.Context(self._app, overwrite=True)

    # --- a slot's thread
    def _take(self, job_id):
        again = False
        try:
            again = self._claim_and_run(job_id)
        except Exception:
            LOG.exception('Job %s could not be worked on.', job_id)
        finally:
            with self._wake:
                self._running.pop(job_id, None)
                if again:
                    self._hints[job_id] = True
                self._wake.notify_all()

    def _claim_and_run(self, job_id):
        """Returns whether the job should be claimed again at once."""
        ctx = self._context()
        try:
            identity = self._driver.identity() if self._driver else ''
            expires = self._beat.began()
            with ctx.writing():
                job = db_jobs.claim(ctx, job_id, [self.topic], self._beat.incarnation, self._beat.lease_seconds,
                                    identity)
        except (*LATER, *DATABASE) as error:
            LOG.warning('Could not claim job %s: %s', job_id, error)
            return False
        if job is None:
            return False
        ctx = job_context(self._app, job)
        lease = self._beat.hold(job, expires)
        with self._wake:
            # A job that was superseded may still be in the hands of another thread here: its successor waits for it.
            busy = job.resource_id in self._resources
            self._resources.add(job.resource_id)
        work = Work(ctx, job, lease, self._driver, self._peers)
        work.point(f'{job.kind}.{self._where}.claimed')
        try:
            if busy:
                self._settle(work, db_jobs.put_back, BUSY, False)
                return False
            again = self._run(work, identity)
            self._tell_who_waits(work)
            return again
        finally:
            self._beat.drop(lease)
            if not busy:
                with self._wake:
                    self._resources.discard(job.resource_id)

    @property
    def _where(self):
        return 'volume' if self._driver else 'scheduler'

    def _run(self, work, identity):
        job = work.job
        handler = self._handlers.get(job.kind)
        if handler is None:
            LOG.error('Job %s is of an unknown kind, %s.', job.id, job.kind)
            self._settle(work, db_jobs.put_back, self._app.conf.jobs.retry_interval_max, True)
            return False
        try:
            self._fence(work, identity)
            reason = self._hopeless(work.job)
            if reason:
                handler.give_up(work, reason)
            else:
                handler.run(work)
        except exceptions.LeaseLost as error:
            LOG.warning('%s Another worker goes on with it.', error)
        except DATABASE as error:
            LOG.warning('Job %s (%s) stops for now: %s', job.id, job.kind, str(error).partition('\n')[0])
            return self._give_back_until_heard(work)
        except LATER as error:
            LOG.warning('Job %s (%s) is put back: %s', job.id, job.kind, error)
            self._settle(work, db_jobs.put_back, self._pause(work.job), True)
        except Exception as error:
            if self._settle(work, db_jobs.put_back, self._pause(work.job), True):
                LOG.exception('Job %s (%s) failed where no failure is expected; it is tried again.', job.id, job.kind)
            else:  # a late worker finds its volume available, or gone: the one that took over has finished
                LOG.warning('Job %s (%s) stops, another worker has it: %s', job.id, job.kind, error)
        return False

    def _tell_who_waits(self, work):
        """Have the job of the resource that waits for this one look again (its sweep would find it later)."""
        waiting = work.job.payload.get('awaited_by')
        if waiting:
            with work.ctx.writing():
                job_id = db_jobs.hurry(work.ctx, waiting)
            if job_id is not None:
                scheduler_rpc.look_again(work.ctx, job_id)

    def _fence(self, work, identity):
        """Cut former owners off before any effect of ours (DESIGN.md section 5, claim and fence)."""
        if not work.job.to_fence or self._driver is None:
            return
        for former in work.job.to_fence:
            if former != identity:  # our own earlier claim: its thread has ended, or the job would not be ours
                LOG.info('Job %s is taken over; fencing off %s.', work.job.id, former)
                self._driver.fence(former)
        work.point(f'{work.job.kind}.{self._where}.fenced')
        with work.ctx.writing():
            work.advance(to_fence=[])

    def _hopeless(self, job):
        conf = self._app.conf.jobs
        if job.takeovers >= conf.takeovers_max:
            return f'its worker died {job.takeovers} times'
        if job.failing_since is not None:
            ctx = self._context()
            with ctx.reading():
                seconds = db_jobs.failing_for(ctx, job)
            if seconds > conf.retry_timeout:
                return f'its backend has not answered for {seconds:.0f} s'
        return None

    def _pause(self, job):
        longest = self._app.conf.jobs.retry_interval_max
        return min(longest, 0.5 * 2 ** min(job.tries, 10)) * random.uniform(0.5, 1.0)

    def _settle(self, work, write, *args):
        """Returns False when the job turns out to be another worker's."""
        try:
            with work.ctx.writing():
                write(work.ctx, work.job, *args)
        except exceptions.LeaseLost:
            return False
        except DATABASE:
            self._give_back_until_heard(work)
        return True

    def _give_back_until_heard(self, work):
        """The database is away: go on trying to give the job back while our lease lasts, then let it run out.

        Giving it back counts as no takeover, so an outage does not look like a job that kills its workers.
        Returns whether it was given back.
        """
        while time.monotonic() < work.lease.deadline and not self._stopping:
            try:
                with work.ctx.writing():
                    db_jobs.put_back(work.ctx, work.job, 0, False)
                return True
            except exceptions.LeaseLost:
                return False
            except DATABASE:
                # The condition is only a clock here that stop() can cut short.
                with self._wake:
                    self._wake.wait(random.uniform(0.5, 1.5))
        return False


def job_context(app, job):
    """The context of a job: of the user who asked, without a token, which never outlives its request."""
    return context.Context(
        app, user_id=job.user_id, project_id=job.project_id, roles=job.roles, request_id=job.request_id,
        global_request_id=job.global_request_id, overwrite=True)

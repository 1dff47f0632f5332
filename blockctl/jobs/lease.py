# SPDX-License-Identifier: Apache-2.0
"""Leases: who may act on a job, and for how long, told by the monotonic clock.

One :class:`Beat` per process renews the leases of all jobs it works on and says that the process lives.  A lease is
renewed only while the job's current step is within its own bound: a beating thread must not vouch for a hung call.
"""

import threading
import time

from oslo_log import log as logging

from blockctl import exceptions
from blockctl.db import jobs as db_jobs
from blockctl.db import services as db_services
from blockctl.jobs import incarnation

LOG = logging.getLogger(__name__)


class Lease:
    """One claimed job's right to act; what drivers get as ``effect``."""

    def __init__(self, job, expires, step_timeout):
        self.job_id = job.id
        self.epoch = job.epoch
        self.identity = job.identity  # what a successor fences off; a driver acts under no other
        self.lost = False
        self.done = None  # progress, 0 to 1
        self._step_timeout = step_timeout
        self._bound = 0
        self.expires = expires
        self.deadline = time.monotonic() + step_timeout

    def enter(self, bound):
        """A step begins whose single effects take ``bound`` seconds at most."""
        self._bound = bound
        self.deadline = time.monotonic() + max(bound, self._step_timeout)

    def check(self):
        """Raise LeaseLost unless the lease outlasts the bound of the step's next effect."""
        if self.lost or time.monotonic() + self._bound >= self.expires:
            raise exceptions.LeaseLost(job_id=self.job_id)

    def progress(self, done):
        """The step moves on: its no-progress bound starts anew."""
        self.done = done
        self.deadline = time.monotonic() + max(self._bound, self._step_timeout)


class Beat:
    """The thread that keeps this process's row and its leases fresh."""

    def __init__(self, ctx, process):
        self._ctx = ctx
        self._process = process
        self.incarnation = process['incarnation']
        self.lease_seconds = ctx.conf.jobs.lease
        self._step_timeout = ctx.conf.jobs.step_timeout
        self._interval = min(ctx.conf.report_interval, self.lease_seconds / 4)
        self._down_time = ctx.conf.service_down_time
        self._beaten = _clocks()
        self._steady_since = time.monotonic()
        self._services = {}
        self._leases = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name='beat', daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        """Stop beating and take the process's rows away, so that others need not wait for its silence.

        A process that still holds jobs leaves its rows: they let others see that it is dead, and take the jobs over.
        """
        self._stop.set()
        self._thread.join(5)
        if self._leases:
            return
        try:
            with self._ctx.writing():
                db_services.leave(self._ctx, self.incarnation)
        except exceptions.DatabaseUnavailable:
            LOG.warning('Could not sign off from the database; the process will be forgotten after its silence.')

    def serve(self, ctx, binary, host, zone, cluster=None):
        """Register a service that this process runs, until the process stops. Returns the service's id.

        ``cluster``: what it is called together with others that serve the same, or None.
        """
        with ctx.writing():
            service_id = db_services.register(ctx, binary, host, zone, self._process, cluster)
        with self._lock:
            self._services[binary, host] = zone, cluster
        return service_id

    @property
    def services(self):
        """[(binary, host)] of what this process runs."""
        with self._lock:
            return sorted(self._services)

    def began(self):
        """The moment to count a lease from: taken before its claim, so that it never seems longer than it is."""
        return time.monotonic() + self.lease_seconds

    def hold(self, job, expires):
        """Look after the lease of a job just claimed."""
        lease = Lease(job, expires, self._step_timeout)
        with self._lock:
            self._leases[job.id] = lease
        return lease

    def drop(self, lease):
        """The job is over, for this worker."""
        with self._lock:
            self._leases.pop(lease.job_id, None)

    @property
    def silence_counts(self):
        """Whether a process that has not beaten for ``service_down_time`` is gone.

        Not while this one could not beat either, nor until the others had their time to beat again: the database was
        away, the machines slept, or all of the installation is just starting.
        """
        return not self._missed_a_beat() and time.monotonic() - self._steady_since > self._down_time

    def _missed_a_beat(self):
        return max(now - then for now, then in zip(_clocks(), self._beaten, strict=True)) > self._down_time / 2

    def _run(self):
        pause = 0.0  # at once: a service restarted after a crash should not wait for its own dead self
        while not self._stop.wait(pause):
            pause = self._interval
            try:
                self.beat()
            except exceptions.DatabaseUnavailable:
                LOG.warning('No beat: the database cannot be reached.')
            except Exception:
                LOG.exception('A beat failed.')

    def _reap(self):
        """Let nobody wait for the leases of processes of this machine that are dead: they were killed, say."""
        with self._ctx.reading():
            machine = self._process['machine']
            others = db_services.processes_on(self._ctx, machine, self.incarnation)
        dead = {process.incarnation for process in others if incarnation.is_dead(process)}
        for name in dead:
            with self._ctx.writing():
                freed = db_jobs.expire(self._ctx, name)
                db_services.leave(self._ctx, name)
            LOG.warning('Process %s of this machine is dead; %d jobs it held can be taken over.', name, freed)

    def beat(self):
        """Once: renew what is vouched for, and say that the process lives."""
        expires = self.began()
        now = time.monotonic()
        with self._lock:
            leases = {lease.job_id: lease for lease in self._leases.values() if not lease.lost}
            services = dict(self._services)
        if not leases and not services:
            return  # nothing is served (yet): an API worker, a service that is starting
        vouched = {i: lease for i, lease in leases.items() if now < lease.deadline}
        for job_id in leases.keys() - vouched.keys():
            LOG.warning('Job %s shows no progress; its lease is not renewed.', job_id)
        self._reap()
        with self._ctx.writing():
            if vouched:
                lost = db_jobs.renew(self._ctx, self.incarnation, {i: v.epoch for i, v in vouched.items()},
                                     self.lease_seconds)
            if services and db_services.beat(self._ctx, self.incarnation) < len(services):
                for (binary, host), (zone, cluster) in services.items():
                    db_services.register(self._ctx, binary, host, zone, self._process, cluster)
        if self._missed_a_beat():
            self._steady_since = time.monotonic()
        self._beaten = _clocks()
        for job_id, lease in vouched.items():
            if job_id in lost:
                lease.lost = True
                LOG.warning('Job %s has been taken over.', job_id)
            else:
                lease.expires = expires


def _clocks():
    """Both kinds: a machine that slept may have stopped its monotonic clock."""
    return time.monotonic(), time.time()

# SPDX-License-Identifier: Apache-2.0
"""The volume service: for each backend a driver, a runner with a pool of threads of its own, and an ear on the bus.

A backend that cannot be reached, or hangs, costs its own threads only; it is tried again until it answers, and
meanwhile counts as down, as no process serves it.
"""

import random
import threading

from oslo_log import log as logging
from stevedore import driver as stevedore_driver

from blockctl import conf as configuration
from blockctl import context
from blockctl import exceptions
from blockctl.conf import backend as backend_options
from blockctl.db import services as db_services
from blockctl.flows import handlers
from blockctl.jobs import incarnation
from blockctl.jobs import runner
from blockctl.rpc import transport
from blockctl.volume import endpoint
from blockctl.volume import reports

LOG = logging.getLogger(__name__)

BINARY = 'cinder-volume'  # what clients know it by
RETRY_MAX = 30  # seconds between two tries to reach a backend
#: What part of a lease a call to a backend may take: a quarter may have gone when it begins (jobs/lease.py).
LONGEST_CALL = 3 / 4


class Service:
    """All backends of one process."""

    def __init__(self, app, beat):
        names = app.conf.enabled_backends
        if not names:
            raise exceptions.ConfigurationError(reason='enabled_backends names no backend')
        drivers = {}  # of all backends, by their topics: one may read what another has
        self._backends = [Backend(app, beat, name, drivers) for name in names]

    def start(self):
        for backend in self._backends:
            backend.start()

    def stop(self, grace):
        """Whether everything in hand ended within ``grace`` seconds. All backends stop at the same time."""
        stoppers = [threading.Thread(target=backend.stop, args=(grace,)) for backend in self._backends]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join()
        return all(backend.idle for backend in self._backends)


class Backend:
    """One section of the configuration, served by this process."""

    def __init__(self, app, beat, name, drivers):
        self._app = app
        self._beat = beat
        self._driver, self.section = load_driver(app.conf, name)
        _check_bounds(app.conf.jobs.lease, self.section.backend_call_timeout, name)
        self._topic = self.section.host
        drivers[self._topic] = self._driver
        self._runner = runner.Runner(app, beat, self._topic, handlers.BACKEND,
                                     self.section.backend_native_threads_pool_size, self._driver, drivers)
        self._server = transport.Server(app.bus, self._topic, endpoint.Endpoint(self._runner))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f'backend-{name}', daemon=True)
        self._serving = False
        self.idle = True

    def start(self):
        self._thread.start()

    def stop(self, grace):
        """Claim nothing more, finish what is in hand, let go of the backend."""
        self._stopping.set()
        if self._serving:
            self._server.stop()
            self.idle = self._runner.stop(grace)
        self._thread.join(5)
        if self._serving and self.idle:
            self._driver.stop()

    def _run(self):
        if not self._connect():
            return
        ctx = context.Context(self._app, overwrite=True)
        self._serving = True
        self._runner.start()
        self._server.start()
        interval = self._app.conf.backend_stats_polling_interval
        while not self._stopping.wait(interval * random.uniform(0.9, 1.1)):
            self._report(ctx)

    def _connect(self):
        """Reach the backend, register, report; again and again until it works or the process stops."""
        pause = 0.5
        while not self._stopping.is_set():
            try:
                self._driver.start()
                ctx = context.Context(self._app, overwrite=True)
                self._refuse_second_machine(ctx)
                self._service_id = self._beat.serve(ctx, BINARY, self.section.service_host, self.section.zone,
                                                    self.section.cluster_name)
                reports.store(ctx, self.section, self._service_id, self._driver)
                LOG.info('Backend %s is served.', self._topic)
                return True
            except exceptions.ConfigurationError as error:
                LOG.error('Backend %s: %s', self._topic, error)
                return False
            except Exception as error:
                LOG.warning('Backend %s cannot be served yet: %s', self._topic, error)
            self._stopping.wait(pause)
            pause = min(RETRY_MAX, pause * 2)
        return False

    def _refuse_second_machine(self, ctx):
        if self._driver.any_machine:
            return
        with ctx.reading():
            others = db_services.others_elsewhere(ctx, BINARY, self._topic, incarnation.machine(),
                                                  self._app.conf.service_down_time)
        if others:
            # Tried again like a backend that is away: the other may have stopped for good a moment ago.
            raise exceptions.BackendUnavailable(
                reason='it is served on another machine, and its driver works only on the one that has the storage')

    def _report(self, ctx):
        try:
            reports.store(ctx, self.section, self._service_id, self._driver)
        except Exception as error:
            LOG.warning('Backend %s could not be looked at: %s', self._topic, error)


def options_of(conf, name):
    """Every option that the section of a backend may have. Raises ConfigurationError."""
    driver, _ = load_driver(conf, name)
    return [*backend_options.OPTIONS, *driver.options()]


def _check_bounds(lease, bound, name):
    """Raises ConfigurationError: no job could ever be sure that its lease outlasts a call, and all would fail."""
    if bound > lease * LONGEST_CALL:
        raise exceptions.ConfigurationError(
            reason=f'[{name}] backend_call_timeout is {bound:g} s, and must be at most three quarters of [jobs] lease, '
                   f'which is {lease:g} s')


def load_driver(conf, name):
    """(driver, section) of a backend by its section's name. Raises ConfigurationError."""
    short_name = configuration.backend_group(conf, name, ()).volume_driver
    try:
        cls = stevedore_driver.DriverManager('blockctl.drivers.volume', short_name).driver
    except Exception as error:
        raise exceptions.ConfigurationError(
            reason=f'[{name}] volume_driver = {short_name}: {error}') from error
    section = configuration.backend_group(conf, name, cls.options())
    return cls(section, section.host), section

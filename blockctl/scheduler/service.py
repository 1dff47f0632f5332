# SPDX-License-Identifier: Apache-2.0
"""The scheduler service: a runner of its jobs, an ear on the bus, and the duties any scheduler may do for all."""

from oslo_log import log as logging

from blockctl import context
from blockctl.flows import handlers
from blockctl.jobs import runner
from blockctl.jobs import sweeper
from blockctl.rpc import transport
from blockctl.scheduler import endpoint
from blockctl.scheduler import pick
from blockctl.scheduler import pools

LOG = logging.getLogger(__name__)

BINARY = 'cinder-scheduler'  # what clients know it by


class Service:
    """Start and stop; any number of them may run anywhere."""

    def __init__(self, app, beat):
        self._app = app
        self._beat = beat
        picker = pick.Picker(app.conf, pools.Pools(), beat)
        self._runner = runner.Runner(app, beat, transport.SCHEDULER, handlers.scheduler(picker),
                                     app.conf.jobs.scheduler_slots)
        self._sweeper = sweeper.Sweeper(app, beat, handlers.BACKEND)
        self._server = transport.Server(app.bus, transport.SCHEDULER, endpoint.Endpoint(self._runner))

    def start(self):
        conf = self._app.conf
        self._beat.serve(context.Context(self._app), BINARY, conf.host, conf.storage_availability_zone)
        self._runner.start()
        self._server.start()
        self._sweeper.start()

    def stop(self, grace):
        """Whether everything in hand ended within ``grace`` seconds."""
        self._server.stop()
        self._sweeper.stop()
        return self._runner.stop(grace)

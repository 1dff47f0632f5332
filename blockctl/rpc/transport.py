# SPDX-License-Identifier: Apache-2.0
"""The message bus: oslo.messaging, on this process's own configuration.

Messages carry a job's id and the name of an operation, or what an administrator wants to know of processes
(processes.py); secrets and tenants' requests never travel (DESIGN.md section 4).
"""

import contextlib
import threading

from oslo_log import log as logging
from stevedore import driver

LOG = logging.getLogger(__name__)

SCHEDULER = 'scheduler'  # the topic of every scheduler; a backend's is host@backend
PROCESSES = 'processes'  # the topic of every process
LISTENING = 5  # seconds in which a server listens that was just started
EXCHANGE = 'blockctl'
_ONCE = threading.Lock()
_ON_THE_BUS = 'blockctl-%s'


class Bus:
    """This process's way to the message bus, made when first needed.

    oslo.messaging takes a quarter of a second to import and to connect; no request and no start waits for that.
    """

    def __init__(self, conf, url=None):
        self.conf = conf
        self._url = url  # None: transport_url of the configuration
        self._lock = threading.Lock()
        self._transport = None

    @property
    def transport(self):
        with self._lock:
            if self._transport is None:
                self._transport = _make(self.conf, self._url)
            return self._transport

    def sender(self):
        """A function ``send(topic, operation, job_id)`` for the doorbell's thread; it may block or raise."""
        oslo_messaging = library()
        client = oslo_messaging.get_rpc_client(
            self.transport, oslo_messaging.Target(exchange=EXCHANGE), retry=0)

        to = {}  # a client prepared for each topic

        def send(topic, operation, job_id):
            if topic not in to:
                to[topic] = client.prepare(topic=_ON_THE_BUS % topic)
            to[topic].cast({}, operation, job_id=job_id)

        return send

    def announcer(self):
        """A function ``send(topic, operation, arguments)`` that reaches every listener; it may block or raise."""
        oslo_messaging = library()
        client = oslo_messaging.get_rpc_client(
            self.transport, oslo_messaging.Target(exchange=EXCHANGE), retry=0)

        def send(topic, operation, arguments):
            client.prepare(topic=_ON_THE_BUS % topic, fanout=True).cast({}, operation, **arguments)

        return send

    def preload(self):
        """Import what the configured bus needs, without connecting. What is wrong with it is said when it is used."""
        oslo_messaging = library()
        with contextlib.suppress(RuntimeError, oslo_messaging.MessagingException):
            kind = oslo_messaging.TransportURL.parse(self.conf, self._url).transport
            driver.DriverManager('oslo.messaging.drivers', kind.partition('+')[0])

    def close(self):
        if self._transport is not None:
            self._transport.cleanup()


def library():
    """oslo.messaging, imported late. Its server part wants oslo.service, told here to be of threads."""
    from oslo_service import backend

    with _ONCE:
        if backend.get_backend_type() is None:
            backend.init_backend(backend.BackendType.THREADING)
    import oslo_messaging

    return oslo_messaging


def response_timeout(conf):
    """Seconds a request waits for what a service does for it: the library's own ``rpc_response_timeout``."""
    library()
    from oslo_messaging.rpc import client

    conf.register_opts(client._client_opts)  # noqa: SLF001 - it has no other name
    return conf.rpc_response_timeout


def notification_drivers(conf):
    """What [oslo_messaging_notifications] driver names: nothing, where nobody is to be told."""
    library()
    from oslo_messaging.notify import notifier

    conf.register_opts(notifier._notifier_opts, 'oslo_messaging_notifications')  # noqa: SLF001 - it has no other name
    return conf.oslo_messaging_notifications.driver


def notification_transport(conf):
    """The way to those who listen to notifications, which may be another bus than the services'."""
    _register_missing(conf)
    return library().get_notification_transport(conf)


def _make(conf, url):
    _register_missing(conf)
    return library().get_rpc_transport(conf, url=url, allowed_remote_exmods=['blockctl.exceptions'])


def _register_missing(conf):
    """Register what oslo.messaging registers on cfg.CONF only, and without which every call fails."""
    library()
    from oslo_messaging._metrics import client as metrics
    from oslo_messaging._tracing import client as tracing

    conf.register_opts(metrics.oslo_messaging_metrics, 'oslo_messaging_metrics')
    conf.register_opts(tracing.oslo_messaging_tracing, 'oslo_messaging_tracing')


class Server:
    """Listens to one topic. Starts in the background: a bus that is away keeps no service from starting."""

    def __init__(self, bus, topic, endpoint):
        self._bus = bus
        self._topic = topic
        self._endpoint = endpoint
        self._server = None
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._start, name=f'rpc-{topic}', daemon=True)

    def start(self):
        self._thread.start()

    def wait(self, seconds):
        """Whether it listens, after ``seconds`` at most."""
        return self._listening.wait(seconds)

    def _start(self):
        oslo_messaging = library()
        conf = self._bus.conf
        try:
            target = oslo_messaging.Target(exchange=EXCHANGE, topic=_ON_THE_BUS % self._topic,
                                           server=conf.host)
            self._server = oslo_messaging.get_rpc_server(self._bus.transport, target, [self._endpoint])
            # Endpoints only note an id and return: two threads are plenty.
            self._server.start(override_pool_size=2)
            self._listening.set()
        except Exception:
            LOG.exception('Cannot listen to %s; jobs are found by sweeping.', self._topic)

    def stop(self, seconds=3):
        """Stop listening; a bus that does not answer keeps the process for ``seconds`` at most."""
        if not self._listening.is_set():
            return
        stopper = threading.Thread(target=self._stop, daemon=True)
        stopper.start()
        stopper.join(seconds)

    def _stop(self):
        self._server.stop()
        self._server.wait()

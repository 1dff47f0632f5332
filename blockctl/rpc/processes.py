# SPDX-License-Identifier: Apache-2.0
"""What can be asked of every process: each hears each question, and answers for the services that it runs.

Questions and answers are fan-outs of one topic, so no queue outlives the process that listens to it.  They are hints
like all messages: who does not answer within the time is left out.
"""

import queue
import threading
import time

from oslo_log import log as logging
from oslo_utils import uuidutils

from blockctl import log_levels
from blockctl.rpc import transport

LOG = logging.getLogger(__name__)

MOST = 100  # messages that wait to be sent; more are dropped


class Processes:
    """This process's ear and mouth among all. Nothing is sent or heard before :meth:`start`."""

    def __init__(self, bus):
        self._bus = bus
        self._incarnation = None
        self._services = list
        self._server = transport.Server(bus, transport.PROCESSES, Endpoint(self))
        self._questions = {}  # id -> {incarnation: rows}
        self._answered = threading.Condition()
        self._outbox = queue.Queue(MOST)
        self._sender = threading.Thread(target=self._send, name='processes', daemon=True)

    def start(self, incarnation, services):
        """Listen. ``services()``: [(binary, host)] that this process, known as ``incarnation``, runs by then."""
        self._incarnation, self._services = incarnation, services
        self._server.start()

    def stop(self):
        """Stop listening, in the background: it takes the bus a second, which nobody needs to wait for."""
        threading.Thread(target=self._server.stop, name='processes-stop', daemon=True).start()

    # --- asking
    def log_levels(self, binary, host, prefix, level, expected, seconds):
        """Have the processes of services say, and set before (unless ``level`` is None), what their loggers tell.

        ``binary`` and ``host``: which services; None is any, a host is so with all its backends.  ``expected``:
        incarnations that are waited for, for ``seconds`` at most.  Returns {incarnation: [(binary, host, levels)]} of
        those that answered.
        """
        question = uuidutils.generate_uuid()
        wanted = {'binary': binary, 'host': host, 'prefix': prefix, 'level': level}
        end = time.monotonic() + seconds
        here = self._rows(**wanted)
        with self._answered:
            self._questions[question] = {}
        try:
            self._post('log_levels', question=question, asker=self._incarnation, **wanted)
            with self._answered:
                answers = self._questions[question]
                while expected - {self._incarnation} - answers.keys() and time.monotonic() < end:
                    self._answered.wait(end - time.monotonic())
                return ({self._incarnation: here} if here else {}) | answers
        finally:
            with self._answered:
                del self._questions[question]

    # --- being asked
    def asked(self, question, asker, **wanted):
        """Another process asks; one that runs no such service keeps silent."""
        rows = self._rows(**wanted) if asker != self._incarnation else []
        if rows:
            self._post('answer', question=question, process=self._incarnation, rows=rows)

    def heard(self, question, process, rows):
        """Another process answers, perhaps to somebody else, or too late."""
        with self._answered:
            if question in self._questions:
                self._questions[question][process] = [tuple(row) for row in rows]
                self._answered.notify_all()

    def _rows(self, binary, host, prefix, level):
        rows = [service for service in self._services() if binary in (None, service[0])
                and (host is None or service[1] == host or service[1].startswith(f'{host}@'))]
        if rows and level is not None:
            LOG.info('Loggers that begin with %r tell %s and above from now on.', prefix, level)
            log_levels.change(prefix, level)
        return [(*service, log_levels.levels(prefix)) for service in rows]

    # --- the sending thread: the bus may block for long
    def _post(self, operation, **arguments):
        try:
            self._outbox.put_nowait((operation, arguments))
        except queue.Full:
            LOG.warning('A message to all processes is dropped: too many wait to be sent.')
            return
        with self._answered:
            if self._sender.ident is None:
                self._sender.start()

    def _send(self):
        send = None
        while True:
            operation, arguments = self._outbox.get()
            try:
                send = send or self._bus.announcer()
                self._server.wait(transport.LISTENING)  # else the answers might come before there is an ear for them
                send(transport.PROCESSES, operation, arguments)
            except Exception as error:
                LOG.warning('The processes cannot be reached: %s', error)


class Endpoint:
    """RPC methods of every process."""

    def __init__(self, processes):
        self._processes = processes

    def log_levels(self, ctxt, question, asker, binary, host, prefix, level):
        self._processes.asked(question, asker, binary=binary, host=host, prefix=prefix, level=level)

    def answer(self, ctxt, question, process, rows):
        self._processes.heard(question, process, rows)

# SPDX-License-Identifier: Apache-2.0
"""Tells other services of jobs, without ever making a request wait for the message bus.

One background thread with a connection of its own sends; what does not fit into its bounded queue, or cannot be sent,
is dropped: the job's row is there, and a sweep finds it (DESIGN.md section 5).
"""

import collections
import contextlib
import threading

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

MOST = 1000


class Doorbell:
    """``make_sender()`` gives ``send(topic, operation, job_id)``; both may block or raise, but ring never does."""

    def __init__(self, make_sender):
        self._make_sender = make_sender
        self._waiting = collections.OrderedDict()
        self._wake = threading.Condition()
        self._stopping = False
        self._well = True
        self._thread = threading.Thread(target=self._run, name='doorbell', daemon=True)

    def start(self):
        self._thread.start()

    def stop(self, grace=2.0):
        """Send what waits, for ``grace`` seconds at most."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join(grace)

    def ring(self, topic, operation, job_id):
        """Let ``topic`` know, soon or never. Safe from any thread; returns at once."""
        with self._wake:
            if len(self._waiting) < MOST:
                self._waiting[topic, operation, job_id] = True
                self._wake.notify()

    def _run(self):
        send = None
        with contextlib.suppress(Exception):  # what is wrong now is said when there is something to send
            send = self._make_sender()  # takes a while, which the first message should not wait for
        while True:
            with self._wake:
                while not self._waiting and not self._stopping:
                    self._wake.wait()
                if not self._waiting:
                    return
                message, _ = self._waiting.popitem(last=False)
            try:
                if send is None:
                    send = self._make_sender()
                send(*message)
                if not self._well:
                    LOG.info('The message bus can be reached again.')
                self._well = True
            except Exception as error:
                # The bus is away: say so once; the sweep makes up for what is dropped meanwhile.
                if self._well:
                    LOG.warning('The message bus cannot be reached (%s); jobs are found by sweeping meanwhile.', error)
                self._well = False

# SPDX-License-Identifier: Apache-2.0
"""Notifications for metering and audit ([oslo_messaging_notifications]); off unless a driver is configured."""

import queue
import threading

from oslo_context import context
from oslo_log import log as logging

from blockctl.rpc import transport as bus

LOG = logging.getLogger(__name__)

#: Events that wait to be sent, at most: what comes while the bus is away for long is lost, and the log says so.
MOST = 10_000

_END = None


class Notifier:
    """Emits events under the reference's names (volume.create.start, ...). Never fails a request or a job.

    One thread of its own sends, so nobody waits for the bus.
    """

    def __init__(self, conf):
        self._conf = conf
        self._lock = threading.Lock()
        self._on = None  # known at the first event: the library that has the option takes long to load
        self._waiting = queue.Queue(MOST)
        self._thread = None
        self.lost = 0  # events that could not be sent, or made

    def emit(self, ctx, publisher, event, payload, priority='info'):
        """``payload``: a function that makes it, called here, and only when somebody listens."""
        if not self.wanted():
            return
        try:
            self._start()
            self._waiting.put_nowait((publisher, priority, _about(ctx), event, payload()))
        except queue.Full:
            self.lost += 1
            LOG.error('Notification %s is lost: %d wait already for the message bus.', event, MOST)
        except Exception:
            self.lost += 1
            LOG.exception('Notification %s could not be made.', event)

    def wanted(self):
        """Whether the configuration names somebody who is to be told."""
        if self._on is None:
            self._on = bool(bus.notification_drivers(self._conf))
        return self._on

    def flush(self):
        """Wait until all that was emitted is sent, or has failed: for who emits more than can wait."""
        self._waiting.join()

    def stop(self, grace=2.0):
        """Send what waits, for ``grace`` seconds at most. Returns whether all of it was taken up."""
        with self._lock:
            if self._thread is None:
                return True
            thread, self._thread = self._thread, None
        self._waiting.put(_END)
        thread.join(grace)
        return not thread.is_alive()

    def _start(self):
        # At the first event: whoever serves may have forked since this was made.
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name='notifier', daemon=True)
                self._thread.start()

    def _run(self):
        notifier = None
        while (waiting := self._waiting.get()) is not _END:
            publisher, priority, about, event, payload = waiting
            try:
                if notifier is None:
                    notifier = self._connected()
                getattr(notifier.prepare(publisher_id=publisher), priority)(about, event, payload)
            except Exception:
                self.lost += 1
                LOG.exception('Notification %s could not be sent.', event)
            finally:
                self._waiting.task_done()

    def _connected(self):
        return bus.library().Notifier(bus.notification_transport(self._conf), retry=0)


def _about(ctx):
    """Who asked, in the only form in which the library passes it on; without a token."""
    return context.RequestContext(
        user_id=ctx.user_id, project_id=ctx.project_id, roles=list(ctx.roles), request_id=ctx.request_id,
        global_request_id=ctx.global_request_id, overwrite=False)

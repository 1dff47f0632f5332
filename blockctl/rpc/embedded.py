# SPDX-License-Identifier: Apache-2.0
"""An oslo.messaging driver that stays inside the process: ``transport_url = embedded://``.

For the embedded default, where API, scheduler and volume service are one process.  Like a broker it hands each message
of a topic to one listener, or to every one there is when it is a fan-out; unlike oslo.messaging's ``fake://`` it does
not poll (37 ms a hop there, microseconds here).  Only what blockctl uses is there: casts to a topic.  Calls and
notifications are refused.
"""

import collections
import threading
import time

from oslo_messaging._drivers import base


class Message(base.RpcIncomingMessage):
    """A cast; there is nobody to reply to and nowhere to put it back."""

    def reply(self, reply=None, failure=None):
        pass

    def requeue(self):
        pass

    def heartbeat(self):
        pass


class Listener(base.PollStyleListener):
    """Takes messages of one topic, oldest first."""

    def __init__(self, driver, topic):
        super().__init__()
        self._driver = driver
        self._topic = topic
        self._stopped = False
        self.own = collections.deque()  # what every listener gets
        with driver.arrived:
            driver.listeners[topic].append(self)

    @base.batch_poll_helper
    def poll(self, timeout=None):
        end = None if timeout is None else time.monotonic() + timeout
        with self._driver.arrived:
            queue = self._driver.queues[self._topic]
            while not (queue or self.own or self._stopped):
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._driver.arrived.wait(left)
            found = self.own or queue
            return Message(*found.popleft()) if found else None

    def stop(self):
        with self._driver.arrived:
            self._stopped = True
            if self in self._driver.listeners[self._topic]:
                self._driver.listeners[self._topic].remove(self)
            self._driver.arrived.notify_all()


class EmbeddedDriver(base.BaseDriver):
    """One per transport, so one per process (rpc/transport.py)."""

    def __init__(self, conf, url, default_exchange=None, allowed_remote_exmods=None):
        super().__init__(conf, url, default_exchange, allowed_remote_exmods)
        self.arrived = threading.Condition()
        self.queues = collections.defaultdict(collections.deque)
        self.listeners = collections.defaultdict(list)

    def require_features(self, requeue=False):
        if requeue:
            raise NotImplementedError('embedded:// cannot requeue')

    def send(self, target, ctxt, message, wait_for_reply=None, timeout=None, call_monitor_timeout=None, retry=None,
             transport_options=None):
        if wait_for_reply:
            raise NotImplementedError('embedded:// only casts')
        with self.arrived:
            queues = [listener.own for listener in self.listeners[target.topic]] if target.fanout else [
                self.queues[target.topic]]
            for queue in queues:
                queue.append((ctxt, message))
            self.arrived.notify_all()

    def send_notification(self, target, ctxt, message, version, retry=None):
        raise NotImplementedError('embedded:// has no notifications')

    def listen(self, target, batch_size, batch_timeout):
        return base.PollStyleListenerAdapter(Listener(self, target.topic), batch_size, batch_timeout)

    def listen_for_notifications(self, targets_and_priorities, pool, batch_size, batch_timeout):
        raise NotImplementedError('embedded:// has no notifications')

    def cleanup(self):
        pass

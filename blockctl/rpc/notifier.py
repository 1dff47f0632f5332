# SPDX-License-Identifier: Apache-2.0
"""Notifications for metering and audit ([oslo_messaging_notifications]); off unless a driver is configured."""

import threading

from oslo_log import log as logging

from blockctl.rpc import transport as bus

LOG = logging.getLogger(__name__)


class Notifier:
    """Emits events under the reference's names (volume.create.start, ...). Never fails a job."""

    def __init__(self, conf):
        self._conf = conf
        self._lock = threading.Lock()
        self._notifier = None
        self._on = None

    def emit(self, ctx, publisher, event, payload):
        """``payload``: a function that makes it, called only when somebody listens."""
        if self._on is None:
            self._prepare()
        if self._on:
            try:
                self._notifier.prepare(publisher_id=publisher).info(
                    {'request_id': ctx.request_id, 'project_id': ctx.project_id, 'user_id': ctx.user_id},
                    event, payload())
            except Exception:
                LOG.exception('Notification %s could not be sent.', event)

    def _prepare(self):
        with self._lock:
            if self._on is not None:
                return
            oslo_messaging = bus.library()
            transport = oslo_messaging.get_notification_transport(self._conf)
            self._on = bool(self._conf.oslo_messaging_notifications.driver)
            if self._on:
                # A broker that is away costs one failed try, not the job's lease.
                self._notifier = oslo_messaging.Notifier(transport, retry=0)

# SPDX-License-Identifier: Apache-2.0
"""Serving WSGI by waitress: a kept, threaded server."""

import threading

import waitress
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

BINARY = 'cinder-api'  # what clients know it by
DRAIN = 5  # seconds an open request has to end after the listening socket is closed


class WebService:
    """Like the other services: start and stop. ``sock`` is bound and listens already, or None to bind here."""

    def __init__(self, conf, wsgi, sock=None):
        self._conf = conf
        self._wsgi = wsgi
        self._sock = sock
        self._server = None
        self._thread = None
        self._stopping = False

    def start(self):
        conf = self._conf
        where = {'sockets': [self._sock]} if self._sock else {
            'host': str(conf.osapi_volume_listen), 'port': conf.osapi_volume_listen_port}
        self._server = waitress.create_server(
            self._wsgi, threads=conf.osapi_volume_threads, ident=None, clear_untrusted_proxy_headers=False,
            # The application answers 413 in the API's own form; this is only the bound on what is read before it.
            max_request_body_size=4 * conf.osapi_max_request_body_size, channel_timeout=900, **where)
        self._thread = threading.Thread(target=self._run, name='waitress', daemon=True)
        self._thread.start()
        LOG.info('Listening on %s:%s.', conf.osapi_volume_listen, conf.osapi_volume_listen_port)

    def _run(self):
        try:
            self._server.run()
        except OSError:
            if not self._stopping:  # else it is the socket that stop() closed while this waited for it
                raise

    def stop(self, grace):
        """Take no more requests; those under way end by themselves, within ``grace`` seconds at most."""
        self._stopping = True
        if self._server is not None:
            self._server.task_dispatcher.shutdown(timeout=min(grace, DRAIN))
            self._server.close()
        return True

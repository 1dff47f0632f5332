# SPDX-License-Identifier: Apache-2.0
"""blockctl-api: the REST API, served by as many processes as there are CPUs.

The parent binds the socket, makes what is the same for all its children, and keeps them running; what they start or
connect is their own.
Under uwsgi or gunicorn use blockctl.cmd.wsgi instead.
"""

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import time

from oslo_log import log as logging

from blockctl.api import app as api
from blockctl.cmd import process
from blockctl.cmd import serve
from blockctl.db import engine
from blockctl.flows import engine as flow_engine

LOG = logging.getLogger(__name__)

#: What a parent hands on to its children.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main():
    conf = process.configure(sys.argv)
    sock = _listen(conf)
    workers = conf.osapi_volume_workers or os.cpu_count() or 1
    app = process.compose(conf)
    if workers == 1:
        return _serve(app, sock)
    return _supervise(app, sock, workers)


def _listen(conf):
    address = str(conf.osapi_volume_listen)
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, conf.osapi_volume_listen_port))
    except OSError as error:
        sys.exit(f'blockctl-api: cannot listen on {address}:{conf.osapi_volume_listen_port}: {error.strerror}')
    sock.listen(1024)
    return sock


def _serve(app, sock, parent=None):
    return process.run(app, lambda app, beat: [serve.WebService(app.conf, api.make_app(app), sock)],
                       [(serve.BINARY, app.conf.host)], parent)


def _preload(app):
    """Import and read what every child will need, so that they share its memory; gc.freeze keeps it shared.

    What little garbage imports left is not collected first: that would take a tenth of a second, for less than 1 MiB.
    """
    if app.conf.auth_strategy == 'keystone':
        importlib.import_module('keystonemiddleware.auth_token')
    app.policy.load()
    app.bus.preload()
    engine.preload(app.conf)
    flow_engine.preload()
    gc.freeze()


@contextlib.contextmanager
def _signals_held_back():
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _supervise(app, sock, workers):
    """Keep ``workers`` children; SIGTERM and SIGHUP go on to them. Returns the worst of their exit states."""
    children = set()
    stopping = []

    def forward(number, _frame):
        if number != signal.SIGHUP:
            stopping.append(number)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):  # waited for a moment ago
                os.kill(pid, number)

    for number in _SIGNALS:
        signal.signal(number, forward)

    parent = os.getpid()

    def spawn():
        # A signal comes before there is another child, which then is not made, or when it is known here.
        with _signals_held_back():
            if stopping:
                return
            pid = os.fork()
            if pid:
                children.add(pid)
                return
            # Told to stop before it could listen to that: the defaults do, until process.run sets its own.
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
        os._exit(_serve(app, sock, parent))

    _preload(app)
    for _ in range(workers):
        spawn()
    process.notify('READY=1')
    worst = 0
    while children:
        pid, status = os.wait()
        children.discard(pid)
        code = os.waitstatus_to_exitcode(status)
        if stopping:
            worst = max(worst, 0 if -code in stopping else abs(code))  # one that had not begun to serve
        else:
            LOG.error('Worker %d ended with %d; starting another.', pid, code)
            time.sleep(0.2)  # a worker that cannot start must not make this spin
            spawn()
    return worst


if __name__ == '__main__':
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""How every long-running process starts, waits and stops."""

import ctypes
import gc
import os
import signal
import socket
import sys
import threading

from oslo_log import log as logging

from blockctl import app as application
from blockctl import conf as configuration
from blockctl import context
from blockctl import exceptions
from blockctl import faultpoints
from blockctl import policy
from blockctl.compute import nova
from blockctl.db import engine
from blockctl.flows import engine as flow_engine
from blockctl.jobs import doorbell
from blockctl.jobs import incarnation
from blockctl.jobs import lease
from blockctl.keys import store
from blockctl.rpc import notifier
from blockctl.rpc import processes
from blockctl.rpc import transport

LOG = logging.getLogger(__name__)

M_ARENA_MAX = -8  # malloc.h


def compose(conf, bus_url=None):
    """The parts of one process, from its configuration. Nothing is started or connected yet.

    ``bus_url`` takes the place of transport_url.
    """
    bus = transport.Bus(conf, bus_url)
    return application.App(
        conf=conf, db=engine.Database(conf), policy=policy.Policy(conf), bus=bus,
        doorbell=doorbell.Doorbell(bus.sender), notifier=notifier.Notifier(conf), points=faultpoints.Points(conf),
        compute=nova.Nova(conf), keys=store.KeyStore(conf), flows=flow_engine.Engines(),
        processes=processes.Processes(bus))


def configure(argv, prepare=None):
    """Configuration and logging of a process; a bad configuration ends it with one clear line."""
    try:
        conf = configuration.load(argv[1:], prepare=prepare)
    except Exception as error:
        sys.exit(f'{os.path.basename(argv[0])}: {error}')
    configuration.set_up_logging(conf)
    _keep_arenas_few()
    return conf


def _keep_arenas_few():
    """Have glibc's malloc share two arenas between all threads.

    It gives each of some 40 threads (ours, librbd's) one of its own, and each keeps what its thread once needed: that
    makes a volume service a third larger.  The interpreter's lock lets few of them allocate at the same time anyway.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)  # other C libraries have none
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 2)


def run(app, make_services, unregistered=(), parent=None):
    """Run services until SIGTERM or SIGINT; ``make_services(app, beat)`` returns them in order of start.

    ``unregistered``: [(binary, host)] that this process is, beside those it registers in the database.  ``parent``: id
    of the process that is to look after this one; when it is gone, this one ends too.
    Returns the process's exit status: 1 when work in hand had to be left to others.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: _reread(app.conf))
    beat = lease.Beat(context.Context(app), incarnation.describe())
    try:
        services = make_services(app, beat)
    except exceptions.ConfigurationError as error:
        LOG.error('%s', error)
        return 2
    app.doorbell.start()
    beat.start()
    app.processes.start(beat.incarnation, lambda: [*unregistered, *beat.services])
    started = threading.Thread(target=_start, args=(services, stop), name='start', daemon=True)
    started.start()
    # Not for ever in one go: a signal that the kernel gave to another thread (just after SIGCONT it does) is handled
    # when this one wakes up.
    while not stop.wait(1):
        if parent not in (None, os.getppid()):
            LOG.warning('The process %d, which looked after this one, is gone.', parent)
            break
    LOG.info('Stopping: work in hand has %d s to end.', app.conf.graceful_shutdown_timeout)
    notify('STOPPING=1')
    app.processes.stop()
    ended = [service.stop(app.conf.graceful_shutdown_timeout) for service in reversed(services)]
    app.doorbell.stop()
    app.notifier.stop()
    beat.stop()
    app.db.dispose()
    LOG.info('Stopped.')
    if not all(ended):
        # Threads that did not end must not keep the process: what they hold is taken over when its lease ends.
        sys.stderr.flush()
        os._exit(1)
    return 0


def _start(services, stop):
    """Start one service after another; the database may be away when a machine boots, so this waits for it."""
    gc.enable()  # the imports are behind us (cmd/start.py)
    for service in services:
        while not stop.is_set():
            try:
                service.start()
                break
            except exceptions.DatabaseUnavailable:
                LOG.warning('Waiting for the database.')
                stop.wait(2)
            except Exception:
                LOG.exception('%s cannot start.', type(service).__module__)
                stop.set()
    if not stop.is_set():
        # What start-up made stays: the collector need not look at it again, and so finds a flow's leavings sooner.
        gc.collect()
        gc.freeze()
        notify('READY=1')
        LOG.info('Ready.')


def _reread(conf):
    try:
        conf.mutate_config_files()
        logging.setup(conf, 'blockctl')
    except Exception:
        LOG.exception('The configuration could not be read again; the old one stays in force.')


def notify(state):
    """Tell systemd, when it asked to be told (sd_notify(3))."""
    address = os.environ.get('NOTIFY_SOCKET')
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.connect('\0' + address[1:] if address.startswith('@') else address)
            sock.sendall(state.encode())

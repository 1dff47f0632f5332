# SPDX-License-Identifier: Apache-2.0
"""The servers that tests run on: those the environment names, and private ones that a test may kill.

``tools/services up`` prints the environment: BLOCKCTL_TEST_MARIADB_URL, BLOCKCTL_TEST_POSTGRESQL_URL,
BLOCKCTL_TEST_RABBITMQ_URL (and BLOCKCTL_TEST_RABBITMQCTL), BLOCKCTL_TEST_CEPH_CONF.
"""

import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import uuid

import sqlalchemy as sa

from tests.harness import polling
from tests.harness import processes

SERVICES = pathlib.Path(__file__).resolve().parents[2] / 'tools' / 'services'

URLS = {'mariadb': 'BLOCKCTL_TEST_MARIADB_URL', 'postgresql': 'BLOCKCTL_TEST_POSTGRESQL_URL',
        'rabbitmq': 'BLOCKCTL_TEST_RABBITMQ_URL', 'ceph': 'BLOCKCTL_TEST_CEPH_CONF'}


def given(name):
    """How to reach a server of the environment, or None when there is none."""
    return os.environ.get(URLS[name])


def free_port():
    """A port where nothing listens now."""
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


# --- databases
class Database:
    """A database of one test. ``server``: a URL whose account may make databases, or None for SQLite."""

    def __init__(self, server, directory):
        self.name = f'blockctl_{uuid.uuid4().hex[:12]}'
        self._server = server and sa.make_url(server)
        if self._server is None:
            self.kind = 'sqlite'
            self.url = sa.make_url(f'sqlite:///{directory}/{self.name}.sqlite')
        else:
            self.kind = 'postgresql' if self._server.get_backend_name() == 'postgresql' else 'mariadb'
            self._on_server(f'CREATE DATABASE {self.name}')
            self.url = self._server.set(database=self.name)
        self._engine = self._make_engine(self.url)

    @property
    def text(self):
        return self.url.render_as_string(hide_password=False)

    def query(self, statement, **values):
        """Rows of one statement, in a transaction and a connection of its own."""
        with self._engine.connect() as conn:
            return conn.execute(sa.text(statement), values).all()

    def one(self, statement, **values):
        """The only value of the only row."""
        [[value]] = self.query(statement, **values)
        return value

    def close(self):
        self._engine.dispose()
        if self._server is not None:
            force = ' WITH (FORCE)' if self.kind == 'postgresql' else ''
            self._on_server(f'DROP DATABASE {self.name}{force}')

    def _on_server(self, statement):
        engine = self._make_engine(self._server, isolation_level='AUTOCOMMIT')
        with engine.connect() as conn:
            conn.execute(sa.text(statement))
        engine.dispose()

    @staticmethod
    def _make_engine(url, **options):
        timeout = {} if url.get_backend_name() == 'sqlite' else {'connect_timeout': 5}
        return sa.create_engine(url, poolclass=sa.NullPool, connect_args=timeout, **options)


# --- buses
class RefusedBus:
    """An address where nothing listens, and nothing else will: the port is taken."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.bind(('127.0.0.1', 0))
        self.url = f'rabbit://nobody:nothing@127.0.0.1:{self._socket.getsockname()[1]}/'

    def close(self):
        self._socket.close()


class SilentBus:
    """Somebody who accepts every connection and never says a word."""

    def __init__(self):
        self._listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        self._kept = []
        self.url = f'rabbit://nobody:nothing@127.0.0.1:{self._listener.getsockname()[1]}/'
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def asked(self):
        """How many connections there were."""
        return len(self._kept)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self._kept.append(self._listener.accept()[0])

    def close(self):
        self._listener.close()
        for kept in self._kept:
            kept.close()


class RabbitBus:
    """A virtual host of its own on RabbitMQ, so that no other test hears its messages.

    Without ``control`` (a rabbitmqctl for that server), the URL as it is.
    """

    def __init__(self, url, control):
        self._control = control
        self.url = url
        if control:
            self._vhost = f'blockctl-{uuid.uuid4().hex[:12]}'
            self._run('add_vhost', self._vhost)
            self._run('set_permissions', '-p', self._vhost, sa.make_url(url).username, '.*', '.*', '.*')
            self.url = url.rstrip('/') + '/' + self._vhost

    def listeners(self):
        """{queue: how many listen to it}."""
        rows = self._run('-s', 'list_queues', '-p', self._vhost, 'name', 'consumers').splitlines()
        return {name: int(count) for name, count in (row.split() for row in rows)}

    def close(self):
        if self._control:
            self._run('delete_vhost', self._vhost)

    def _run(self, *arguments):
        return subprocess.run([self._control, '-q', *arguments], check=True, timeout=60, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True).stdout


# --- servers that a test may kill
class Private:
    """Servers of one test, started by tools/services, for the test to kill, stop and start again."""

    def __init__(self, *names):
        # Not below pytest's directories: the databases' own users have to be able to enter it.
        self._root = pathlib.Path(tempfile.mkdtemp(prefix='bct-'))
        self._root.rmdir()
        self._names = names
        self.environment = {}
        try:
            self.up()
        except BaseException:
            self.close()
            raise

    def up(self):
        """Start what does not run; servers that were killed come back with their data, at their address."""
        lines = self._run('up', *self._names).splitlines()
        self.environment = dict(
            word.split('=', 1) for line in lines for word in shlex.split(line.removeprefix('export ')))

    def url(self, name):
        return self.environment[URLS[name]]

    def bus(self):
        return RabbitBus(self.url('rabbitmq'), None)

    def kill(self, name):
        """SIGKILL, to the server's main process and its children."""
        self._signal(name, signal.SIGKILL)
        pid = self.pid(name)
        polling.until(lambda: not pathlib.Path(f'/proc/{pid}/cmdline').exists()
                      or not pathlib.Path(f'/proc/{pid}/cmdline').read_bytes(), 20, f'end of {name}')

    def pause(self, name):
        self._signal(name, signal.SIGSTOP)

    def resume(self, name):
        self._signal(name, signal.SIGCONT)

    def pid(self, name):
        return int(self.environment[f'BLOCKCTL_TEST_{name.upper()}_PID'])

    def close(self):
        if self._root.exists():
            with contextlib.suppress(ProcessLookupError, KeyError):
                for name in self._names:
                    self.resume(name)
            self._run('down', '--wipe')
            shutil.rmtree(self._root, ignore_errors=True)

    def _signal(self, name, number):
        for pid in processes.descendants(self.pid(name)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _run(self, *arguments):
        done = subprocess.run([SERVICES, arguments[0], '--root', self._root, *arguments[1:]], timeout=300, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
        assert done.returncode == 0, f'tools/services {" ".join(arguments)}: {done.stderr}'
        return done.stdout

# SPDX-License-Identifier: Apache-2.0
"""The way to the database: one engine per process, one connection per transaction, bounded waits.

``with ctx.writing() as conn`` is one transaction; leaving it commits, an exception rolls back.  Both come from
:class:`Database`.  What the database does wrong arrives as oslo.db's exceptions; :func:`translated` turns those that
mean "away" into DatabaseUnavailable.
"""

import contextlib
import datetime
import select
import threading
import time

import sqlalchemy as sa
from oslo_db import exception as db_exception
from oslo_db.sqlalchemy import exc_filters
from oslo_log import log as logging
from sqlalchemy import exc as sa_exc

from blockctl import exceptions

LOG = logging.getLogger(__name__)

# Seconds. DESIGN.md section 5: connect 2, read 15, pool 2; a lock is waited for no longer than a read.
CONNECT, READ, POOL = 2, 15, 2
# A transaction that does nothing for so long belongs to a process that is paused, or to a machine that is gone: the
# database ends it, or its locks would keep everybody from what it touched. (Ours do nothing in between but statements.)
IDLE = 5
# A connection that was of use so short a time ago is taken to be so still; of one that idled longer the server is asked
# first. (That is a round trip, as dear as a statement, and a server that was restarted meanwhile took longer for that.)
SURE = 1.0

WRITES = 'writes'  # marks a connection of SQLite whose next transaction writes

AWAY = (db_exception.DBConnectionError, sa_exc.TimeoutError, sa_exc.OperationalError, sa_exc.InterfaceError)


class Database:
    """An engine made at first use, so that a service starts while its database is away."""

    def __init__(self, conf):
        self._conf = conf
        self._lock = threading.Lock()
        self._engine = None

    @property
    def engine(self):
        if self._engine is None:
            with self._lock:
                if self._engine is None:
                    self._engine = _make_engine(self._conf)
        return self._engine

    @contextlib.contextmanager
    def connection(self, write):
        """One transaction. Raises DatabaseUnavailable when there is no way to the database."""
        with translated():
            connection = self.engine.connect()
        try:
            if write and connection.dialect.name == 'sqlite':
                connection.info[WRITES] = True
            with translated(), connection.begin():
                yield connection
        finally:
            connection.close()

    def dispose(self):
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None


@contextlib.contextmanager
def translated():
    """Turn "the database is away" of any driver into one error of ours; deadlocks and the rest pass as they are."""
    try:
        yield
    except AWAY as error:
        # An OperationalError that oslo.db knows (a deadlock, say) has been turned into its own class already.
        LOG.warning('The database did not answer: %s', str(error).partition('\n')[0])
        raise exceptions.DatabaseUnavailable() from error


def preload(conf):
    """Import the client library of the configured database, without connecting."""
    sa.make_url(conf.database.connection).get_dialect().import_dbapi()


_TCP = {'connect_timeout': CONNECT}
_PARAMETERS = {  # what each client library calls the bounds
    'mysql': {**_TCP, 'read_timeout': READ, 'write_timeout': READ, 'charset': 'utf8mb4'},
    'postgresql': {**_TCP, 'options': f'-c statement_timeout={READ}s -c timezone=UTC '
                            f'-c idle_in_transaction_session_timeout={IDLE}s', 'client_encoding': 'utf8'},
    'sqlite': {'timeout': 30},
}


def _make_engine(conf):
    """SQLAlchemy's engine, whose errors are oslo.db's exceptions.

    oslo.db's own function for this is not used: it needs SQLAlchemy's object mapper, which nothing here does (50 ms of
    a start and 6 MiB of each process).
    """
    url = sa.make_url(conf.database.connection)
    family = url.get_backend_name().replace('mariadb', 'mysql')
    url = url.update_query_dict({k: str(v) for k, v in _PARAMETERS[family].items() if k not in url.query})
    if family == 'sqlite':
        engine = sa.create_engine(url, poolclass=sa.NullPool)
    else:
        # Every connection comes back committed or rolled back (Database.connection), so nothing is left to reset; and
        # the one that came back last goes out first: it need not be asked (_look_first).
        engine = sa.create_engine(
            url, pool_size=conf.database.max_pool_size, max_overflow=conf.database.max_overflow, pool_timeout=POOL,
            pool_recycle=conf.database.connection_recycle_time, pool_reset_on_return=None, pool_use_lifo=True)
        _look_first(engine)
    sa.event.listen(engine, 'handle_error', exc_filters.handler, retval=True)
    {'sqlite': _prepare_sqlite, 'mysql': _prepare_mysql, 'postgresql': _prepare_postgresql}[family](engine)
    return engine


def _look_first(engine):
    """Have a connection that idled for longer than SURE prove that it is of use, before it is used."""
    @sa.event.listens_for(engine, 'checkin')
    def _note(connection, record):
        record.info['at'] = time.monotonic()

    @sa.event.listens_for(engine, 'checkout')
    def _look(connection, record, proxy):
        at = record.info.get('at')  # none yet: it was made just now
        if at is not None and time.monotonic() - at > SURE:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise sa_exc.InvalidatePoolError(str(error)) from error


def _prepare_sqlite(engine):
    @sa.event.listens_for(engine, 'connect')
    def _pragmas(connection, record):
        connection.isolation_level = None  # its BEGIN is ours (_begin), which the library would put off
        connection.execute('PRAGMA foreign_keys=ON')
        connection.execute('PRAGMA journal_mode=WAL')
        connection.execute('PRAGMA synchronous=NORMAL')
        connection.execute('PRAGMA busy_timeout=30000')

    # After a plain BEGIN a reader that turns writer fails at once ("database is locked"); a writer that says so from
    # the start waits its turn (busy_timeout).
    @sa.event.listens_for(engine, 'begin')
    def _begin(connection):
        connection.exec_driver_sql('BEGIN IMMEDIATE' if connection.info.get(WRITES) else 'BEGIN')


def _prepare_mysql(engine):
    if engine.driver == 'pymysql':
        from pymysql import converters  # only where the client library is
        from pymysql.constants import FIELD_TYPE

        @sa.event.listens_for(engine, 'do_connect')
        def _connect(dialect, record, args, kwargs):
            # Its own way to read a time is a regular expression; a volume has several.
            kwargs['conv'] = {**converters.conversions, FIELD_TYPE.DATETIME: datetime.datetime.fromisoformat}

    @sa.event.listens_for(engine, 'connect')
    def _session(connection, record):
        # What does not fit a column is an error (TRADITIONAL). The same isolation as PostgreSQL's default, and no gap
        # locks, so that inserts of different rows never wait for each other.
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute("SET SESSION sql_mode='TRADITIONAL', tx_isolation='READ-COMMITTED', time_zone='+00:00', "
                           f'innodb_lock_wait_timeout={READ}, idle_transaction_timeout={IDLE}')


def _prepare_postgresql(engine):
    # libpq waits for ever for a server that is stopped but whose machine answers. The library's one hook for a bound
    # is global to the process.
    from psycopg2 import extensions

    extensions.set_wait_callback(_wait)


def _wait(connection):
    """psycopg2's wait callback: the library's own example, with a bound."""
    import psycopg2
    from psycopg2 import extensions

    # libpq's connect_timeout is not for connections that are waited for like this.
    made = connection.status in (extensions.STATUS_READY, extensions.STATUS_BEGIN, extensions.STATUS_PREPARED)
    bound = READ if made else CONNECT
    while True:
        match connection.poll():
            case extensions.POLL_OK:
                return
            case extensions.POLL_READ:
                ready, _, _ = select.select([connection.fileno()], [], [], bound)
            case _:
                _, ready, _ = select.select([], [connection.fileno()], [], bound)
        if not ready:
            # psycopg2 closes the connection itself then; close() would wait for a lock that this thread holds.
            raise psycopg2.OperationalError(f'server closed the connection: no answer within {bound} s')

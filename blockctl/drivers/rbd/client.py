# SPDX-License-Identifier: Apache-2.0
"""The one librados client of a process and backend: made when it is needed, given up once it was cut off.

A client that another process fenced off (OSD blocklist) can never act again, and librados says ESHUTDOWN to each of
its calls.  Then the next call makes a new one, with a new address.  One that merely timed out is kept: librados
reconnects by itself, and a client that is given up without being cut off could still act under an address that
nobody records any more.

Only what is bounded here is bounded: ``rados_osd_op_timeout`` and ``rados_mon_op_timeout`` end single requests, but
waiting for a new OSD map (in connecting, in opening an unknown pool, in fencing) has no bound in librados 16, so these
run in threads of their own.
"""

import concurrent.futures
import contextlib
import dataclasses
import json
import threading
import time

from oslo_log import log as logging

from blockctl import exceptions
from blockctl.drivers.rbd import errors

LOG = logging.getLogger(__name__)

# On top of librados's own bound, for what it does before and after.
_GRACE = 1.0
#: Seconds to look another pool of the cluster up.
_OTHER_POOL = 10.0
#: Seconds for which the monitors' addresses are not asked for again.
_MONITORS_STAY = 30.0
#: Keys of an object read at once.
_PAGE = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """How to reach a pool. Seconds; ``conf_file`` '' is librados's own choice."""

    pool: str
    user: str
    conf_file: str
    cluster_name: str
    connect_timeout: int
    op_timeout: int


class Session:
    """A live client and its pool. Threads share it; ``address`` is what the OSD blocklist knows it by."""

    def __init__(self, cluster, ioctx, rados, rbd):
        self.cluster = cluster
        self.ioctx = ioctx
        self.rados = rados
        self.rbd = rbd
        self.address = cluster.get_addrs()
        self.users = 0
        self.given_up = False
        self._monitors = None

    def ask_monitor(self, prefix: str, **arguments):
        """A monitor command's answer, from JSON."""
        command = json.dumps({'prefix': prefix, 'format': 'json', **arguments})
        result, output, message = self.cluster.mon_command(command, b'')
        if result:
            raise errors.from_errno(result, f'{prefix}: {message or result}')
        return json.loads(output)

    def monitors(self) -> list:
        """Addresses of the monitors, as they were a few seconds ago at most: 192.0.2.1:6789/0."""
        known, until = self._monitors or ([], 0.0)
        if time.monotonic() >= until:
            known = [mon['addr'] for mon in self.ask_monitor('mon dump')['mons']]
            self._monitors = known, time.monotonic() + _MONITORS_STAY
        return known

    def image(self, name: str | None, **options):
        """An open image, to be used in a ``with``."""
        return self.rbd.Image(self.ioctx, name, **options)

    def read_omap(self, object_name: str, prefix: str = '', most: int | None = None) -> list:
        """[(key, value)] of an object, those whose key begins with ``prefix``; empty when there is no such object."""
        found, after, page = [], '', most or _PAGE
        while True:
            with self.rados.ReadOpCtx() as operation:
                pairs, _ = self.ioctx.get_omap_vals(operation, after, prefix, page)
                try:
                    self.ioctx.operate_read_op(operation, object_name)
                except self.rados.ObjectNotFound:
                    return found
                got = list(pairs)
            found += got
            if most or len(got) < page:
                return found
            after = got[-1][0]

    def pool(self, name: str):
        """The I/O context of another pool of the cluster, to be used in a ``with``. Raises BackendTimeout."""
        try:
            return _in_thread(lambda: self.cluster.open_ioctx(name), 'rbd-pool').result(_OTHER_POOL)
        except concurrent.futures.TimeoutError:
            raise exceptions.BackendTimeout(reason=f'pool {name} could not be looked up') from None

    def close(self):
        self.ioctx.close()
        self.cluster.shutdown()


class Client:
    """Gives out the session. Made once per process and backend, safe for threads."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self._lock = threading.Lock()
        self._session = None
        self._attempt = None
        self._stopped = False

    def start(self):
        """Raises BackendUnavailable, or ConfigurationError when it can never work."""
        with self._lock:
            self._stopped = False
        _bindings()
        with self.session():
            pass

    def stop(self):
        with self._lock:
            self._stopped = True
            session, self._session = self._session, None
        if session is not None:
            self._give_up(session)

    @contextlib.contextmanager
    def session(self):
        """The live session for the ``with`` block; errors of the bindings in it become the drivers' errors.

        Waits for a new client no longer than the connect time-out; then BackendUnavailable.
        """
        session = self._borrow()
        try:
            yield session
        except exceptions.Error:
            raise
        except Exception as error:
            raise self._translated(error, session) from error
        finally:
            self._give_back(session)

    def address(self) -> str:
        """The address of the live client."""
        with self.session() as session:
            return session.address

    def blocklist(self, address: str, seconds: int) -> None:
        """Cut a client off for so long, and know the OSD map that says so: what this client asks an OSD from now on,
        it asks in the knowledge of that map, and the OSD learns of it before it answers.
        """
        if self._drop(address):
            LOG.warning('Fencing off the own client %s: a new one takes its place.', address)

        def act():
            with self.session() as session:
                session.cluster.blocklist_add(address, seconds)  # it waits for the map, without a bound

        try:
            _in_thread(act, 'rbd-fence').result(self.settings.connect_timeout + self.settings.op_timeout + _GRACE)
        except concurrent.futures.TimeoutError:
            raise exceptions.BackendTimeout(reason=f'no monitor took {address} on the blocklist') from None

    # --- giving out and taking back
    def _borrow(self):
        for _ in range(2):
            session = self._connected()
            with self._lock:
                if not session.given_up:
                    session.users += 1
                    return session
        raise exceptions.BackendUnavailable(reason='the client is cut off as soon as it is made')

    def _give_back(self, session):
        with self._lock:
            session.users -= 1
            last = session.given_up and session.users == 0
        if last:
            _in_thread(session.close, 'rbd-close')

    def _give_up(self, session):
        """Let go of a session; whoever uses it last closes it."""
        with self._lock:
            if session.given_up:
                return
            session.given_up = True
            if self._session is session:
                self._session = None
            last = session.users == 0
        if last:
            _in_thread(session.close, 'rbd-close')

    def _drop(self, address):
        with self._lock:
            session = self._session
        mine = session is not None and session.address == address
        if mine:
            self._give_up(session)
        return mine

    def _translated(self, error, session):
        number = errors.number_of(error)
        if number is None:
            if not _is_of_bindings(error):
                return error
            number = min(errors.CUT_OFF)  # the client, or the pool's context, was closed
        if number in errors.CUT_OFF:
            LOG.warning('The client %s of pool %s is cut off: %s', session.address, self.settings.pool, error)
            self._give_up(session)
        return errors.from_errno(number, str(error))

    # --- connecting
    def _connected(self):
        with self._lock:
            if self._stopped:
                raise exceptions.BackendUnavailable(reason='the driver is stopped')
            if self._session is not None:
                return self._session
            if self._attempt is None:
                self._attempt = _in_thread(self._connect, 'rbd-connect')
            attempt = self._attempt
        try:
            return attempt.result(self.settings.connect_timeout + _GRACE)
        except concurrent.futures.TimeoutError:
            raise exceptions.BackendUnavailable(
                reason=f'no connection within {self.settings.connect_timeout} s') from None

    def _connect(self):
        """The single attempt all callers wait for. An attempt that comes through late serves the callers after."""
        session = None
        try:
            session = self._open()
            return session
        finally:
            with self._lock:
                self._attempt = None
                unwanted = session is not None and self._stopped
                if not unwanted:
                    self._session = session
            if unwanted:
                self._give_up(session)

    def _open(self):
        rados, rbd = _bindings()
        settings = self.settings
        cluster = None
        try:
            cluster = rados.Rados(
                rados_id=settings.user, clustername=settings.cluster_name, conffile=settings.conf_file, conf={
                    'client_mount_timeout': str(settings.connect_timeout),
                    # A control plane makes and removes images; it does not read or write them.
                    'rbd_cache': 'false', 'ms_async_op_threads': '1',
                    # Clones whose snapshot needs no protection, and may be removed before them.
                    'rbd_default_clone_format': '2',
                    'rados_mon_op_timeout': str(settings.op_timeout),
                    'rados_osd_op_timeout': str(settings.op_timeout)})
            cluster.connect()
            ioctx = cluster.open_ioctx(settings.pool)
        except rados.Error as error:
            if cluster is not None:
                cluster.shutdown()
            raise exceptions.BackendUnavailable(reason=_why(error, cluster, settings)) from error
        # A request to a full pool fails then; otherwise it waits until there is room.
        ioctx.set_osdmap_full_try()
        session = Session(cluster, ioctx, rados, rbd)
        LOG.info('Connected to pool %s as %s.', settings.pool, session.address)
        return session


def ensure_trash(session: Session) -> None:
    """Make the object that lists a pool's removed images, as the first removal would.

    In a full pool librbd 16 cannot make it, says "image not found", and the image stays.
    """
    rados = session.rados
    try:
        with rados.WriteOpCtx() as operation:
            operation.new(rados.LIBRADOS_CREATE_IDEMPOTENT)
            session.ioctx.operate_write_op(operation, 'rbd_trash')
    except rados.Error as error:
        refusal = errors.from_errno(errors.number_of(error) or 0, str(error))
        if not isinstance(refusal, exceptions.BackendFull):
            raise


def _bindings():
    """(rados, rbd): Debian's python3-rados and python3-rbd, imported by the processes that use them only."""
    try:
        import rados
        import rbd
    except ImportError as error:
        raise exceptions.ConfigurationError(
            reason=f'the driver rbd needs the Python modules rados and rbd (python3-rados, python3-rbd): {error}'
        ) from error
    return rados, rbd


def _is_of_bindings(error):
    return type(error).__module__ in ('rados', 'rbd')


def _why(error, cluster, settings):
    if cluster is None:
        return f'rbd_ceph_conf: {error}'
    return f'pool {settings.pool} as client.{settings.user}: {error}'


def _in_thread(function, name):
    """A future of ``function()`` in a thread of its own, which nobody waits for at the end of the process."""
    future = concurrent.futures.Future()

    def run():
        try:
            result = function()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future

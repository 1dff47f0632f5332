# SPDX-License-Identifier: Apache-2.0
"""The driver ``rbd``: images of a Ceph pool, made by librbd.

An image is made under its final name at once.  librbd enters it in the pool's directory first and writes its header
and object map after; whether all is there can be seen, and what is not complete is made anew.  Any number of processes
on any machines may serve a backend: a worker that lost its job is cut off by the OSD blocklist.
"""

import contextlib
import errno
import re
import time

from oslo_log import log as logging
from oslo_utils import units

from blockctl import exceptions
from blockctl.drivers import interface
from blockctl.drivers import names
from blockctl.drivers.rbd import client
from blockctl.drivers.rbd import errors
from blockctl.drivers.rbd import options

LOG = logging.getLogger(__name__)

#: Seconds for which a fence just made is not made again: a dead process leaves many jobs behind, with one identity.
_FENCE_HOLDS = 60
#: GiB from which removing an image may take so long that the job wants to hear of it.
_LONG = 100
#: Seconds between two reports of progress to the job.
_PROGRESS_INTERVAL = 1.0
#: An address as librados gives it for a client and as "osd blocklist add" takes it: 192.0.2.1:0/123, [::1]:0/123.
_ADDRESS = re.compile(r'(\d{1,3}(\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]):\d+/\d+')


class RBDDriver(interface.Driver, interface.Extends, interface.Connects, interface.Renames, interface.Copies):
    """See the module. Snapshots, clones and revert come with their issue."""

    any_machine = True

    def __init__(self, conf, backend):
        super().__init__(conf, backend)
        self._template = names.Template(conf.volume_name_template)
        self._pool = conf.volume_backend_name or backend.rpartition('@')[2]
        self._order = _order(conf.rbd_store_chunk_size)
        self._fenced = {}
        timeout = conf.rados_connect_timeout
        self._client = client.Client(client.Settings(
            pool=conf.rbd_pool, user=conf.rbd_user or 'admin', conf_file=conf.rbd_ceph_conf,
            cluster_name=conf.rbd_cluster_name, op_timeout=conf.rados_op_timeout,
            connect_timeout=timeout if timeout > 0 else options.CONNECT_TIMEOUT))

    @classmethod
    def options(cls):
        return options.OPTIONS

    # --- life
    def start(self):
        self._client.start()
        with self._client.session() as session:
            client.ensure_trash(session)

    def stop(self):
        self._client.stop()

    def stats(self):
        with self._client.session() as session:
            usage = session.ask_monitor('df')
            try:
                quota = session.ask_monitor('osd pool get-quota', pool=self.conf.rbd_pool)['quota_max_bytes']
            except exceptions.NotFoundOnBackend:
                quota = 0  # the monitors have no figures yet of a pool made a moment ago
            # The monitor answers for a cluster whose OSDs do not, and for a client that these have cut off.
            _exists(session, 'rbd_directory')
            foreign = 0 if self.conf.rbd_exclusive_cinder_pool else self._foreign(session)
            fsid = session.cluster.get_fsid()
        total, free = self._capacity(usage, quota)
        location = f'ceph:{self.conf.rbd_ceph_conf}:{fsid}:{self.conf.rbd_user}:{self.conf.rbd_pool}'
        pool = interface.PoolStats(name=self._pool, total=total / units.Gi, free=free / units.Gi,
                                   foreign=foreign / units.Gi, thin=True,
                                   capabilities={'multiattach': True, 'location_info': location})
        return interface.BackendStats(vendor_name='Open Source', driver_version='1.0', storage_protocol='ceph',
                                      pools=(pool,))

    def _capacity(self, usage, quota):
        """(total, free) in bytes of data, whatever the number of replicas."""
        stats = next((pool['stats'] for pool in usage['pools'] if pool['name'] == self.conf.rbd_pool), None)
        if stats is None:
            raise exceptions.BackendUnavailable(reason=f'there is no pool {self.conf.rbd_pool}')
        used, free, total = stats['stored'], stats['max_avail'], usage['stats']['total_bytes']
        if quota:
            total, free = quota, max(0, min(quota - used, free))
        return (used + free if self.conf.report_dynamic_total_capacity else total), free

    def _foreign(self, session):
        """Bytes promised to images that are not ours. One image opened for each: for pools with few of them."""
        size = 0
        for entry in session.rbd.RBD().list2(session.ioctx):
            if not self._template.gave(entry['name']):
                with contextlib.suppress(session.rbd.ImageNotFound), session.image(
                        None, image_id=entry['id'], read_only=True) as image:
                    size += image.size()
        return size

    # --- fence
    def identity(self):
        return self._client.address()

    def fence(self, identity):
        """Put the client's address on the OSD blocklist, and wait until every later call of ours finds it in force.

        Of a cut-off client the OSDs drop requests under way, watches and, when the next opens the image, its lock.
        The own identity is cut off too, and a new client made: an earlier call of this process may still be in librbd.
        """
        if not _ADDRESS.fullmatch(identity):
            raise exceptions.BackendError(reason=f'{identity!r} is not the address of a client; it cannot be cut off')
        if time.monotonic() - self._fenced.get(identity, float('-inf')) < _FENCE_HOLDS:
            return
        self._client.blocklist(identity, self.conf.rbd_fence_expire)
        now = time.monotonic()
        self._fenced = {k: at for k, at in self._fenced.items() if now - at < _FENCE_HOLDS} | {identity: now}

    # --- volumes
    def create(self, volume, effect):
        names.check(volume.name)
        with self._client.session() as session:
            _check(session, effect)
            try:
                self._make(session, volume)
            except session.rbd.ImageExists:
                self._complete(session, volume, effect)
        return {}

    def delete(self, volume, effect):
        names.check(volume.name)
        with self._client.session() as session:
            _check(session, effect)
            _remove(session, volume, effect)

    def find(self):
        with self._client.session() as session:
            rbd = session.rbd.RBD()
            # Images half removed are in the first list, those in the trash for a while in the second.
            found = [(entry['name'], False) for entry in rbd.list2(session.ioctx)]
            found += [(entry['name'], True) for entry in rbd.trash_list(session.ioctx)]
        return [interface.Found(pool=self._pool, name=name, size=None, partial=partial or names.is_temporary(name))
                for name, partial in found if self._template.gave(name)]

    def _make(self, session, volume):
        session.rbd.RBD().create(session.ioctx, volume.name, volume.size * units.Gi, order=self._order,
                                 old_format=False)

    def _complete(self, session, volume, effect):
        """There is something by the volume's name: leave it when it is the volume, else put the volume in its place."""
        size = _size_if_complete(session, volume.name)
        if size is None:
            LOG.info('%s is there in part; it is made anew.', volume.name)
            _remove(session, volume, effect)
            _check(session, effect)
            self._make(session, volume)
        elif size != volume.size * units.Gi:
            raise exceptions.BackendError(
                reason=f'{volume.name} is there, but has {size} bytes instead of {volume.size} GiB')

    # --- abilities
    def extend(self, volume, size, effect):
        """An image in use grows too: its user has the lock, and librbd asks it to."""
        with self._client.session() as session, session.image(names.check(volume.name)) as image:
            if image.size() < size * units.Gi:
                _check(session, effect)
                image.resize(size * units.Gi, allow_shrink=False)

    def connect(self, volume, connector, effect):
        """What os-brick and Nova expect of an RBD volume; hosts and ports are the monitors'."""
        with self._client.session() as session:
            if not _exists(session, f'rbd_id.{names.check(volume.name)}'):
                raise exceptions.NotFoundOnBackend(name=volume.name)
            addresses = [_host_and_port(mon['addr']) for mon in session.ask_monitor('mon dump')['mons']]
            secret = self.conf.rbd_secret_uuid or session.cluster.get_fsid()
        return {'driver_volume_type': 'rbd', 'data': {
            'name': f'{self.conf.rbd_pool}/{volume.name}',
            'hosts': [host for host, _ in addresses],
            'ports': [port for _, port in addresses],
            'cluster_name': self.conf.rbd_cluster_name,
            'auth_enabled': self.conf.rbd_user is not None,
            'auth_username': self.conf.rbd_user,
            'secret_type': 'ceph',
            'secret_uuid': secret,
            'volume_id': volume.id,
            'discard': True,
            'qos_specs': None,
            'access_mode': 'rw',
            'encrypted': volume.encrypted,
        }}

    def disconnect(self, volume, connector, effect):
        """Nothing was exported."""

    def rename(self, volume, old_name, effect):
        old, new = names.check_foreign(old_name), names.check(volume.name)
        with self._client.session() as session:
            _check(session, effect)
            try:
                session.rbd.RBD().rename(session.ioctx, old, new)
            except session.rbd.ImageNotFound:
                session.image(new, read_only=True).close()  # renamed before, or it is missing
            except session.rbd.ImageExists:
                _finish_rename(session, old, new, effect)

    def size_of(self, name, pool):
        with self._client.session() as session, session.image(names.check_foreign(name), read_only=True) as image:
            return -(-image.size() // units.Gi)

    def locator(self, volume):
        """For qemu-img, with format raw: it must never guess that from what a tenant wrote."""
        text = f'rbd:{_escaped(self.conf.rbd_pool)}/{names.check(volume.name)}'
        if self.conf.rbd_user:
            text += f':id={_escaped(self.conf.rbd_user)}'
        if self.conf.rbd_ceph_conf:
            text += f':conf={_escaped(self.conf.rbd_ceph_conf)}'
        return text


def _check(session, effect):
    """Ask whether the job may still act, and act as the client it was claimed with only.

    A job whose client was cut off since would act under an address that no successor knows to fence.  It is put back,
    and claimed again with the new one.
    """
    effect.check()
    if effect.identity != session.address:
        raise exceptions.BackendUnavailable(
            reason=f'the job was claimed with the client {effect.identity}, and this is {session.address}')


def _remove(session, volume, effect):
    """Remove an image, whole or in part. librbd says busy for a watcher, and not empty for snapshots."""
    name = volume.name
    # librbd calls back once for each object: for a small image that costs more than it tells.
    progress = _Progress(effect) if volume.size >= _LONG else None
    with contextlib.suppress(session.rbd.ImageNotFound):
        session.rbd.RBD().remove(session.ioctx, name, on_progress=progress)
        return
    # librbd says so too when it cleared away a remainder, and in a full pool when it failed.
    if _exists(session, f'rbd_id.{name}'):
        raise exceptions.BackendFull(reason=f'{name} cannot be removed while the pool is full')


def _size_if_complete(session, name):
    """Bytes of an image all of whose parts are there, else None."""
    rbd = session.rbd
    try:
        with session.image(name, read_only=True) as image:
            size, image_id, features = image.size(), image.id(), image.features()
    except rbd.ImageNotFound:
        return None
    parts = ((rbd.RBD_FEATURE_OBJECT_MAP, 'rbd_object_map'), (rbd.RBD_FEATURE_JOURNALING, 'journal'))
    if all(_exists(session, f'{part}.{image_id}') for feature, part in parts if features & feature):
        return size
    return None


def _finish_rename(session, old, new, effect):
    """Go on with a rename that broke off: librbd links the new name, changes the directory, unlinks the old name."""
    try:
        with session.image(new, read_only=True) as image:
            image_id = image.id()
        with session.image(old, read_only=True) as image:
            same = image.id() == image_id
    except session.rbd.ImageNotFound:
        return  # only the new name is left
    if not same:
        raise exceptions.BackendError(reason=f'{new} is there already')
    listed = {entry['id']: entry['name'] for entry in session.rbd.RBD().list2(session.ioctx)}
    _check(session, effect)
    if listed.get(image_id) == new:
        session.ioctx.remove_object(f'rbd_id.{old}')
    else:
        session.ioctx.remove_object(f'rbd_id.{new}')
        session.rbd.RBD().rename(session.ioctx, old, new)


def _exists(session, object_name):
    try:
        session.ioctx.stat(object_name)
    except Exception as error:
        if errors.number_of(error) == errno.ENOENT:
            return False
        raise
    return True


class _Progress:
    """librbd's progress callback, for the job: not more often than it needs to know. It must return an int."""

    def __init__(self, effect):
        self._effect = effect
        self._next = 0.0

    def __call__(self, done, total):
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PROGRESS_INTERVAL
            self._effect.progress(done / total if total else 1.0)
        return 0


def _order(chunk_size):
    """Power of two of the bytes of an object. Raises ConfigurationError."""
    if chunk_size & (chunk_size - 1):
        raise exceptions.ConfigurationError(reason=f'rbd_store_chunk_size = {chunk_size} is not a power of two')
    return (chunk_size * units.Mi).bit_length() - 1


def _host_and_port(address):
    """Of a monitor: 192.0.2.1:6789/0, [2001:db8::1]:6789/0."""
    host, _, port = address.partition('/')[0].rpartition(':')
    return host.strip('[]'), port


def _escaped(text):
    """As qemu's rbd locators want it."""
    return re.sub(r'([\\:@=/])', r'\\\1', text)

# SPDX-License-Identifier: Apache-2.0
"""The driver ``rbd``: images of a Ceph pool, made by librbd.

An image is made under its final name at once.  librbd enters it in the pool's directory first and writes its header
and object map after; whether all is there can be seen, and what is not complete is made anew.  (A volume fetched from
another pool is built under another name: there it cannot be seen.)  Any number of processes on any machines may serve a
backend: a worker that lost its job is cut off by the OSD blocklist.

    volume-<id>                               an image: a volume
    volume-<id>@snapshot-<id>                 a snapshot of it
    volume-<id>@volume-<new>.clone_snap       while volume-<new> is made as a clone of it
    volume-<id>.0                             a volume being fetched from another pool, or made of a group snapshot
    blockctl-group-<id>                       a group of librbd: a group snapshot of one moment
    blockctl_errands                          an object: what upkeep.py has to do

A snapshot with clones, when it is deleted, is kept by librbd in the image's own trash, and removed with the last clone.
A volume with clones, and with ``enable_deferred_deletion`` any, goes to the pool's trash, and upkeep.py removes it from
there; any other passes through it (removal.py).  What somebody else moved to the trash stays there.
"""

import contextlib
import re
import time

from oslo_log import log as logging
from oslo_utils import units

from blockctl import exceptions
from blockctl.drivers import interface
from blockctl.drivers import names
from blockctl.drivers.rbd import client
from blockctl.drivers.rbd import clones
from blockctl.drivers.rbd import copying
from blockctl.drivers.rbd import errands
from blockctl.drivers.rbd import group_snapshots
from blockctl.drivers.rbd import images
from blockctl.drivers.rbd import limits as image_limits
from blockctl.drivers.rbd import options
from blockctl.drivers.rbd import removal
from blockctl.drivers.rbd import turns
from blockctl.drivers.rbd import upkeep

LOG = logging.getLogger(__name__)

#: Seconds for which a fence just made is not made again: a dead process leaves many jobs behind, with one identity.
_FENCE_HOLDS = 60
#: GiB from which removing an image may take so long that the job wants to hear of it.
_LONG = 100
#: An address as librados gives it for a client and as "osd blocklist add" takes it: 192.0.2.1:0/123, [::1]:0/123.
_ADDRESS = re.compile(r'(\d{1,3}(\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]):\d+/\d+')


class RBDDriver(interface.Driver, interface.Encrypts, interface.Limits, interface.Extends, interface.Snapshots,
                interface.GroupSnapshots, interface.Clones, interface.Reverts, interface.Connects, interface.Renames,
                interface.Manages, interface.Migrates, interface.Copies):
    """See the module."""

    any_machine = True
    exports = False

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
        self._turns = turns.Turns(conf.backend_call_timeout)
        self._upkeep = upkeep.Upkeep(self._client, conf.deferred_deletion_purge_interval,
                                     conf.rbd_concurrent_flatten_operations)

    @classmethod
    def options(cls):
        return options.OPTIONS

    # --- life
    def start(self):
        self._client.start()
        with self._client.session() as session:
            client.ensure_trash(session)
        self._upkeep.start()

    def stop(self):
        self._upkeep.stop()
        self._client.stop()

    def stats(self):
        with self._client.session() as session:
            usage = session.ask_monitor('df')
            try:
                quota = session.ask_monitor('osd pool get-quota', pool=self.conf.rbd_pool)['quota_max_bytes']
            except exceptions.NotFoundOnBackend:
                quota = 0  # the monitors have no figures yet of a pool made a moment ago
            # The monitor answers for a cluster whose OSDs do not, and for a client that these have cut off.
            images.exists(session, 'rbd_directory')
            foreign = 0 if self.conf.rbd_exclusive_cinder_pool else self._foreign(session)
            fsid = session.cluster.get_fsid()
        total, free = self._capacity(usage, quota)
        location = f'ceph:{self.conf.rbd_ceph_conf}:{fsid}:{self.conf.rbd_user}:{self.conf.rbd_pool}'
        # Both spellings of QoS are in use in types' extra specs.
        pool = interface.PoolStats(name=self._pool, total=total / units.Gi, free=free / units.Gi,
                                   foreign=foreign / units.Gi, thin=True,
                                   capabilities={'multiattach': True, 'QoS_support': True, 'qos_support': True,
                                                 'location_info': location})
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
            images.check(session, effect)
            try:
                self._make(session, volume)
            except session.rbd.ImageExists:
                self._complete(session, volume, effect)
        return {}

    def create_encrypted(self, volume, header, effect):
        """Made in two steps under its final name: what breaks off in between is done again by who goes on with it."""
        made = self.create(volume, effect)
        with self._client.session() as session, session.image(volume.name) as image:
            images.check(session, effect)
            image.write(header, 0)
            image.flush()
        return made

    def delete(self, volume, effect):
        """Raises BackendBusy while it is in use or has snapshots; clones of it may live on."""
        names.check(volume.name)
        # librbd calls back once for each object: for a small image that costs more than it tells.
        progress = images.Progress(effect) if volume.size >= _LONG else None
        with self._client.session() as session, self._turns.of(volume.name):
            images.check(session, effect)
            gone = not self.conf.enable_deferred_deletion and removal.remove(session, volume.name, effect, progress)
            if not gone and not self._set_aside(session, volume, effect):
                images.remove(session, volume.name, progress)
            built = _built_as(volume)
            if images.exists(session, f'rbd_id.{built}'):
                images.check(session, effect)
                images.remove(session, built, progress)
        self._upkeep.clone_gone()

    def _set_aside(self, session, volume, effect):
        """Move a volume to the trash, or have upkeep.py do it, if that is called for and it is there whole.

        Returns whether it was. Raises BackendBusy.
        """
        try:
            image_id = images.id_of(session, volume.name)
            if not self.conf.enable_deferred_deletion and not removal.has_to_wait(session, image_id):
                return False
            if 'left' in errands.details(session, errands.PURGE, image_id):
                return True
            with session.image(None, image_id=image_id, read_only=True) as image:
                snapshots = images.snapshots(image)
                in_use = images.users(image) - self._flattens(session, image_id)
        except (session.rados.ObjectNotFound, session.rbd.ImageNotFound):
            return False
        if in_use:
            raise exceptions.BackendBusy(reason=f'{volume.name} is in use')
        left = [name for name in snapshots if clones.is_temporary(name, self._template)]
        if len(left) < len(snapshots):
            raise exceptions.BackendBusy(reason=f'{volume.name} has snapshots')
        if left:  # of clones whose making was broken off
            with session.image(volume.name) as image:
                for name in left:
                    images.check(session, effect)
                    image.remove_snap(name)
        delay = self.conf.deferred_deletion_delay if self.conf.enable_deferred_deletion else 0
        due = time.time() + delay
        images.check(session, effect)
        # Before it is done: who dies in between is followed by one that does it.
        errands.add(session, errands.PURGE, image_id, due=due)
        images.check(session, effect)
        if removal.is_flattened(session, image_id):
            removal.leave(session, volume.name, image_id, due)
        else:
            session.rbd.RBD().trash_move(session.ioctx, volume.name, delay)
        self._upkeep.waits()
        return True

    def _flattens(self, session, image_id):
        """Address of the client that makes the image independent of its parent (upkeep.py): that is no use of it."""
        return {errands.details(session, errands.FLATTEN, image_id).get('by')}

    def find(self):
        """What is in the trash, or on its way there, is not there any more, for all but upkeep.py."""
        with self._client.session() as session:
            found = _listed(session)
        return [interface.Found(pool=self._pool, name=name, size=None, partial=names.is_temporary(name))
                for name in found if self._template.gave(name)]

    def _make(self, session, volume):
        session.rbd.RBD().create(session.ioctx, volume.name, volume.size * units.Gi, order=self._order,
                                 old_format=False)

    def _complete(self, session, volume, effect):
        """There is something by the volume's name: leave it when it is the volume, else put the volume in its place."""
        size = images.size_if_complete(session, volume.name)
        if size is None:
            LOG.info('%s is there in part; it is made anew.', volume.name)
            images.remove(session, volume.name)
            images.check(session, effect)
            self._make(session, volume)
        elif size != volume.size * units.Gi:
            raise exceptions.BackendError(
                reason=f'{volume.name} is there, but has {size} bytes instead of {volume.size} GiB')

    # --- abilities
    def limit(self, volume, limits, effect):
        """By the image's metadata (limits.py)."""
        name = names.check(volume.name)
        with self._client.session() as session, self._turns.of(name):
            if limits or image_limits.may_have(session, name):
                with session.image(name) as image:
                    image_limits.keep(session, image, limits, effect)

    def extend(self, volume, size, effect):
        """An image in use grows too: its user has the lock, and librbd asks it to."""
        name = names.check(volume.name)
        with self._client.session() as session, self._turns.of(name), session.image(name) as image:
            if image.size() < size * units.Gi:
                images.check(session, effect)
                image.resize(size * units.Gi, allow_shrink=False)

    def create_snapshot(self, snapshot, effect):
        """Of a volume in use it holds what was written when it was taken, as after a power cut."""
        name, own = names.check(snapshot.volume.name), names.check(snapshot.name)
        with self._client.session() as session, self._turns.of(name), session.image(name) as image:
            images.take_snapshot(session, image, own, effect)
        return {}

    def delete_snapshot(self, snapshot, effect):
        """Its clones live on (see the module). One of a group goes with that."""
        if group_snapshots.holds(snapshot):
            return
        name, own = names.check(snapshot.volume.name), names.check(snapshot.name)
        with (self._client.session() as session, self._turns.of(name),
              contextlib.suppress(session.rbd.ImageNotFound), session.image(name) as image):
            images.check(session, effect)
            # One that came in by manage may have been protected, for clones of format 1.
            image.remove_snap2(own, session.rbd.RBD_SNAP_REMOVE_UNPROTECT)

    def create_group_snapshot(self, group_snapshot_id, snapshots, effect):
        name, images_of = group_snapshots.name_of(group_snapshot_id), [names.check(s.volume.name) for s in snapshots]
        with self._client.session() as session, contextlib.ExitStack() as turns_taken:
            for image_name in sorted(images_of):
                turns_taken.enter_context(self._turns.of(image_name))
            group_snapshots.take(session, name, images_of, effect)
        return {snapshot.id: {'provider_id': name} for snapshot in snapshots}

    def delete_group_snapshot(self, group_snapshot_id, effect):
        with self._client.session() as session:
            group_snapshots.remove(session, group_snapshots.name_of(group_snapshot_id), effect)

    def create_from_snapshot(self, volume, snapshot, effect):
        if group_snapshots.holds(snapshot):
            return self._copy_from_group(volume, snapshot, effect)
        names.check(volume.name)
        source, own = names.check(snapshot.volume.name), names.check(snapshot.name)
        deepest = self.conf.rbd_max_clone_depth
        with self._client.session() as session:
            clones.make(session, source, own, volume, effect)
            if volume.size > snapshot.size:
                clones.grow(session, volume, effect)
            if self.conf.rbd_flatten_volume_from_snapshot:
                self._flatten(session, volume, effect)
            elif deepest and clones.depth(session, source) >= deepest:
                self._flatten_later(session, volume, effect)
        return {}

    def clone(self, volume, source, effect):
        names.check(volume.name)
        name, deepest = names.check(source.name), self.conf.rbd_max_clone_depth
        with self._client.session() as session:
            with self._turns.of(name), session.image(name) as origin:
                size = origin.size()
                with clones.temporary_snapshot(session, origin, volume, effect) as snapshot:
                    clones.make(session, name, snapshot, volume, effect)
            if volume.size * units.Gi > size:
                clones.grow(session, volume, effect)
            if not deepest:
                self._flatten(session, volume, effect)
            elif clones.depth(session, name) >= deepest:
                self._flatten_later(session, volume, effect)
        return {}

    def _flatten(self, session, volume, effect):
        """Make a new volume independent before it is used. Waits until not too many others are at that."""
        while not self._upkeep.slots.acquire(timeout=images.PROGRESS_INTERVAL):
            images.check(session, effect)
            effect.progress(0.0)
        try:
            with session.image(volume.name) as image:
                images.check(session, effect)
                clones.flatten(session, image, images.Progress(effect))
        finally:
            self._upkeep.slots.release()

    def _flatten_later(self, session, volume, effect):
        """The volume can be used meanwhile."""
        images.check(session, effect)
        errands.add(session, errands.FLATTEN, images.id_of(session, volume.name))
        self._upkeep.kick()

    def revert(self, volume, snapshot, effect):
        """In place, only what was written since; the volume stays as large as it is. Nobody may use it meanwhile.

        Not to a snapshot of a group: raises BackendUnable.
        """
        if group_snapshots.holds(snapshot):
            raise exceptions.BackendUnable(ability=interface.Reverts.__name__)
        name, own = names.check(volume.name), names.check(snapshot.name)
        with self._client.session() as session, self._turns.of(name):
            step = _Step(session, effect)
            step(0.0)
            with session.image(name, snapshot=own, read_only=True) as source, session.image(name) as image:
                if images.users(image) - {session.address}:
                    raise exceptions.BackendBusy(reason=f'{name} is in use')
                copying.copy(source, image, step, since=own)

    def connect(self, volume, connector, effect):
        """What os-brick and Nova expect of an RBD volume; hosts and ports are the monitors'."""
        with self._client.session() as session:
            if not images.exists(session, f'rbd_id.{names.check(volume.name)}'):
                raise exceptions.NotFoundOnBackend(name=volume.name)
            addresses = [_host_and_port(address) for address in session.monitors()]
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
        }}

    def disconnect(self, volume, connector, effect):
        """Nothing was exported."""

    def rename(self, volume, old_name, effect):
        old, new = names.check_foreign(old_name), names.check(volume.name)
        with self._client.session() as session:
            images.rename(session, old, new, effect)

    def size_of(self, name, pool):
        with self._client.session() as session, session.image(names.check_foreign(name), read_only=True) as image:
            return -(-image.size() // units.Gi)

    def manageable(self):
        return [interface.Manageable(pool=self._pool, name=name, size=-(-size // units.Gi),
                                     reason_not_safe='it is in use' if users else None)
                for name, size, users, _ in self._looked_at()]

    def manageable_snapshots(self):
        return [interface.Manageable(pool=self._pool, name=snap['name'], size=-(-snap['size'] // units.Gi), volume=name)
                for name, _, _, snaps in self._looked_at() for snap in snaps
                if not clones.is_temporary(snap['name'], self._template) and _can_be_named(snap['name'], names.check)]

    def _looked_at(self):
        """(name, bytes, addresses of users, snapshots) of each image whose name can be asked for."""
        with self._client.session() as session:
            for name in _listed(session):
                if not _can_be_named(name, names.check_foreign) or (
                        self._template.gave(name) and names.is_temporary(name)):
                    continue
                with contextlib.suppress(session.rbd.ImageNotFound), session.image(name, read_only=True) as image:
                    snaps = [snap for snap in image.list_snaps()
                             if snap['namespace'] == session.rbd.RBD_SNAP_NAMESPACE_TYPE_USER]
                    yield name, image.size(), images.users(image), snaps

    def rename_snapshot(self, snapshot, old_name, effect):
        name, old, new = names.check(snapshot.volume.name), names.check(old_name), names.check(snapshot.name)
        with self._client.session() as session, self._turns.of(name), session.image(name) as image:
            there = images.snapshots(image)
            if old not in there:
                if new not in there:
                    raise exceptions.NotFoundOnBackend(name=f'{name}@{old}')
                return  # renamed before
            if new in there:
                raise exceptions.BackendError(reason=f'{name}@{new} is there already')
            images.check(session, effect)
            image.rename_snap(old, new)

    # --- from another pool of the cluster
    def can_copy_from(self, source_location):
        fsid, pool = _cluster_and_pool(source_location)
        if not fsid or pool == self.conf.rbd_pool:
            return False
        with self._client.session() as session:
            return fsid == session.cluster.get_fsid()

    def copy_from(self, volume, source_location, source, effect):
        """Snapshots stay behind, and what the source shares with a parent is copied too."""
        name, built = names.check(volume.name), _built_as(volume)
        _, pool = _cluster_and_pool(source_location)
        with self._client.session() as session:
            if images.size_if_complete(session, name) is None:
                images.check(session, effect)
                images.remove(session, built)  # of an earlier try
                with session.pool(pool) as other, session.rbd.Image(
                        other, names.check(source.name), read_only=True) as origin:
                    self._copy(session, origin, built, volume.size * units.Gi, effect)
            images.rename(session, built, name, effect)
        return {}

    def _copy_from_group(self, volume, snapshot, effect):
        name, built = names.check(volume.name), _built_as(volume)
        names.check(snapshot.volume.name)
        with self._client.session() as session:
            if images.size_if_complete(session, name) is None:
                images.check(session, effect)
                images.remove(session, built)  # of an earlier try
                with group_snapshots.opened(session, snapshot) as origin:
                    self._copy(session, origin, built, volume.size * units.Gi, effect)
            images.rename(session, built, name, effect)
        return {}

    def _copy(self, session, origin, name, size, effect):
        """A new image with all data of another, laid out like it."""
        step = _Step(session, effect)
        step(0.0)
        stat = origin.stat()
        session.rbd.RBD().create(
            session.ioctx, name, max(size, stat['size']), order=stat['order'], old_format=False,
            **_striping(origin, stat))
        with session.image(name) as image:
            copying.copy(origin, image, step)

    def locator(self, volume):
        """For qemu-img, with format raw: it must never guess that from what a tenant wrote."""
        text = f'rbd:{_escaped(self.conf.rbd_pool)}/{names.check(volume.name)}'
        if self.conf.rbd_user:
            text += f':id={_escaped(self.conf.rbd_user)}'
        if self.conf.rbd_ceph_conf:
            text += f':conf={_escaped(self.conf.rbd_ceph_conf)}'
        return text


class _Step:
    """Before each part of a copy: may the job still act, and how far it is."""

    def __init__(self, session, effect):
        self._session = session
        self._effect = effect
        self._progress = images.Progress(effect)

    def __call__(self, done):
        images.check(self._session, self._effect)
        self._progress(done, 1.0)


def _listed(session):
    """Names of the pool's images, without those that upkeep.py is to remove."""
    entries = session.rbd.RBD().list2(session.ioctx)
    left = errands.left(session)
    return [entry['name'] for entry in entries if entry['id'] not in left]


def _built_as(volume):
    """The name under which a volume is built that is fetched from elsewhere. One is enough: former workers are cut off
    before others go on with their jobs.
    """
    return names.temporary(volume.name, 0)


def _striping(image, stat):
    """How an image's bytes are spread over its objects, where that is not plain."""
    if image.stripe_count() == 1 and image.stripe_unit() == stat['obj_size']:
        return {}
    return {'stripe_unit': image.stripe_unit(), 'stripe_count': image.stripe_count()}


def _cluster_and_pool(location):
    """(fsid, pool) of the ``location_info`` of a backend of this driver; ('', '') of another's."""
    parts = (location or '').rsplit(':', 3)  # a path may have colons
    if len(parts) != 4 or not parts[0].startswith('ceph:'):
        return '', ''
    return parts[1], parts[3]


def _can_be_named(name, check):
    try:
        check(name)
    except exceptions.InvalidRequest:
        return False
    return True


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

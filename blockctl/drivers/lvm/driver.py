# SPDX-License-Identifier: Apache-2.0
"""The driver ``lvm``: logical volumes of one volume group of this machine, thick, or thin in one pool.

    volume-<id>              a volume
    _snapshot-<id>           a snapshot (LVM keeps names that begin with "snapshot" for itself)
    volume-<id>.<epoch>      a volume whose data are still being written (rule 2 of drivers/interface.py)
    volume-<id>.<epoch>0     a snapshot of what they are copied from
    <volume group>-pool      the thin pool

Any number of processes of the machine may serve it: each acts on a volume with a lock held (drivers/locks.py), right
after ``effect.check()``.  What bears no name of blockctl's is never touched.
"""

import contextlib
import os
import time

from oslo_log import log as logging
from oslo_utils import units

from blockctl import exceptions
from blockctl.drivers import interface
from blockctl.drivers import locks
from blockctl.drivers import names
from blockctl.drivers.lvm import commands
from blockctl.drivers.lvm import data
from blockctl.drivers.lvm import options
from blockctl.drivers.lvm import volume_group
from blockctl.drivers.targets import options as target_options
from blockctl.drivers.targets import serving

LOG = logging.getLogger(__name__)

#: Seconds between two looks at a merge.
_LOOK = 1.0
#: What LVM takes for its own at the beginning of a name.
_TAKEN = 'snapshot'


class LVMDriver(interface.Driver, interface.Encrypts, interface.Extends, interface.Snapshots, interface.Clones,
                interface.Reverts, interface.Connects, interface.Renames, interface.Copies, interface.Manages):
    """See the module."""

    any_machine = False
    exports = True

    def __init__(self, conf, backend):
        super().__init__(conf, backend)
        self._template = names.Template(conf.volume_name_template)
        self._commands = commands.Commands(conf)
        self._group = volume_group.VolumeGroup(conf.volume_group, self._commands)
        self._data = data.Data(self._commands, conf)
        self._target = serving.target(conf, self._commands)
        self._locks = os.path.join(conf.lvm_lock_directory, f'lvm-{conf.volume_group}')
        self._pool = conf.volume_backend_name or backend.rpartition('@')[2]
        self._thin_pool = None

    @classmethod
    def options(cls):
        return (*options.OPTIONS, *target_options.OPTIONS)

    # --- life
    def start(self):
        if not os.path.isabs(self._locks):
            raise exceptions.ConfigurationError(reason='lvm_lock_directory must be an absolute path')
        os.makedirs(self._locks, mode=0o700, exist_ok=True)
        self._commands.prepare()
        contents = self._group.contents()
        self._thin_pool = self._choose_pool(contents)
        if self._thin_pool and self._thin_pool not in contents:
            with locks.held(os.path.join(self._locks, 'pool'), self.conf.backend_call_timeout):
                if self._thin_pool not in self._group.contents():
                    self._group.create_thin_pool(self._thin_pool)
        self._target.start()

    def _choose_pool(self, contents):
        """The name of the thin pool, or None where volumes are thick."""
        pool = f'{self._group.name}-pool'
        thin = {'thin': True, 'default': False}.get(self.conf.lvm_type, not contents or pool in contents)
        if thin and pool in contents and not contents[pool].is_thin_pool:
            raise exceptions.ConfigurationError(reason=f'{pool} is not a thin pool')
        return pool if thin else None

    def stop(self):
        """Nothing is kept open, and hosts keep what they have."""

    def stats(self):
        room, contents = self._group.room(), self._group.contents()
        describe = self._thin_stats if self._thin_pool else self._thick_stats
        return interface.BackendStats(
            vendor_name='Open Source', driver_version='1.0',
            storage_protocol=serving.storage_protocol(self.conf), pools=(describe(room, contents),))

    def _thin_stats(self, room, contents):
        pool = contents.get(self._thin_pool)
        if pool is None:
            raise exceptions.BackendUnavailable(reason=f'{self._group.of(self._thin_pool)} is gone')
        foreign = sum(each.size for each in contents.values() if each.pool == pool.name and not self._is_ours(each))
        total = pool.size / units.Gi
        free = total * (1 - pool.data_percent / 100) if pool.takes_volumes else 0.0
        return interface.PoolStats(
            name=self._pool, total=total, free=free, foreign=foreign / units.Gi,
            thin=True, thick=False, capabilities={'multiattach': True, 'metadata_percent': pool.metadata_percent})

    def _thick_stats(self, room, contents):
        """Snapshots count as foreign: room is set aside for what changes, and no claim knows of it."""
        own = sum(each.size for each in contents.values() if self._is_ours(each) and not each.is_thick_snapshot)
        copies = 1 + self.conf.lvm_mirrors
        total, free = room.size / copies / units.Gi, room.free / copies / units.Gi
        return interface.PoolStats(name=self._pool, total=total, free=free, thin=False, thick=True,
                                   foreign=max(0.0, total - free - own / units.Gi), capabilities={'multiattach': True})

    def _is_ours(self, volume):
        return self._template.gave(volume.name)

    # --- fence
    def identity(self):
        return ''

    def fence(self, identity):
        """Nothing to do: the lock is the fence. Whoever has it asks ``effect.check()`` before it acts."""

    # --- volumes
    def create(self, volume, effect):
        with self._locked(volume) as contents:
            if not self._is_there(contents, volume):
                effect.check()
                self._make(volume.name, volume.size)
        return {}

    def create_encrypted(self, volume, header, effect):
        def make(name):
            self._make(name, volume.size)
            self._data.write(self._group.device(name), header)

        with self._locked(volume) as contents:
            if not self._is_there(contents, volume):
                self._build(contents, volume, make, effect)
        return {}

    def delete(self, volume, effect):
        with self._locked(volume) as contents:
            if any(each.origin == volume.name and _is_snapshot_name(each.name) for each in contents.values()):
                raise exceptions.BackendBusy(reason=f'{volume.name} has snapshots')
            effect.check()
            if volume.name in contents:
                self._target.remove(volume)
                contents = self._group.contents()  # the target had it open
            for name in [*_leftovers(contents, volume), volume.name]:
                if name in contents:
                    self._clear_away(contents[name], effect)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._lock_path(volume))

    def find(self):
        contents = self._group.contents()
        return [interface.Found(pool=self._pool, name=name, size=each.size / units.Gi,
                                partial=names.is_temporary(name))
                for name, each in contents.items() if self._is_ours(each)]

    # --- abilities
    def extend(self, volume, size, effect):
        with self._locked(volume) as contents:
            found = self._present(contents, volume.name)
            effect.check()
            if not found.active:  # a worker that died here before
                self._group.activate(volume.name)
            if found.size < size * units.Gi:
                self._grow(contents, volume.name, size)
            self._target.resized(volume)

    def create_snapshot(self, snapshot, effect):
        with self._locked(snapshot.volume) as contents:
            if _lv_name(snapshot.name) not in contents:
                effect.check()
                self._snapshot(_lv_name(snapshot.name), self._present(contents, snapshot.volume.name))
        return {}

    def delete_snapshot(self, snapshot, effect):
        with self._locked(snapshot.volume) as contents:
            found = contents.get(_lv_name(snapshot.name))
            effect.check()
            if found is not None:
                self._refuse_used(found)
                self._group.remove(found.name)

    def create_from_snapshot(self, volume, snapshot, effect):
        return self._copy_of(volume, _lv_name(names.check(snapshot.name)), effect)

    def clone(self, volume, source, effect):
        return self._copy_of(volume, names.check(source.name), effect)

    def revert(self, volume, snapshot, effect):
        """The snapshot is merged into the volume, and taken anew. Done in part before: only that is left to do."""
        name = _lv_name(names.check(snapshot.name))
        with self._locked(volume) as contents:
            found = self._present(contents, volume.name)
            self._refuse_used(found)
            if name in contents:
                effect.check()
                if not contents[name].merging:
                    self._group.merge(name)
                self._await_merge(name, effect)
                contents = self._group.contents()
            effect.check()
            if contents[volume.name].size < volume.size * units.Gi:  # a merge gives the size back too
                self._grow(contents, volume.name, volume.size)
            self._snapshot(name, self._group.get(volume.name))

    def connect(self, volume, connector, effect):
        with self._locked(volume) as contents:
            self._present(contents, volume.name)
            effect.check()
            self._group.activate(volume.name)
            return self._target.export(volume, self._group.device(volume.name), connector)

    def disconnect(self, volume, connector, effect):
        with self._locked(volume):
            effect.check()
            self._target.revoke(volume, connector)

    def rename(self, volume, old_name, effect):
        names.check_foreign(old_name)
        with self._locked(volume) as contents:
            self._rename(contents, old_name, volume.name, effect)

    def rename_snapshot(self, snapshot, old_name, effect):
        old, new = _lv_name(names.check(old_name)), _lv_name(names.check(snapshot.name))
        with self._locked(snapshot.volume) as contents:
            if old in contents and contents[old].origin != snapshot.volume.name:
                raise exceptions.NotFoundOnBackend(name=old_name)
            self._rename(contents, old, new, effect)

    def size_of(self, name, pool):
        return volume_group.gib(self._group.get(names.check_foreign(name)).size)

    def fill(self, volume, source, effect):
        """Another group's device by this driver's own means, as root; anything else by qemu-img, as who we are."""
        if source.startswith('/dev/'):
            self._data.copy(source, self.locator(volume), volume.size * units.Gi, effect,
                            sparse=self._thin_pool is not None)
        else:
            super().fill(volume, source, effect)

    def locator(self, volume):
        """A device node. The format is raw: say so to qemu-img, which must never guess from what a tenant wrote."""
        return self._group.device(names.check(volume.name))

    # --- what could be managed
    def manageable(self):
        return [self._manageable(each, each.name) for each in self._nameable() if not self._is_snapshot(each)]

    def manageable_snapshots(self):
        return [self._manageable(each, _told(each.name), volume=each.origin)
                for each in self._nameable() if self._is_snapshot(each)]

    def _is_snapshot(self, found):
        """A volume that was cloned from another has an origin, too."""
        return found.is_thick_snapshot or (bool(found.origin) and not self._is_ours(found))

    def _nameable(self):
        for name, each in sorted(self._group.contents().items()):
            if each.is_thin_pool or (self._is_ours(each) and names.is_temporary(name)):
                continue
            if self._thin_pool and each.pool not in ('', self._thin_pool):
                continue
            with contextlib.suppress(exceptions.InvalidRequest):
                names.check_foreign(name)
                yield each

    def _manageable(self, found, name, volume=None):
        return interface.Manageable(pool=self._pool, name=name, size=volume_group.gib(found.size), volume=volume,
                                    reason_not_safe='it is in use' if found.in_use else None)

    # --- inside the lock
    @contextlib.contextmanager
    def _locked(self, volume):
        """Hold the lock of a volume; gives what is in the group."""
        with locks.held(self._lock_path(volume), self.conf.backend_call_timeout):
            yield self._group.contents()

    def _lock_path(self, volume):
        return os.path.join(self._locks, names.check(volume.name))

    def _present(self, contents, name):
        if name not in contents:
            raise exceptions.NotFoundOnBackend(name=name)
        return contents[name]

    def _is_there(self, contents, volume):
        """Whether the volume is complete: only complete ones have their final name. Raises BackendError."""
        found = contents.get(volume.name)
        if found is not None and found.size != volume.size * units.Gi:
            raise exceptions.BackendError(
                reason=f'{volume.name} is there, but has {found.size} bytes instead of {volume.size} GiB')
        return found is not None

    def _make(self, name, size):
        if self._thin_pool:
            self._group.create_thin(name, size, self._thin_pool)
        else:
            self._group.create_thick(name, size, self.conf.lvm_mirrors)

    def _grow(self, contents, name, size):
        """To ``size`` GiB, with the snapshots it has."""
        if not any(each.origin == name and each.is_thick_snapshot for each in contents.values()):
            self._group.extend(name, size)
            return
        # LVM does not extend an active thick volume that has snapshots; they go and come with it.
        self._group.deactivate(name)
        try:
            self._group.extend(name, size)
        finally:
            self._group.activate(name)

    def _snapshot(self, name, origin):
        self._group.snapshot(name, origin.name, size=None if origin.is_thin else origin.size)

    def _copy_of(self, volume, source, effect):
        with self._locked(volume) as contents:
            if self._is_there(contents, volume):
                return {}
            origin = self._present(contents, source)
            thin = origin.is_thin and origin.pool == self._thin_pool
            copy = self._share if thin else self._copy_frozen
            self._build(contents, volume, lambda name: copy(origin, name, volume.size, effect), effect)
        return {}

    def _build(self, contents, volume, make, effect):
        """Make a volume that is not there by ``make(name)``, which takes several commands, under another name."""
        for name in _leftovers(contents, volume):
            self._clear_away(contents[name], effect)
        temporary = names.temporary(volume.name, effect.epoch)
        effect.check()
        make(temporary)
        effect.check()
        self._group.rename(temporary, volume.name)

    def _share(self, origin, target, size, effect):
        """A thin volume of ``size`` GiB that shares the data of another until one of them is written to."""
        self._group.snapshot(target, origin.name)
        if origin.size < size * units.Gi:
            self._group.extend(target, size)

    def _copy_frozen(self, origin, target, size, effect):
        """Copy data as they are now: of what may be written to meanwhile, by way of a snapshot."""
        self._make(target, size)
        frozen = origin.name if origin.is_thick_snapshot else f'{target}0'
        if frozen != origin.name:
            self._snapshot(frozen, origin)
        try:
            self._group.activate(frozen)
            self._data.copy(self._group.device(frozen), self._group.device(target), origin.size, effect)
        finally:
            if frozen != origin.name:
                self._group.remove(frozen)

    def _clear_away(self, found, effect):
        """Remove a volume; no other tenant reads what was in it. (LVM gives thin volumes zeroed room only.)"""
        self._refuse_used(found)
        if not found.is_thin and not found.is_thick_snapshot and self.conf.volume_clear == 'zero':
            limit = self.conf.volume_clear_size * units.Mi or found.size
            self._group.activate(found.name)
            self._data.clear(self._group.device(found.name), min(found.size, limit), effect)
        effect.check()
        self._group.remove(found.name)

    def _refuse_used(self, found):
        if found.in_use:
            raise exceptions.BackendBusy(reason=f'{found.name} is open')

    def _await_merge(self, name, effect):
        while True:
            found = self._group.contents().get(name)
            if found is None:
                return
            effect.check()
            effect.progress(max(0.0, 1 - found.data_percent / 100))
            time.sleep(_LOOK)

    def _rename(self, contents, old, new, effect):
        if old not in contents:
            self._present(contents, new)  # renamed before: success; else it says what is missing
            return
        if new in contents:
            raise exceptions.BackendError(reason=f'{new} is there already')
        effect.check()
        self._group.rename(old, new)


def _leftovers(contents, volume):
    """Names of what a broken-off creation of the volume left. Nobody builds it now: the lock is held."""
    return [name for name in contents if names.is_temporary_of(name, volume.name)]


def _lv_name(name):
    """What a snapshot is called in the group."""
    return f'_{name}' if name.startswith(_TAKEN) else name


def _told(name):
    """:func:`_lv_name`, backwards."""
    return name.removeprefix('_') if name.startswith(f'_{_TAKEN}') else name


def _is_snapshot_name(name):
    return name.startswith(f'_{_TAKEN}')

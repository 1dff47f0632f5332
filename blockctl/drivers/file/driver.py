# SPDX-License-Identifier: Apache-2.0
"""The driver ``file``: sparse raw images in one directory of this machine.

    DIRECTORY/volume-<id>                    a volume
    DIRECTORY/volume-<id>@snapshot-<id>      a snapshot of it: a whole, sparse copy
    DIRECTORY/volume-<id>.<epoch>            either of them while it is being built (rule 2 of drivers/interface.py)
    DIRECTORY/locks/volume-<id>              flock(2) of whoever acts on the volume

Any number of processes of the machine that has the directory may serve it.  Calls are bounded in their wait for the
lock; the file system itself is taken to be local, and to answer.
"""

import contextlib
import os

from oslo_log import log as logging
from oslo_utils import units

from blockctl import exceptions
from blockctl.drivers import directories
from blockctl.drivers import interface
from blockctl.drivers import names
from blockctl.drivers.file import options
from blockctl.drivers.file import sparse

LOG = logging.getLogger(__name__)


class FileDriver(directories.Directory, interface.Driver, interface.Encrypts, interface.Extends, interface.Snapshots,
                 interface.Clones, interface.Reverts, interface.Connects, interface.Renames, interface.Copies,
                 interface.Manages):
    """See the module. Every effect happens with the volume's lock held, right after ``effect.check()``."""

    any_machine = False
    exports = False

    def __init__(self, conf, backend):
        super().__init__(conf, backend)
        self._template = names.Template(conf.volume_name_template)
        self._directory = conf.file_directory
        self._pool = conf.volume_backend_name or backend.rpartition('@')[2]

    @classmethod
    def options(cls):
        return options.OPTIONS

    # --- life
    def start(self):
        if not self._directory or not os.path.isabs(self._directory):
            raise exceptions.ConfigurationError(reason='file_directory has to name an absolute path')
        try:
            for path in (self._directory, self._locks):
                os.makedirs(path, mode=0o700, exist_ok=True)
        except OSError as error:
            raise exceptions.ConfigurationError(reason=f'file_directory: {error}') from error
        if not os.access(self._directory, os.R_OK | os.W_OK | os.X_OK):
            raise exceptions.ConfigurationError(reason=f'file_directory: {self._directory} cannot be written')
        self._claim('.backend')

    def stop(self):
        """Nothing is kept open between calls."""

    def stats(self):
        with self._errors():
            system = os.statvfs(self._directory)
            ours = sum(found.st_blocks * 512 for _, found in self._images())
        total = system.f_blocks * system.f_frsize
        free = system.f_bavail * system.f_frsize
        # What is kept for root counts as foreign too: no volume will get it.
        foreign = max(0, total - free - ours)
        pool = interface.PoolStats(name=self._pool, total=total / units.Gi, free=free / units.Gi,
                                   foreign=foreign / units.Gi, thin=True, capabilities={'multiattach': True})
        return interface.BackendStats(vendor_name='blockctl', driver_version='1.0', storage_protocol='file',
                                      pools=(pool,))

    # --- fence
    def identity(self):
        return ''

    def fence(self, identity):
        """Nothing to do: every effect is made with the volume's flock held, and asks ``effect.check()`` inside it.

        A paused process is either outside the lock, and then its check fails when it goes on; or inside, and then
        nobody else gets the lock (they see BackendTimeout) until it has finished or is dead, which frees the lock.
        """

    # --- volumes
    def create(self, volume, effect):
        with self._locked(volume):
            if not self._is_there(volume):
                self._build(volume.name, volume.size, effect)
        return {}

    def create_encrypted(self, volume, header, effect):
        with self._locked(volume):
            if not self._is_there(volume):
                self._build(volume.name, volume.size, effect, header=header)
        return {}

    def delete(self, volume, effect):
        """Raises BackendBusy while it has snapshots."""
        with self._locked(volume):
            left, snapshots = [], []
            for name in os.listdir(self._directory):
                if name.startswith(f'{volume.name}@'):
                    snapshots.append(name)
                elif name == volume.name or names.is_temporary_of(name, volume.name):
                    left.append(name)
            if not all(names.is_temporary(name) for name in snapshots):
                raise exceptions.BackendBusy(reason=f'{volume.name} has snapshots')
            effect.check()
            for name in left + snapshots:
                directories.unlink(self._path(name))
            self._sync_directory()
            directories.unlink(self._lock_path(volume.name))

    def find(self):
        found = []
        with self._errors():
            for name, stats in self._images():
                found.append(interface.Found(pool=self._pool, name=name, size=stats.st_size / units.Gi,
                                             partial=names.is_temporary(name)))
        return found

    # --- abilities
    def extend(self, volume, size, effect):
        with self._locked(volume), self._open(volume.name, os.O_RDWR) as image:
            if os.fstat(image).st_size >= size * units.Gi:
                return
            effect.check()
            os.ftruncate(image, size * units.Gi)
            os.fsync(image)

    def create_snapshot(self, snapshot, effect):
        """A copy as the volume is now. Of a volume being written it holds no single moment."""
        volume, name = snapshot.volume, directories.snapshot_name(snapshot)
        with self._locked(volume):
            if not os.path.exists(self._path(name)):
                self._build(name, None, effect, source=volume.name)
        return {}

    def delete_snapshot(self, snapshot, effect):
        name = directories.snapshot_name(snapshot)
        with self._locked(snapshot.volume):
            effect.check()
            self._remove_partial(name)
            directories.unlink(self._path(name))
            self._sync_directory()

    def create_from_snapshot(self, volume, snapshot, effect):
        return self._copy_of(volume, directories.snapshot_name(snapshot), effect)

    def clone(self, volume, source, effect):
        return self._copy_of(volume, names.check(source.name), effect)

    def revert(self, volume, snapshot, effect):
        """The volume is replaced at once, by a copy made beforehand; it stays as large as it is."""
        with self._locked(volume):
            now = self._size(volume.name)
            self._build(volume.name, now // units.Gi, effect, source=directories.snapshot_name(snapshot))

    def connect(self, volume, connector, effect):
        self._size(names.check(volume.name))
        return {'driver_volume_type': 'local', 'data': {'device_path': self._path(volume.name)}}

    def disconnect(self, volume, connector, effect):
        """Nothing was exported."""

    def rename(self, volume, old_name, effect):
        names.check_foreign(old_name)
        with self._locked(volume):
            old, new = self._path(old_name), self._path(volume.name)
            if not os.path.lexists(old):
                self._size(volume.name)  # renamed before: success; else it says what is missing
                return
            self._size(old_name)  # a regular file
            if os.path.lexists(new):
                raise exceptions.BackendError(reason=f'{volume.name} is there already')
            for name in os.listdir(self._directory):  # before the image: it says that all is done
                if name.startswith(f'{old_name}@'):
                    effect.check()
                    os.rename(self._path(name), self._path(f'{volume.name}@{name.partition("@")[2]}'))
            effect.check()
            os.rename(old, new)
            self._sync_directory()

    def size_of(self, name, pool):
        return -(-self._size(names.check_foreign(name)) // units.Gi)

    def locator(self, volume):
        """A path. The format is raw: say so to qemu-img, which must never guess from what a tenant wrote."""
        return self._path(names.check(volume.name))

    # --- what could be managed
    def manageable(self):
        return [found for found in self._regular() if found.volume is None]

    def manageable_snapshots(self):
        return [found for found in self._regular() if found.volume is not None]

    def _regular(self):
        """Every complete image and snapshot whose name can be asked for."""
        with self._errors():
            for name in sorted(os.listdir(self._directory)):
                image, _, snapshot = name.partition('@')
                half_made = self._template.gave(name) and names.is_temporary(name)
                if half_made or not directories.can_be_named(image, snapshot):
                    continue
                with contextlib.suppress(exceptions.NotFoundOnBackend):
                    size = -(-self._size(name) // units.Gi)
                    yield interface.Manageable(pool=self._pool, name=snapshot or image, size=size,
                                               volume=image if snapshot else None)

    def rename_snapshot(self, snapshot, old_name, effect):
        with self._locked(snapshot.volume):
            old, new = f'{snapshot.volume.name}@{names.check(old_name)}', directories.snapshot_name(snapshot)
            if not os.path.lexists(self._path(old)):
                self._size(new)  # renamed before: success; else it says what is missing
                return
            if os.path.lexists(self._path(new)):
                raise exceptions.BackendError(reason=f'{new} is there already')
            effect.check()
            os.rename(self._path(old), self._path(new))
            self._sync_directory()

    # --- inside the lock
    def _copy_of(self, volume, source, effect):
        with self._locked(volume):
            if not self._is_there(volume):
                self._build(volume.name, volume.size, effect, source=source)
        return {}

    def _build(self, name, size, effect, source=None, header=b''):
        """Make ``name`` of ``size`` GiB (None: as large as the source) with the source's data, under another name.

        ``header`` is what it begins with, when it is made of nothing.
        """
        temporary = names.temporary(name, effect.epoch)
        effect.check()
        self._remove_partial(name)
        try:
            with self._open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL) as image:
                self._fill(image, size, effect, source)
                sparse.write(image, header)
                os.fsync(image)
            effect.check()
            os.rename(self._path(temporary), self._path(name))
        except OSError:
            directories.unlink(self._path(temporary))
            raise
        self._sync_directory()

    def _fill(self, image, size, effect, source):
        if source is None:
            os.ftruncate(image, size * units.Gi)
            return
        with self._open(source, os.O_RDONLY) as origin:
            length = os.fstat(origin).st_size
            os.ftruncate(image, max(length, (size or 0) * units.Gi))
            sparse.copy(origin, image, length, lambda done: _step(effect, done))

    # --- files
    @property
    def _locks(self):
        return os.path.join(self._directory, 'locks')


def _step(effect, done):
    effect.check()
    effect.progress(done)

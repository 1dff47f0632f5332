# SPDX-License-Identifier: Apache-2.0
"""The files of one share: making, copying, growing and listing volumes. What their snapshots do is in layers.py."""

import contextlib
import fcntl
import os
import struct

from oslo_log import log as logging
from oslo_utils import units

from blockctl import exceptions
from blockctl.drivers import directories
from blockctl.drivers import interface
from blockctl.drivers import names
from blockctl.drivers import qemu
from blockctl.drivers.nfs import chains
from blockctl.drivers.nfs import qcow2
from blockctl.drivers.nfs import records

LOG = logging.getLogger(__name__)

#: Bytes of room that are asked for at once. Where a server cannot give any, each block of them is written.
_PIECE = 64 * units.Mi
#: What a foreign file is called when it is qcow2.
_SUFFIX = '.qcow2'
#: struct flock of fcntl(2): type, whence, start, length, pid.
_FLOCK = struct.Struct('hhqqi')
#: Bytes that QEMU (block/file-posix.c) locks in a file that it writes to, or that nobody else is to write to.
_WRITES, _NO_OTHER_WRITES = 101, 201


class Images(directories.Directory):
    """Those of ``share`` (shares.Share). Every effect happens with the volume's lock held, after ``effect.check()``."""

    def __init__(self, conf, backend, share, mounts):
        self.conf = conf
        self.backend = backend
        self.share = share
        self._mounts = mounts
        self._template = names.Template(conf.volume_name_template)
        self._directory = share.directory
        self._records = records.Records(share.directory)
        self._locks = self._records.locks
        self._prepared = False
        self._mode = 0o666 if conf.nas_secure_file_permissions.lower() == 'false' else 0o660

    def ready(self, attempts=1):
        """Have the share mounted, its server answering, and the records there.

        Raises BackendUnavailable, BackendTimeout or ConfigurationError.
        """
        self._mounts.ensure(self.share, attempts)
        if not self._prepared:
            try:
                self._records.prepare()
                self._claim(os.path.join(records.NAME, 'backend'))
            except OSError as error:
                raise exceptions.BackendUnavailable(reason=f'{self.share.export}: {error.strerror}') from error
            self._prepared = True

    def stats(self):
        self.ready()
        with self._errors():
            system = os.statvfs(self._directory)
            ours = sum({found.st_ino: found.st_blocks * 512 for _, found in self._images()}.values())
        total, free = system.f_blocks * system.f_frsize, system.f_bavail * system.f_frsize
        thin = self.conf.nfs_qcow2_volumes or self.conf.nfs_sparsed_volumes
        return interface.PoolStats(
            name=self.share.pool, total=total / units.Gi, free=free / units.Gi, thin=thin, thick=not thin,
            foreign=max(0, total - free - ours) / units.Gi)

    # --- volumes
    def create(self, volume, effect):
        with self._locked(volume):
            if not self._is_there(volume):
                self._build(volume.name, volume.size * units.Gi, effect)

    def delete(self, volume, effect):
        """Raises BackendBusy while it has snapshots."""
        with self._locked(volume):
            if self._frozen(volume.name):
                raise exceptions.BackendBusy(reason=f'{volume.name} has snapshots')
            effect.check()
            for name in os.listdir(self._directory):
                unfinished = names.is_temporary_of(name, volume.name) or name.startswith(f'{volume.name}@')
                if unfinished or name == volume.name:
                    directories.unlink(self._path(name))
            self._sync_directory()
            self._records.forget(volume.name)
            directories.unlink(self._lock_path(volume.name))

    def extend(self, volume, size, effect):
        """Raises BackendUnable for a qcow2 file that a host has: only the program that uses it could make it larger."""
        with self._locked(volume):
            top, wanted = self._chain(volume.name)[0], size * units.Gi
            if top.size >= wanted:
                return
            if top.format == 'qcow2':
                self._refuse_hosts(volume.name, 'to make a qcow2 file larger that a host has')
                qemu.run(['resize', '-f', 'qcow2', self._path(volume.name), str(wanted)], effect)
                return
            effect.check()
            with self._open(volume.name, os.O_RDWR) as image:
                self._give_room(image, top.size, wanted, effect)
                os.fsync(image)

    def copy_of(self, volume, origin, source, name, effect):
        """Make ``volume`` of the file ``name`` of the volume ``source``, on the share of ``origin`` (Images)."""
        with self._locked(volume):
            if self._is_there(volume):
                return
            with origin.reading(source, name) as found:
                self._build(volume.name, max(found.size, volume.size * units.Gi), effect, found)

    @contextlib.contextmanager
    def reading(self, volume, name):
        """A chains.Source. Its files are open: whatever becomes of their names, what is read is of one moment.

        No other program writes to them meanwhile: qemu-img takes QEMU's own locks, as who starts a server does.
        """
        with contextlib.ExitStack() as stack:
            with self._locked(volume):
                if name == volume.name:
                    self._refuse_hosts(name, 'to copy a volume that a host has')
                layers = self._chain(name)
                files = {layer.name: stack.enter_context(self.open_file(layer.name)) for layer in layers}
            yield chains.Source(chains.locator(layers, lambda each: f'/proc/self/fd/{files[each]}'), layers[0].size,
                                tuple(files.values()))

    # --- hosts
    def connect(self, volume, connector, effect):
        """Note that a host has the volume. Returns the format of its file."""
        with self._locked(volume):
            top = self._chain(volume.name)[0]
            if not self._records.hosts(volume.name):
                self._refuse_programs(volume.name)
            effect.check()
            self._records.add_host(volume.name, connector)
            return top.format

    def disconnect(self, volume, connector, effect):
        with self._locked(volume):
            effect.check()
            self._records.remove_host(volume.name, connector)

    def _refuse_hosts(self, name, ability):
        """Who has a volume has its files open, and would go on with them, or not see what they have become."""
        if self._records.hosts(name):
            raise exceptions.BackendUnable(ability=ability)

    def _refuse_programs(self, name):
        """A host could not begin to write while the volume is being copied, say."""
        with self.open_file(name, os.O_RDWR) as image:
            for byte in (_WRITES, _NO_OTHER_WRITES):
                asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
                kind, *_ = _FLOCK.unpack(fcntl.fcntl(image, fcntl.F_OFD_GETLK, asked))
                if kind != fcntl.F_UNLCK:
                    raise exceptions.BackendBusy(reason=f'another program has {name} open')

    # --- what there is
    def find(self):
        self.ready()
        with self._errors():
            entries = self._by_volume(os.listdir(self._directory))
            return [interface.Found(pool=self.share.pool, name=name, partial=names.is_temporary(name),
                                    size=self._size_or_none(name, entries)) for name, _ in self._images()]

    def _size_or_none(self, name, entries):
        """GiB of a volume; that of a snapshot, of what is half made or cannot be read is not known."""
        if '@' in name or names.is_temporary(name):
            return None
        try:
            return self._chain(name, entries.get(name, ()))[0].size / units.Gi
        except exceptions.BackendError as error:
            LOG.warning('%s: %s', name, error)
            return None

    @staticmethod
    def _by_volume(entries):
        """{volume: names of files that are its snapshots'}, with an empty list for each that has none."""
        found = {}
        for entry in sorted(entries):
            volume, _, snapshot = entry.partition('@')
            found.setdefault(volume, []).extend([entry] if snapshot else [])
        return found

    def size_of(self, name):
        self.ready()
        with self._errors():
            return _gib(self._chain(names.check_foreign(name))[0].size)

    def locator(self, volume):
        names.check(volume.name)
        self.ready()
        with self._errors():
            return chains.locator(self._chain(volume.name), self._path)

    def manageable(self):
        """interface.Manageable for each image and each snapshot."""
        self.ready()
        with self._errors():
            for name, snapshots in self._by_volume(os.listdir(self._directory)).items():
                half_made = self._template.gave(name) and names.is_temporary(name)
                if not half_made and directories.can_be_named(name, ''):
                    with contextlib.suppress(exceptions.NotFoundOnBackend):
                        yield from self._manageable(name, snapshots)

    def _manageable(self, name, entries):
        found, reason = {name: self._size(name)}, None
        try:
            layers = self._chain(name, entries)
        except exceptions.NotFoundOnBackend:
            raise
        except exceptions.BackendError as error:
            reason = str(error)
        else:
            found = {layer.name: layer.size for layer in layers}
        if self._records.hosts(name):
            reason = 'a host has it'
        for each, size in found.items():
            _, _, snapshot = each.partition('@')
            yield interface.Manageable(pool=self.share.pool, name=snapshot or name, size=_gib(size),
                                       reason_not_safe=reason, volume=name if snapshot else None)

    # --- files
    @contextlib.contextmanager
    def _locked(self, volume):
        names.check(volume.name)
        self.ready()
        with super()._locked(volume):
            yield

    @contextlib.contextmanager
    def open_file(self, name, flags=os.O_RDONLY):
        """A descriptor of a regular file. Raises NotFoundOnBackend for anything else."""
        self._size(name)
        with self._open(name, flags | os.O_NONBLOCK) as descriptor:
            yield descriptor

    def is_same(self, name, other):
        """Whether two names are of one file."""
        try:
            return os.path.samestat(*(os.stat(self._path(each), follow_symlinks=False) for each in (name, other)))
        except FileNotFoundError:
            return False

    def _chain(self, name, entries=None):
        """The layers of a volume, or from a snapshot downwards. Raises NotFoundOnBackend, or BackendError.

        ``entries``: those of the directory that count, if it was read before.
        """
        volume, _, snapshot = name.partition('@')
        layers = chains.read(self, volume, self._format(volume, entries))
        if not snapshot:
            return layers
        found = next((number for number, layer in enumerate(layers) if layer.name == name), None)
        if found is None:
            self._size(name)
            raise exceptions.BackendError(reason=f'{name} is below no volume')
        if self._records.is_merging(name):
            raise exceptions.BackendError(reason=f'{name} is being deleted')
        return layers[found:]

    def _format(self, volume, entries):
        """What the file of a volume is. Never read from the file, which a tenant may have written."""
        if self._frozen(volume, entries):
            return 'qcow2'
        recorded = self._records.format(volume)
        if recorded:
            return recorded
        if volume.endswith(_SUFFIX):
            return 'qcow2'
        with self.open_file(volume) as image:
            if os.pread(image, len(qcow2.MAGIC), 0) == qcow2.MAGIC:
                raise exceptions.BackendError(
                    reason=f'{volume} begins like a qcow2 file, and nothing says that it is one: the name of an image '
                           f'that is to be managed then ends with {_SUFFIX}')
        return 'raw'

    def _frozen(self, volume, entries=None):
        """Names of a volume's snapshots. One that is still the volume's own file is none yet: see layers.py."""
        return [name for name in (os.listdir(self._directory) if entries is None else entries)
                if name.startswith(f'{volume}@') and not names.is_temporary(name) and not self.is_same(name, volume)]

    def _capacity(self, name):
        return self._chain(name)[0].size

    # --- building
    def _build(self, name, size, effect, source=None):
        """Make the volume ``name`` of ``size`` bytes, with the data of a chains.Source, under another name first."""
        file_format = 'qcow2' if self.conf.nfs_qcow2_volumes else 'raw'
        with self._temporary(name, effect) as temporary:
            self._make(temporary, file_format, size, effect)
            if source is not None:
                qemu.run(['convert', '-n', '--target-is-zero', '-t', 'writeback', '-f', 'raw', '-O', file_format,
                          source.locator, self._path(temporary)], effect, source.files)
            self._complete(temporary)
            effect.check()
            self._records.set_format(name, file_format)
            os.rename(self._path(temporary), self._path(name))
        self._sync_directory()

    @contextlib.contextmanager
    def _temporary(self, name, effect):
        """What ``name`` is to be built under. It goes when that fails."""
        temporary = names.temporary(name, effect.epoch)
        effect.check()
        self._remove_partial(name)
        try:
            yield temporary
        except (OSError, exceptions.BackendError):
            directories.unlink(self._path(temporary))
            raise

    def _make(self, name, file_format, size, effect):
        """An empty file of a volume."""
        if file_format == 'qcow2':
            qemu.run(['create', '-f', 'qcow2', self._path(name), str(size)], effect)
            return
        with self._open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL) as image:
            self._give_room(image, 0, size, effect)

    def _give_room(self, image, start, size, effect):
        """Make a raw file as large as ``size``."""
        if self.conf.nfs_sparsed_volumes:
            os.ftruncate(image, size)
            return
        for position in range(start, size, _PIECE):
            effect.check()
            effect.progress(position / size)
            os.posix_fallocate(image, position, min(_PIECE, size - position))

    def _complete(self, name):
        """Nothing that a crash could take is left to be done for a file but to have its name."""
        with self._open(name, os.O_RDWR) as image:
            os.fchmod(image, self._mode)
            os.fsync(image)


def _gib(size):
    return -(-size // units.Gi)

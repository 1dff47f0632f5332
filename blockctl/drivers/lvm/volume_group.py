# SPDX-License-Identifier: Apache-2.0
"""One LVM volume group: what is in it, and the commands that change it. Sizes are bytes unless said otherwise.

Each method is one command, which LVM does wholly or not at all; it keeps a lock of its own on the group meanwhile.
"""

import dataclasses

from oslo_utils import units

from blockctl import exceptions

_FIELDS = ('lv_name', 'lv_size', 'origin_size', 'lv_attr', 'origin', 'pool_lv', 'data_percent', 'metadata_percent',
           'lv_metadata_size')

_SECTOR = 512  # bytes
#: LVM makes nothing more in a thin pool that has less free of its metadata than this, or than a quarter.
_METADATA_KEPT = 4 * units.Mi  # bytes
#: How much is copied at a time before it changes, in a thick volume with snapshots, and how much is read of one at a
#: time: with LVM's 4 KiB copying a snapshot takes four times as long.
_CHUNK = '64k'


@dataclasses.dataclass(frozen=True, slots=True)
class LogicalVolume:
    """A logical volume as lvs(8) shows it; ``attributes`` are the ten letters of lv_attr.

    ``size``: as its user sees it, not the room of a thick snapshot.
    """

    name: str
    size: int
    attributes: str
    origin: str
    pool: str
    data_percent: float
    metadata_percent: float
    metadata_size: int

    @property
    def is_thin(self):
        return self.attributes[0] == 'V'

    @property
    def is_thin_pool(self):
        return self.attributes[0] == 't'

    @property
    def takes_volumes(self):
        """A thin pool has metadata left for more volumes and snapshots; those that are there may go on growing."""
        kept = min(_METADATA_KEPT, self.metadata_size / 4)
        return self.metadata_size * (1 - self.metadata_percent / 100) > kept

    @property
    def is_thick_snapshot(self):
        """By copy on write. (Thin ones do not differ from other thin volumes but by having an origin.)"""
        return self.attributes[0] in 'sS'

    @property
    def merging(self):
        return self.attributes[0] == 'S'

    @property
    def in_use(self):
        """Somebody has its device open."""
        return self.attributes[5] == 'o'

    @property
    def active(self):
        return self.attributes[4] == 'a'


@dataclasses.dataclass(frozen=True, slots=True)
class Room:
    """Of the whole group."""

    size: int
    free: int


class VolumeGroup:
    """``commands``: a lvm.commands.Commands."""

    def __init__(self, name, commands):
        self.name = name
        self._commands = commands

    # --- looking
    def room(self):
        """Raises BackendUnavailable when there is no such group."""
        [row] = self._commands.report('vgs', ('vg_size', 'vg_free'), self.name)
        return Room(int(row['vg_size']), int(row['vg_free']))

    def contents(self):
        """{name: LogicalVolume} of all but LVM's own parts of others."""
        rows = self._commands.report('lvs', _FIELDS, self.name)
        return {row['lv_name']: _logical_volume(row) for row in rows}

    def get(self, name):
        """Raises NotFoundOnBackend."""
        try:
            [row] = self._commands.report('lvs', _FIELDS, self.of(name))
        except exceptions.NotFoundOnBackend:
            raise exceptions.NotFoundOnBackend(name=name) from None
        return _logical_volume(row)

    def of(self, name):
        """What LVM's commands call a logical volume."""
        return f'{self.name}/{name}'

    def device(self, name):
        """Its device node."""
        return f'/dev/{self.name}/{name}'

    # --- changing
    def create_thin_pool(self, name):
        """Of most of the free room: what is left is for its metadata to grow."""
        self._run('lvcreate', '--type', 'thin-pool', '-l', '95%FREE', '-n', name, self.name)

    def create_thin(self, name, size, pool):
        """``size``: GiB."""
        self._run('lvcreate', '--type', 'thin', '-V', f'{size}g', '--thinpool', pool, '-n', name, self.name)

    def create_thick(self, name, size, mirrors):
        """``size``: GiB. Signatures that are there by chance are wiped."""
        copies = ('--type', 'raid1', '-m', str(mirrors), '--nosync') if mirrors else ()
        self._run('lvcreate', '-Wy', '-Zy', '-L', f'{size}g', *copies, '-n', name, self.name)

    def snapshot(self, name, origin, size=None):
        """A snapshot that can be used at once. ``size``: bytes of a thick origin, which may all change; None: thin."""
        room = ('-c', _CHUNK, '-L', f'{_with_tables(size)}b') if size else ('-kn',)
        self._run('lvcreate', '--snapshot', *room, '-n', name, self.of(origin))

    def extend(self, name, size):
        """To ``size`` GiB."""
        self._run('lvextend', '-L', f'{size}g', self.of(name))

    def rename(self, old, new):
        self._run('lvrename', self.name, old, new)

    def activate(self, name):
        # -K: also what is marked to be left out of activation, as thin snapshots that others made are.
        self._run('lvchange', '-ay', '-K', self.of(name))

    def deactivate(self, name):
        self._run('lvchange', '-an', self.of(name))

    def merge(self, snapshot):
        """Begin to give a snapshot's data back to its origin; the snapshot is gone when that has ended."""
        self._run('lvconvert', '--merge', '--background', self.of(snapshot))

    def remove(self, name):
        """Absent is success."""
        try:
            self._run('lvremove', '-f', self.of(name))
        except exceptions.NotFoundOnBackend:
            return

    def _run(self, program, *arguments):
        self._commands.run(program, '-q', '-y', *arguments)


def _logical_volume(row):
    return LogicalVolume(
        name=row['lv_name'], size=int(row['origin_size'] or row['lv_size']), attributes=row['lv_attr'],
        origin=row['origin'], pool=row['pool_lv'], data_percent=float(row['data_percent'] or 0),
        metadata_percent=float(row['metadata_percent'] or 0), metadata_size=int(row['lv_metadata_size'] or 0))


def _with_tables(size):
    """Bytes for a snapshot of so many that all change, and more than enough to say where; LVM takes what it needs."""
    return -(-(size + size // 64) // _SECTOR) * _SECTOR


def gib(size):
    """Bytes as GiB, rounded up."""
    return -(-size // units.Gi)

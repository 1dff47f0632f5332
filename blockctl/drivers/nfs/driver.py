# SPDX-License-Identifier: Apache-2.0
"""The driver ``nfs``: raw or qcow2 files on shares that this machine mounts. Each share is a pool.

    volume-<id>                      a volume
    volume-<id>@snapshot-<id>        a snapshot: what the volume's file was then; the volume's file is based on it
    volume-<id>.<epoch>              a volume's file while it is being built (rule 2 of drivers/interface.py)
    .blockctl/                       locks, and what cannot be read from the files (records.py)

Any number of processes of one machine may serve it.  Hosts that have a volume have mounted the share themselves and use
the file by its name: while one has it, its snapshots neither come nor go.
"""

import itertools

from oslo_log import log as logging

from blockctl import exceptions
from blockctl.drivers import directories
from blockctl.drivers import interface
from blockctl.drivers.nfs import layers
from blockctl.drivers.nfs import options
from blockctl.drivers.nfs import shares

LOG = logging.getLogger(__name__)


class NFSDriver(interface.Driver, interface.Extends, interface.Snapshots, interface.Clones, interface.Reverts,
                interface.Connects, interface.Renames, interface.Copies, interface.Manages):
    """See the module."""

    # Locks of NFS end when a client was silent for a while, dead or not: between machines they are no fence.
    any_machine = False
    exports = True

    def __init__(self, conf, backend):
        super().__init__(conf, backend)
        self._pools = {}

    @classmethod
    def options(cls):
        return options.OPTIONS

    # --- life
    def start(self):
        mounts = shares.Mounts(self.conf)
        found = shares.configured(self.conf, self.conf.volume_backend_name or self.backend.rpartition('@')[2])
        self._pools = {share.pool: layers.LayeredImages(self.conf, self.backend, share, mounts) for share in found}
        self._of_each(lambda pool: pool.ready(self.conf.nfs_mount_attempts))

    def stop(self):
        """Shares stay mounted: other processes, and hosts on this machine, may use them."""

    def stats(self):
        return interface.BackendStats(vendor_name='Open Source', driver_version='1.0', storage_protocol='nfs',
                                      pools=tuple(self._of_each(lambda pool: pool.stats())))

    def _of_each(self, call):
        """What the pools say that can be reached. Raises what kept from the last, when there is none."""
        said, failure = [], None
        for name, pool in self._pools.items():
            try:
                said.append(call(pool))
            except exceptions.BackendError as error:
                LOG.warning('%s: %s', name, error)
                failure = error
        if failure is not None and not said:
            raise failure
        return said

    def _pool(self, volume):
        return self._pool_called(volume.pool)

    def _pool_called(self, name):
        if name not in self._pools:
            raise exceptions.BackendUnavailable(reason=f'{name} is not among the shares of this backend')
        return self._pools[name]

    # --- fence
    def identity(self):
        return ''

    def fence(self, identity):
        """Nothing to do: the lock is the fence. Whoever has it asks ``effect.check()`` before it acts."""

    # --- volumes
    def create(self, volume, effect):
        self._pool(volume).create(volume, effect)
        return {}

    def delete(self, volume, effect):
        self._pool(volume).delete(volume, effect)

    def find(self):
        return list(itertools.chain.from_iterable(pool.find() for pool in self._pools.values()))

    # --- abilities
    def extend(self, volume, size, effect):
        self._pool(volume).extend(volume, size, effect)

    def create_snapshot(self, snapshot, effect):
        self._pool(snapshot.volume).create_snapshot(snapshot, effect)
        return {}

    def delete_snapshot(self, snapshot, effect):
        self._pool(snapshot.volume).delete_snapshot(snapshot, effect)

    def create_from_snapshot(self, volume, snapshot, effect):
        origin = self._pool(snapshot.volume)
        self._pool(volume).copy_of(volume, origin, snapshot.volume, directories.snapshot_name(snapshot),
                                   effect)
        return {}

    def clone(self, volume, source, effect):
        self._pool(volume).copy_of(volume, self._pool(source), source, source.name, effect)
        return {}

    def revert(self, volume, snapshot, effect):
        self._pool(volume).revert(volume, snapshot, effect)

    def connect(self, volume, connector, effect):
        """As os-brick's connector for NFS and Nova take it; ``options``: of the share, as mount(8) has them."""
        pool = self._pool(volume)
        data = {'export': pool.share.export, 'name': volume.name, 'format': pool.connect(volume, connector, effect),
                'mount_point_base': self.conf.nfs_mount_point_base}
        if pool.share.options:
            data['options'] = f'-o {pool.share.options}'
        return {'driver_volume_type': 'nfs', 'data': data}

    def disconnect(self, volume, connector, effect):
        self._pool(volume).disconnect(volume, connector, effect)

    def rename(self, volume, old_name, effect):
        self._pool(volume).rename(volume, old_name, effect)

    def rename_snapshot(self, snapshot, old_name, effect):
        self._pool(snapshot.volume).rename_snapshot(snapshot, old_name, effect)

    def size_of(self, name, pool):
        return self._pool_called(pool).size_of(name)

    def locator(self, volume):
        """Read and written as raw, whatever the file is."""
        return self._pool(volume).locator(volume)

    def manageable(self):
        return [found for found in self._everything() if found.volume is None]

    def manageable_snapshots(self):
        return [found for found in self._everything() if found.volume is not None]

    def _everything(self):
        return itertools.chain.from_iterable(pool.manageable() for pool in self._pools.values())

# SPDX-License-Identifier: Apache-2.0
"""Snapshots of several volumes at one moment, of the driver ``rbd`` on a real cluster."""

import dataclasses
import struct
import threading
import uuid

import pytest

from blockctl import exceptions

from . import stands

if not stands.CEPH_CONF:
    pytest.skip('rbd needs a Ceph cluster for tests: name its ceph.conf in BLOCKCTL_TEST_CEPH_CONF '
                '("tools/services up ceph" starts one)', allow_module_level=True)

rados = pytest.importorskip('rados', reason='python3-rados is not installed')
rbd = pytest.importorskip('rbd', reason='python3-rbd is not installed')

pytestmark = pytest.mark.drivers('rbd')


@pytest.fixture
def volumes(stand):
    return [stand.made(1) for _ in range(2)]


class Writer(threading.Thread):
    """A server that writes a number to the first volume, then the same to the second, and so on."""

    def __init__(self, pool, volumes):
        super().__init__(name='writer', daemon=True)
        self._pool, self._volumes = pool, volumes
        self.enough = threading.Event()
        self.warm = threading.Event()
        self.written, self.errors = 0, []

    def run(self):
        cluster = rados.Rados(conffile=stands.CEPH_CONF)
        cluster.connect()
        try:
            with cluster.open_ioctx(self._pool) as ioctx:
                images = [rbd.Image(ioctx, volume.name) for volume in self._volumes]
                while not self.enough.is_set():
                    for image in images:
                        image.write(struct.pack('>Q', self.written), 0)
                    self.written += 1
                    if self.written > 20:
                        self.warm.set()
                for image in images:
                    image.close()
        except Exception as error:
            self.errors.append(error)
        finally:
            cluster.shutdown()


def take(stand, volumes, group_snapshot_id=None):
    """(its id, its snapshots as they are stored)"""
    group_snapshot_id = group_snapshot_id or str(uuid.uuid4())
    snapshots = [stand.snapshot(volume) for volume in volumes]
    made = stand.driver.create_group_snapshot(group_snapshot_id, snapshots, stand.effect())
    return group_snapshot_id, [dataclasses.replace(snapshot, **made[snapshot.id]) for snapshot in snapshots]


def number_in(stand, snapshot):
    """What a volume made of a snapshot has."""
    volume = stand.volume(1)
    stand.driver.create_from_snapshot(volume, snapshot, stand.effect())
    stand.driver.create_from_snapshot(volume, snapshot, stand.effect())  # twice is once
    with stand.cluster.open_ioctx(stand.ceph_pool) as ioctx, rbd.Image(ioctx, volume.name, read_only=True) as image:
        return struct.unpack('>Q', image.read(0, 8))[0]


def test_one_moment_while_both_are_written(stand, volumes):
    writer = Writer(stand.ceph_pool, volumes)
    writer.start()
    try:
        assert writer.warm.wait(30)
        taken = [take(stand, volumes) for _ in range(3)]
        before = writer.written
        writer.warm.clear()
        assert writer.warm.wait(30)  # it goes on
    finally:
        writer.enough.set()
        writer.join(30)
    assert writer.errors == []
    assert writer.written > before
    for group_snapshot_id, snapshots in taken:
        first, second = (number_in(stand, snapshot) for snapshot in snapshots)
        assert first - second in (0, 1)
        clear(stand, group_snapshot_id, snapshots)


def clear(stand, group_snapshot_id, snapshots):
    for snapshot in snapshots:
        stand.driver.delete_snapshot(snapshot, stand.effect())
    for _ in range(2):
        stand.driver.delete_group_snapshot(group_snapshot_id, stand.effect())


def test_repeated_it_is_the_same(stand, volumes):
    """Broken off after any step: the moment that was taken stays, and a volume can go when its snapshots are gone."""
    group_snapshot_id, snapshots = take(stand, volumes)
    stand.write(volumes[0], 7)
    again = stand.driver.create_group_snapshot(group_snapshot_id, snapshots, stand.effect())
    assert {values['provider_id'] for values in again.values()} == {snapshot.provider_id for snapshot in snapshots}
    assert number_in(stand, snapshots[0]) == 0
    with pytest.raises(exceptions.BackendBusy):
        stand.driver.delete(volumes[0], stand.effect())
    clear(stand, group_snapshot_id, snapshots)
    for volume in volumes:
        stand.driver.delete(volume, stand.effect())


def test_no_way_back_to_it(stand, volumes):
    group_snapshot_id, snapshots = take(stand, volumes)
    with pytest.raises(exceptions.BackendUnable):
        stand.driver.revert(volumes[0], snapshots[0], stand.effect())
    clear(stand, group_snapshot_id, snapshots)
    with pytest.raises(exceptions.NotFoundOnBackend):
        stand.driver.create_from_snapshot(stand.volume(1), snapshots[0], stand.effect())

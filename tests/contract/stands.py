# SPDX-License-Identifier: Apache-2.0
"""One backend of each kind, with what the tests need besides the driver: data, a raw view, a way to make it full."""

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import time
import uuid

import pytest
from oslo_config import cfg

from blockctl import exceptions
from blockctl.conf import backend
from blockctl.drivers import fake
from blockctl.drivers import interface
from blockctl.drivers.file import driver as file_driver
from blockctl.drivers.lvm import driver as lvm_driver
from blockctl.drivers.nfs import driver as nfs_driver
from blockctl.drivers.rbd import driver as rbd_driver
from tests.harness import storage_vm

from . import effects

CEPH_CONF = os.environ.get('BLOCKCTL_TEST_CEPH_CONF')

#: The file that names a guest with LVM (tools/storage_vm).
STORAGE_VM = os.environ.get('BLOCKCTL_TEST_STORAGE_VM')

DRIVERS = {'file': file_driver.FileDriver, 'fake': fake.FakeDriver, 'rbd': rbd_driver.RBDDriver,
           'lvm-thick': lvm_driver.LVMDriver, 'lvm-thin': lvm_driver.LVMDriver,
           'nfs-raw': nfs_driver.NFSDriver, 'nfs-qcow2': nfs_driver.NFSDriver}

_NEEDS = {'rbd': CEPH_CONF, 'lvm-thick': STORAGE_VM, 'lvm-thin': STORAGE_VM}

#: What runs here. rbd without a cluster, and lvm without a guest, are left out; test_rbd.py and test_lvm.py say so.
NAMES = tuple(name for name in DRIVERS if _NEEDS.get(name, 'nothing'))


def make_driver(name, **values):
    """A driver as blockctl-volume makes it, its section holding ``values``; not started."""
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt('volume_name_template', default='volume-%s')])
    conf.register_opts(backend.OPTIONS, 'here')
    conf.register_opts(DRIVERS[name].options(), 'here')
    conf([], default_config_files=[], default_config_dirs=[])
    conf.register_opts([cfg.StrOpt('state_path', default='/nowhere')])
    for option, value in values.items():
        conf.set_override(option, value, None if option == 'volume_name_template' else 'here')
    return DRIVERS[name](backend.Section(conf, 'here'), 'node@here')


def wait_for(condition, seconds=90):
    """Poll until ``condition()`` is true; fails after ``seconds``: a dead client may have had a turn of a minute."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f'not within {seconds} s: {condition}'
        time.sleep(0.02)


def settled(call, *arguments):
    """What it returns when its volume is not busy any more: jobs try again, too, for machines look at what changed."""
    end = time.monotonic() + 30
    while True:
        try:
            return call(*arguments)
        except exceptions.BackendBusy:
            assert time.monotonic() < end, 'busy for too long'
            time.sleep(0.1)


class Stand:
    """A started driver, and volumes for it."""

    #: How many volumes are many.
    many = 30

    def __init__(self, name, **values):
        self.name = name
        self.values = values
        self._started = []
        self.driver = self.another()

    def another(self, **values):
        """A second instance on the same storage, as another process has one."""
        driver = make_driver(self.name, **{**self.values, **values})
        driver.start()
        self._started.append(driver)
        return driver

    def stop(self):
        for driver in self._started:
            driver.stop()

    @property
    def pool(self):
        return self.driver.stats().pools[0].name

    def volume(self, size=1, **values):
        volume_id = str(uuid.uuid4())
        return interface.Volume(**{'id': volume_id, 'size': size, 'pool': 'here', 'name': f'volume-{volume_id}',
                                   **values})

    def made(self, size=1):
        """A volume that is there."""
        volume = self.volume(size)
        self.driver.create(volume, self.effect())
        return volume

    def snapshot(self, volume):
        snapshot_id = str(uuid.uuid4())
        return interface.Snapshot(id=snapshot_id, name=f'snapshot-{snapshot_id}', volume=volume, size=volume.size)

    def effect(self, driver=None, **values):
        """For a job that was claimed with ``driver``, or else the stand's own."""
        return effects.Effect(**{'identity': (driver or self.driver).identity(), **values})

    def found(self):
        return {found.name: found for found in self.driver.find()}

    def everything(self):
        """What is really there, by names of the backend's own; empty when nothing is left of any volume."""
        raise NotImplementedError

    def assert_empty(self):
        """Nothing is left, or goes by itself."""
        wait_for(lambda: not self.everything())

    def write(self, volume, pattern, offset=0):
        """A block full of ``pattern`` (0 to 255) at ``offset`` MiB."""
        _qemu_io(self.driver.locator(volume), f'write -P {pattern} {offset}M 64k')

    def holds(self, volume, pattern, offset=0):
        """Whether that block is there."""
        return _qemu_io(self.driver.locator(volume), f'read -P {pattern} {offset}M 64k')

    def size(self, volume):
        """Bytes, as a user of the volume sees it."""
        output = subprocess.run(['qemu-img', 'info', '-f', 'raw', '--output=json', self.driver.locator(volume)],
                                check=True, capture_output=True, timeout=60)
        return json.loads(output.stdout)['virtual-size']

    def full(self):
        """For the ``with`` block there is no room for another volume."""
        raise NotImplementedError


class FileStand(Stand):

    def __init__(self, directory):
        self.directory = directory
        super().__init__('file', file_directory=str(directory), backend_call_timeout=20.0)

    def everything(self):
        return {path.name for path in self.directory.iterdir()} - {'locks', '.backend'}

    @contextlib.contextmanager
    def full(self):
        """A file system with a single inode left, for the lock, where one can be mounted."""
        mount(self.directory, 'nr_inodes=4')
        try:
            (self.directory / 'locks').mkdir()
            (self.directory / 'last').touch()
            yield
        finally:
            subprocess.run(['umount', str(self.directory)], check=True, timeout=30)


class FakeStand(Stand):

    def __init__(self):
        super().__init__('fake', fake_capacity_gib=100.0)

    def another(self, **values):
        return super().another(**values) if values or not hasattr(self, 'driver') else self.driver

    def everything(self):
        return set(self.driver.images)

    def write(self, volume, pattern, offset=0):
        self.driver.images[volume.name].data[offset] = pattern

    def holds(self, volume, pattern, offset=0):
        return self.driver.images[volume.name].data.get(offset, 0) == pattern

    def size(self, volume):
        return self.driver.images[volume.name].size << 30

    @contextlib.contextmanager
    def full(self):
        volume = self.made(size=int(self.driver.stats().pools[0].free))
        yield
        self.driver.delete(volume, self.effect())


class RBDStand(Stand):

    #: Objects a pool has without any image.
    NO_IMAGE = frozenset({'rbd_directory', 'rbd_info', 'rbd_trash', 'rbd_children', 'blockctl_errands'})

    def __init__(self, cluster, pool):
        self.cluster = cluster
        self.ceph_pool = pool
        self.ioctx = cluster.open_ioctx(pool)
        super().__init__('rbd', rbd_ceph_conf=CEPH_CONF, rbd_pool=pool, rados_op_timeout=10,
                         deferred_deletion_purge_interval=1)

    def stop(self):
        import rados
        import rbd
        super().stop()
        while self._clear_images(rbd):  # each round frees the parents of what goes
            pass
        for key in (self._objects() - self.NO_IMAGE) | {'blockctl_errands'}:
            with contextlib.suppress(rados.ObjectNotFound):
                self.ioctx.remove_object(key)
        wait_for(lambda: not self._objects() - self.NO_IMAGE)  # the OSDs forget removed snapshots in their own time
        self.ioctx.close()

    def _clear_images(self, rbd):
        """Remove what can be removed. Whether something is left."""
        for group in list(rbd.RBD().group_list(self.ioctx)):
            rbd.RBD().group_remove(self.ioctx, group)
        for name in rbd.RBD().list(self.ioctx):
            with contextlib.suppress(rbd.ImageNotFound), rbd.Image(self.ioctx, name) as image:
                for snap in list(image.list_snaps()):
                    if 'trash' not in snap:
                        image.remove_snap2(snap['name'], rbd.RBD_SNAP_REMOVE_UNPROTECT)
            with contextlib.suppress(rbd.ImageNotFound, rbd.ImageHasSnapshots):
                rbd.RBD().remove(self.ioctx, name)
        for entry in list(rbd.RBD().trash_list(self.ioctx)):
            with contextlib.suppress(rbd.ImageHasSnapshots):
                rbd.RBD().trash_remove(self.ioctx, entry['id'], force=True)
        return rbd.RBD().list(self.ioctx) or list(rbd.RBD().trash_list(self.ioctx))

    def _objects(self):
        return {entry.key for entry in self.ioctx.list_objects()}

    def everything(self):
        import rbd
        return ((self._objects() - self.NO_IMAGE) | set(rbd.RBD().list(self.ioctx))
                | {entry['name'] for entry in rbd.RBD().trash_list(self.ioctx)} | self._errands())

    def _errands(self):
        """What the drivers' upkeep has to do, by its keys."""
        import rados
        with rados.ReadOpCtx() as operation:
            pairs, _ = self.ioctx.get_omap_vals(operation, '', '', 1000)
            try:
                self.ioctx.operate_read_op(operation, 'blockctl_errands')
            except rados.ObjectNotFound:
                return set()
            return {key for key, _ in pairs}

    def monitor(self, prefix, **arguments):
        result, output, message = self.cluster.mon_command(json.dumps({'prefix': prefix, **arguments}), b'')
        assert result == 0, message
        return output

    @contextlib.contextmanager
    def full(self):
        self.ioctx.write_full('of-another', b'x')
        self._limit(1)
        try:
            wait_for(lambda: b'POOL_FULL' in self.monitor('health', format='json'))
            yield
        finally:
            self._limit(0)
            wait_for(lambda: b'POOL_FULL' not in self.monitor('health', format='json'))
            self.ioctx.remove_object('of-another')

    def _limit(self, objects):
        self.monitor('osd pool set-quota', pool=self.ceph_pool, field='max_objects', val=str(objects))


@contextlib.contextmanager
def lvm_stands(directory, **values):
    """A function that gives a LVMStand by its name, made when it is first asked for: in a guest that takes its time."""
    made = {}

    def give(name):
        if name not in made:
            made[name] = LVMStand(name, directory, **values)
        return made[name]

    yield give
    for stand in made.values():
        stand.end()


class LVMStand(Stand):
    """A volume group in a guest: programs run there, the driver here. Thick and thin may have their stands at once."""

    many = 10
    INTO = tuple(storage_vm.into(STORAGE_VM))
    ADDRESS = storage_vm.ADDRESS

    def __init__(self, name, directory, **values):
        self.group = os.environ['BLOCKCTL_TEST_STORAGE_VM_GROUP']
        pool = f'{self.group}-pool'
        if name == 'lvm-thin' and pool not in self._names():  # the driver's own would take nearly all
            self.guest('lvcreate', '-y', '-q', '--type', 'thin-pool', '-l', '50%FREE', '-n', pool, self.group)
        super().__init__(
            name, volume_group=self.group, lvm_type={'lvm-thick': 'default', 'lvm-thin': 'thin'}[name],
            storage_command_prefix=list(self.INTO), lvm_lock_directory=str(directory), backend_call_timeout=240.0,
            target_ip_address=self.ADDRESS, target_key_file=str(directory / 'target.key'), use_chap_auth=True, **values)

    def guest(self, *command, given=''):
        """The end of a program in the guest; ``given`` is its input."""
        return subprocess.run([*self.INTO, *command], check=False, capture_output=True, timeout=240, text=True,
                              input=given)

    def stop(self):
        """The drivers keep nothing open: they may be used again."""
        super().stop()
        names = [f'{self.group}/{name}' for name in self.everything()]
        if names:
            removed = self.guest('lvremove', '-f', '-y', *names)
            assert removed.returncode == 0, removed.stderr

    def end(self):
        """After the last test."""
        assert self.guest('lvremove', '-f', '-y', self.group).returncode == 0

    def _names(self):
        return set(self.guest('lvs', '--noheadings', '-o', 'lv_name', self.group).stdout.split())

    def everything(self):
        return self._names() - {f'{self.group}-pool'}

    def write(self, volume, pattern, offset=0):
        self._qemu_io(volume, f'write -P {pattern} {offset}M 64k')

    def holds(self, volume, pattern, offset=0):
        return self._qemu_io(volume, f'read -P {pattern} {offset}M 64k')

    def _qemu_io(self, volume, command):
        done = self.guest('qemu-io', '-f', 'raw', '-c', command, self.driver.locator(volume))
        assert 'ops' in done.stdout, done.stdout + done.stderr
        return done.returncode == 0 and 'verification failed' not in done.stdout

    def size(self, volume):
        return int(self.guest('blockdev', '--getsize64', self.driver.locator(volume)).stdout)

    @contextlib.contextmanager
    def full(self):
        if self.name == 'lvm-thin':
            pytest.skip('a thin pool takes any volume until its data fill it: test_lvm.py fills one')
        created = self.guest('lvcreate', '-y', '-l', '100%FREE', '-n', 'of-another', self.group)
        assert created.returncode == 0, created.stderr
        yield
        self.guest('lvremove', '-f', '-y', f'{self.group}/of-another')


class NFSStand(Stand):
    """A share that is mounted already, as the kernel's table says; the driver takes it as it is.

    It is a small file system in memory. A real share is in test_nfs_real.py.
    """

    HOST, PATH = '127.0.0.1', '/export/contract'

    def __init__(self, name, base, room='nr_inodes=600,size=2g', **values):
        if shutil.which('qemu-img') is None:
            pytest.skip('qemu-img is not installed (qemu-utils)')
        digest = hashlib.md5(f'{self.HOST}:{self.PATH}'.encode(), usedforsecurity=False).hexdigest()
        self.directory = base / digest
        self.directory.mkdir(parents=True)
        mount(self.directory, room, source=f'{self.HOST}:{self.PATH}')
        try:
            super().__init__(name, **{
                'nas_host': self.HOST, 'nas_share_path': self.PATH, 'nfs_mount_point_base': str(base),
                'nfs_qcow2_volumes': name == 'nfs-qcow2', 'nfs_snapshot_support': True,
                'backend_call_timeout': 20.0, **values})
        except BaseException:
            self.unmount()
            raise

    def stop(self):
        super().stop()
        self.unmount()

    def unmount(self):
        subprocess.run(['umount', str(self.directory)], check=True, timeout=30)

    def everything(self):
        """Files, and what is recorded of them."""
        records = self.directory / '.blockctl'
        return {str(path.relative_to(self.directory)) for path in self.directory.rglob('*')
                if not path.is_dir() and path != records / 'backend' and path.parent != records / 'locks'}

    @contextlib.contextmanager
    def full(self):
        """A single inode is left, for the lock."""
        filler = self.directory / 'filler'
        filler.mkdir()
        with contextlib.suppress(OSError):
            for number in itertools.count():
                (filler / str(number)).touch()
        (filler / '0').unlink()
        yield
        shutil.rmtree(filler)


def _qemu_io(locator, command):
    if shutil.which('qemu-io') is None:
        pytest.skip('qemu-io is not installed (qemu-utils, and qemu-block-extra for rbd)')
    result = subprocess.run(['qemu-io', '-f', 'raw', '-c', command, locator], check=False, capture_output=True,
                            timeout=60, text=True)
    assert 'ops' in result.stdout, result.stdout + result.stderr
    return result.returncode == 0 and 'verification failed' not in result.stdout


def mount(directory, options, source='tmpfs'):
    result = subprocess.run(['mount', '-t', 'tmpfs', '-o', options, source, str(directory)], check=False,
                            capture_output=True, timeout=30, text=True)
    if result.returncode:
        pytest.skip(f'no small file system can be mounted here: {result.stderr.strip()}')

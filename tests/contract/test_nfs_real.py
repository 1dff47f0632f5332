# SPDX-License-Identifier: Apache-2.0
"""The driver ``nfs`` on a share of a real server: the kernel's in the guest of tools/storage_vm. It has to run there::

    tools/storage_vm start STATE
    tools/storage_vm exec STATE env BLOCKCTL_TEST_NFS_SERVER=here \\
        PYTHON -m pytest -p no:cacheprovider CHECKOUT/tests/contract/test_nfs_real.py

It starts and stops the machine's NFS server: nowhere else.
"""

import contextlib
import json
import os
import subprocess
import time

import pytest

from blockctl import exceptions
from blockctl.drivers import interface
from blockctl.drivers import locks

from . import stands

if not os.environ.get('BLOCKCTL_TEST_NFS_SERVER'):
    pytest.skip('needs a machine whose NFS server may be stopped, the guest of tools/storage_vm: set '
                'BLOCKCTL_TEST_NFS_SERVER there', allow_module_level=True)

HOST = interface.Connector(host='compute1', ip='127.0.0.1')
#: Made by tools/storage_vm.d/prepare; the guest has no package index.
OS_BRICK = '/var/cache/blockctl-storage-vm/os-brick/bin/python'

BRICK = """
import json, sys
from os_brick import privileged
from os_brick.initiator import connector
privileged.default.set_client_mode(False)  # it is root already
info = json.loads(sys.argv[1])
made = connector.InitiatorConnector.factory('NFS', None, conn=info, nfs_mount_point_base=sys.argv[2])
print(made.connect_volume(info)['path'])
"""


def run(*command, check=True, **options):
    return subprocess.run(command, check=check, capture_output=True, timeout=240, text=True, **options)


class Server:
    """NFS 4 with one export, on a file system of its own."""

    def __init__(self, directory):
        self.directory = directory / 'export'
        self.directory.mkdir()
        self.export = '127.0.0.1:/'  # fsid=0: what is above it in the guest cannot be exported
        run('truncate', '-s', '4G', directory / 'disk')
        run('mkfs.ext4', '-q', directory / 'disk')
        run('mount', '-o', 'loop', directory / 'disk', self.directory)
        with contextlib.suppress(FileExistsError):
            os.makedirs('/var/lib/nfs/v4recovery')
        run('mount', '-t', 'nfsd', 'nfsd', '/proc/fs/nfsd', check=False)
        for state in ('etab', 'rmtab'):
            with open(f'/var/lib/nfs/{state}', 'a', encoding='utf-8'):
                pass
        run('exportfs', '-o', 'rw,no_root_squash,no_subtree_check,insecure,fsid=0', f'127.0.0.1:{self.directory}')
        self._mountd = subprocess.Popen(['rpc.mountd', '-F', '-N', '3'], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.go()

    def go(self):
        """Leases are short: so is the time after a start in which locks are given back only."""
        run('rpc.nfsd', '-N', '3', '-G', '10', '-L', '10', '4')

    def pause(self):
        run('rpc.nfsd', '0')

    def stop(self):
        self.pause()
        self._mountd.terminate()
        self._mountd.wait(30)
        run('exportfs', '-au')
        run('umount', self.directory)


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp('server'))
    yield made
    made.stop()


class NFSStand(stands.Stand):

    def __init__(self, server, base, **values):
        self.server, self.base = server, base
        host, _, path = server.export.partition(':')
        super().__init__('nfs-qcow2', **{
            'nas_host': host, 'nas_share_path': path, 'nas_mount_options': 'vers=4.2', 'nfs_qcow2_volumes': True,
            'nfs_mount_point_base': str(base), 'nfs_snapshot_support': True, 'backend_call_timeout': 60.0, **values})
        self.directory, = (entry for entry in base.iterdir() if entry.is_dir())

    def stop(self):
        super().stop()
        run('umount', self.directory)

    def everything(self):
        return {entry.name for entry in self.server.directory.iterdir()} - {'.blockctl', 'lost+found'}


@pytest.fixture
def share(server, tmp_path):
    made = NFSStand(server, tmp_path / 'mnt')
    yield made
    made.stop()
    for entry in server.directory.glob('volume-*'):
        entry.unlink()


@pytest.fixture
def elsewhere(server, tmp_path):
    """The share as another machine has it mounted: with another version of NFS, this one is another client."""
    directory = tmp_path / 'elsewhere'
    directory.mkdir()
    run('mount', '-t', 'nfs', '-o', 'vers=4.1,nosharecache', server.export, directory)
    yield directory
    run('umount', directory)


def test_it_is_mounted_with_a_bound(share):
    with open('/proc/self/mountinfo', encoding='utf-8') as file:
        line, = (line for line in file if str(share.directory) in line)
    assert ' - nfs4 ' in line and ',softerr,' in line and 'timeo=200,retrans=2' in line
    assert 'nosuid,nodev,noexec' in line


@pytest.mark.parametrize('is_qcow2', [True, False])
def test_the_life_of_a_volume(share, is_qcow2):
    driver = share.another(nfs_qcow2_volumes=is_qcow2)
    volume, clone, of_snapshot = (share.volume(size) for size in (1, 2, 1))
    driver.create(volume, share.effect())
    share.write(volume, 0x11)
    first, second = share.snapshot(volume), share.snapshot(volume)
    driver.create_snapshot(first, share.effect())
    share.write(volume, 0x12)
    driver.create_snapshot(second, share.effect())
    share.write(volume, 0x13, 1)
    driver.extend(volume, 2, share.effect())
    driver.clone(clone, volume, share.effect())
    driver.create_from_snapshot(of_snapshot, first, share.effect())
    assert share.holds(of_snapshot, 0x11) and share.holds(clone, 0x12) and share.holds(clone, 0x13, 1)
    driver.delete_snapshot(first, share.effect())
    driver.revert(volume, second, share.effect())
    assert share.holds(volume, 0x12) and share.holds(volume, 0, 1) and share.size(volume) == 2 << 30
    driver.delete_snapshot(second, share.effect())
    assert share.holds(volume, 0x12) and share.size(volume) == 2 << 30
    assert (share.server.directory / clone.name).stat().st_blocks < (16 << 20) // 512  # holes stay holes
    for each in (volume, clone, of_snapshot):
        driver.delete(each, share.effect())
    assert not share.everything()


def test_os_brick_finds_the_file(share, tmp_path):
    if not os.path.exists(OS_BRICK):
        pytest.skip('os-brick is not prepared')
    volume, base = share.made(), tmp_path / 'nova'
    info = share.driver.connect(volume, HOST, share.effect())['data']
    done = run(OS_BRICK, '-c', BRICK, json.dumps(info), str(base), check=False)
    assert done.returncode == 0, done.stderr
    path = done.stdout.strip()
    try:
        assert path.startswith(str(base)) and path.endswith(volume.name)
        told = run('qemu-img', 'info', '--output=json', '-f', info['format'], path).stdout
        assert json.loads(told)['virtual-size'] == 1 << 30
    finally:
        run('umount', os.path.dirname(path))
    share.driver.disconnect(volume, HOST, share.effect())


def test_qemu_on_another_machine_is_seen(share, elsewhere):
    """Its locks are the server's: nothing is moved, copied or given to a host while it has the file."""
    volume = share.made()
    snapshot = share.snapshot(volume)
    share.driver.create_snapshot(snapshot, share.effect())
    share.write(volume, 0x21)
    program = subprocess.Popen(['qemu-io', '-f', 'qcow2', elsewhere / volume.name], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    assert program.stdout.read(8) == b'qemu-io>'
    try:
        for call, *arguments in ((share.driver.delete_snapshot, snapshot), (share.driver.connect, volume, HOST),
                                 (share.driver.clone, share.volume(), volume), (share.driver.extend, volume, 2)):
            with pytest.raises(exceptions.BackendBusy):
                call(*arguments, share.effect())
    finally:
        program.communicate(b'quit\n', timeout=60)
    share.driver.delete_snapshot(snapshot, share.effect())
    assert share.holds(volume, 0x21)


def test_a_lock_holds_on_another_machine_too(share, elsewhere):
    volume = share.volume()
    impatient = share.another(backend_call_timeout=5.0)
    with locks.held(str(elsewhere / '.blockctl' / 'locks' / volume.name), 60), \
            pytest.raises(exceptions.BackendTimeout):
        impatient.create(volume, share.effect())
    impatient.create(volume, share.effect())


def test_a_server_that_is_away_keeps_nobody_waiting(server, tmp_path):
    share = NFSStand(server, tmp_path / 'mnt', backend_call_timeout=6.0)
    volume = share.made()
    server.pause()
    try:
        for call in (share.driver.stats, lambda: share.driver.extend(volume, 2, share.effect()),
                     lambda: share.driver.create(share.volume(), share.effect())):
            began = time.monotonic()
            with pytest.raises((exceptions.BackendTimeout, exceptions.BackendUnavailable)):
                call()
            assert time.monotonic() - began < 30
    finally:
        server.go()
    stands.wait_for(lambda: is_back(share, volume), 120)
    share.driver.delete(volume, share.effect())
    share.stop()


def is_back(share, volume):
    """Whether it can be written to: a server that was started gives locks back first."""
    try:
        share.driver.extend(volume, 2, share.effect())
    except exceptions.BackendError:
        return False
    return True

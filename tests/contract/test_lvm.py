# SPDX-License-Identifier: Apache-2.0
"""The driver lvm on real LVM, LIO and open-iscsi, all of them in the guest of tools/storage_vm."""

import contextlib
import json
import subprocess
import sys

import pytest

from blockctl import exceptions
from blockctl.drivers import interface
from blockctl.keys import luks

from . import stands

if not stands.STORAGE_VM:
    pytest.skip('lvm needs a machine with device-mapper: name the guest\'s file in BLOCKCTL_TEST_STORAGE_VM '
                '("tools/storage_vm start FILE" boots one)', allow_module_level=True)

pytestmark = pytest.mark.drivers('lvm-thick', 'lvm-thin')

PORTAL = f'{stands.LVMStand.ADDRESS}:3260'


@pytest.fixture
def initiator(stand):
    """What the guest's own initiator is called."""
    line = stand.guest('sed', '-n', 's/^InitiatorName=//p', '/etc/iscsi/initiatorname.iscsi').stdout
    return interface.Connector(host='storage', initiator=line.strip())


class Session:
    """A login of the guest's initiator with what connect() said, as os-brick makes one."""

    def __init__(self, stand, data):
        self._stand = stand
        self._node = ('-m', 'node', '-T', data['target_iqn'], '-p', data['target_portal'])
        assert self.ask('-m', 'discovery', '-t', 'st', '-p', data['target_portal']).returncode == 0
        for name, value in (('authmethod', data['auth_method']), ('username', data['auth_username']),
                            ('password', data['auth_password'])):
            self.ask(*self._node, '-o', 'update', '-n', f'node.session.auth.{name}', '-v', value)
        self.device = f'/dev/disk/by-path/ip-{PORTAL}-iscsi-{data["target_iqn"]}-lun-{data["target_lun"]}'

    def ask(self, *words):
        return self._stand.guest('iscsiadm', *words)

    def login(self):
        done = self.ask(*self._node, '--login')
        self._stand.guest('udevadm', 'settle')
        return done.returncode

    def rescan(self):
        self.ask(*self._node, '-R')

    def end(self):
        self.ask(*self._node, '--logout')
        self.ask(*self._node, '-o', 'delete')

    def size(self):
        return int(self._stand.guest('blockdev', '--getsize64', self.device).stdout)


def targets(stand):
    return stand.guest('blockctl-rtstool', 'show').stdout


def test_a_host_logs_in_writes_and_sees_the_volume_grow(stand, initiator):
    volume = stand.made()
    info = stand.driver.connect(volume, initiator, stand.effect())
    assert info['driver_volume_type'] == 'iscsi'
    assert stand.driver.connect(volume, initiator, stand.effect(epoch=2)) == info  # twice is once
    session = Session(stand, info['data'])
    try:
        assert session.login() == 0
        written = stand.guest('qemu-io', '-f', 'raw', '-c', 'write -P 66 1M 64k', session.device)
        assert 'wrote' in written.stdout, written.stderr
        with pytest.raises(exceptions.BackendBusy):
            stand.driver.delete(volume, stand.effect())
        stand.driver.extend(volume, 2, stand.effect())
        session.rescan()
        stands.wait_for(lambda: session.size() == 2 << 30, 60)
    finally:
        session.end()
    stand.driver.disconnect(volume, initiator, stand.effect())
    stand.driver.disconnect(volume, None, stand.effect(epoch=2))
    assert stand.holds(volume, 66, 1)
    assert volume.name not in targets(stand)
    stand.driver.delete(volume, stand.effect())
    assert not stand.everything()


def test_a_wrong_secret_and_another_host_are_refused(stand, initiator):
    volume = stand.made()
    data = stand.driver.connect(volume, initiator, stand.effect())['data']
    other = interface.Connector(host='other', initiator='iqn.1993-08.org.debian:01:other')
    theirs = stand.driver.connect(volume, other, stand.effect())['data']
    assert theirs['auth_password'] != data['auth_password']
    for wrong in ({'auth_password': 'wrongwrong12'}, {'auth_username': theirs['auth_username'],
                                                      'auth_password': theirs['auth_password']}):
        session = Session(stand, data | wrong)
        try:
            assert session.login() == 24  # iscsiadm(8): authorization failure
        finally:
            session.end()
    stand.driver.disconnect(volume, initiator, stand.effect())
    assert other.initiator in targets(stand) and initiator.initiator not in targets(stand)
    stand.driver.delete(volume, stand.effect())  # what is exported still goes with it
    assert volume.name not in targets(stand)


@pytest.mark.parametrize('name', [None, '', 'iqn.bad name', '--help', 'iqn.2004-10.com.example:' + 'x' * 300])
def test_a_bad_initiator_is_refused(stand, name):
    with pytest.raises(exceptions.InvalidRequest):
        stand.driver.connect(stand.made(), interface.Connector(host='h', initiator=name), stand.effect())


@contextlib.contextmanager
def small_group(stand, *commands, disks=1, size='512M'):
    """The name of a volume group of its own, on sparse files in the guest's memory, after ``commands`` with it."""
    name, files, devices = 'small', [f'/dev/shm/small-{number}' for number in range(disks)], []

    def run(*command):
        done = stand.guest(*command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    try:
        run('truncate', '-s', size, *files)
        devices.extend(run('losetup', '--show', '-f', file) for file in files)
        run('vgcreate', '-q', name, *devices)
        for command in commands:
            run(*command)
        yield name
    finally:
        stand.guest('vgremove', '-f', '-y', name)
        for device in devices:
            stand.guest('losetup', '-d', device)
        stand.guest('rm', '-f', *files)
        stands.wait_for(lambda: 'small' not in stand.guest('losetup', '-a').stdout, 60)  # udev may be looking at one


def shown(stand, group, *fields):
    """{name: [fields]} of what is in a group."""
    done = stand.guest('lvs', '--reportformat', 'json', '-o', ','.join(('lv_name', *fields)), group)
    [report] = json.loads(done.stdout)['report']
    return {row['lv_name']: [row[field] for field in fields] for row in report['lv']}


def percents(stand, group):
    """(data, metadata) of its thin pool."""
    return tuple(float(text) for text in shown(stand, group, 'data_percent', 'metadata_percent')[f'{group}-pool'])


def pool_of(group, megabytes, *more):
    """The command that makes a small thin pool. Who writes to it when it is full waits."""
    return 'lvcreate', '-y', '-q', '-L', f'{megabytes}m', '--type', 'thin-pool', *more, '-n', f'{group}-pool', group


#: Who writes to the pool of the group ``small`` when it is full does not wait.
FAIL = ('lvchange', '-q', '--errorwhenfull', 'y', 'small/small-pool')


def writing(group, volume, megabytes):
    """The command that writes so much, in the guest."""
    return 'dd', 'if=/dev/zero', f'of=/dev/{group}/{volume.name}', 'bs=1M', f'count={megabytes}', 'oflag=direct'


def test_a_group_that_is_not_there(stand):
    with pytest.raises(exceptions.BackendUnavailable, match='nowhere'):
        stand.another(volume_group='nowhere')


def test_a_group_that_goes_and_comes_back(stand):
    with small_group(stand, size='3G') as group:
        driver = stand.another(volume_group=group, volume_clear_size=1)
        volume = stand.volume()
        driver.create(volume, stand.effect())
        assert stand.guest('vgrename', group, 'away').returncode == 0
        try:
            for call in (driver.stats, driver.find, driver.manageable, driver.start):
                with pytest.raises(exceptions.BackendUnavailable, match=group):
                    call()
            for call in (driver.create, driver.delete):  # not taken for done, nor for impossible
                with pytest.raises(exceptions.BackendUnavailable, match=group):
                    call(volume, stand.effect(epoch=2))
        finally:
            stand.guest('vgrename', 'away', group)
        assert driver.stats().pools
        driver.delete(volume, stand.effect(epoch=3))
        assert not driver.find()


@pytest.mark.drivers('lvm-thin')
def test_a_full_pool_says_so_and_still_deletes(stand):
    with small_group(stand, pool_of('small', 128), FAIL) as group:
        driver = stand.another(volume_group=group)
        volume, other = stand.volume(), stand.volume()
        for each in (volume, other):
            driver.create(each, stand.effect())
        assert stand.guest(*writing(group, other, 32)).returncode == 0
        half, = driver.stats().pools
        assert (half.total, half.free, half.foreign) == (0.125, 0.09375, 0)
        assert 'No space left' in stand.guest(*writing(group, volume, 128)).stderr
        full, = driver.stats().pools
        assert (full.total, full.free) == (0.125, 0)
        assert (100, full.capabilities['metadata_percent']) == percents(stand, group)
        assert 0 < half.capabilities['metadata_percent'] < full.capabilities['metadata_percent'] < 100
        snapshot = stand.snapshot(volume)
        for call, arguments in (
                (driver.create, (stand.volume(),)), (driver.create_encrypted, (stand.volume(), b'header')),
                (driver.create_snapshot, (snapshot,)), (driver.clone, (stand.volume(2), volume))):
            with pytest.raises(exceptions.BackendFull, match='small-pool'):
                call(*arguments, stand.effect())
        assert {found.name for found in driver.find()} == {volume.name, other.name}
        driver.extend(volume, 2, stand.effect())  # a promise only
        driver.delete(other, stand.effect())
        driver.create_snapshot(snapshot, stand.effect())
        assert driver.stats().pools[0].free == half.total - half.free
        driver.delete_snapshot(snapshot, stand.effect())
        driver.delete(volume, stand.effect())
        assert driver.stats().pools[0].free == 0.125


#: Overwrites one block in so many, in the guest: what each snapshot has to be told of costs metadata.
_SCATTER = """
import mmap, os, sys
block = mmap.mmap(-1, 1 << 16)
volume = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
for place in range(0, 1 << 29, int(sys.argv[2]) << 16):
    os.pwrite(volume, block, place)
"""


@pytest.mark.slow
@pytest.mark.drivers('lvm-thin')
def test_a_pool_whose_metadata_are_full_says_so_and_still_deletes(stand):
    with small_group(stand, pool_of('small', 1024, '--chunksize', '64k', '--poolmetadatasize', '4m'), FAIL,
                     size='3G') as group:
        driver = stand.another(volume_group=group)
        volume, taken = stand.volume(), []
        driver.create(volume, stand.effect())

        def scatter(step):
            done = stand.guest('python3', '-c', _SCATTER, f'/dev/{group}/{volume.name}', str(step))
            assert done.returncode == 0, done.stderr

        scatter(1)
        with pytest.raises(exceptions.BackendFull, match='metadata of thin pool .* too low'):
            while len(taken) < 40:
                snapshot = stand.snapshot(volume)
                driver.create_snapshot(snapshot, stand.effect())
                taken.append(snapshot)
                assert driver.stats().pools[0].free > 0.3
                scatter(100)
        data, metadata = percents(stand, group)
        full, = driver.stats().pools
        assert data < 70
        assert metadata == full.capabilities['metadata_percent'] >= 75
        assert full.free == 0  # the scheduler looks elsewhere
        with pytest.raises(exceptions.BackendFull):
            driver.create(stand.volume(), stand.effect())
        scatter(100)  # who has a volume goes on
        for each in taken:
            driver.delete_snapshot(each, stand.effect())
        assert driver.stats().pools[0].free > 0.3
        driver.create(stand.volume(), stand.effect())


@pytest.mark.drivers('lvm-thin')
def test_a_header_that_finds_no_room(stand):
    """A pool that has room for the volume's first blocks only."""
    with small_group(stand, pool_of('small', 128), FAIL) as group:
        driver = stand.another(volume_group=group)
        volume, new = stand.volume(), stand.volume(encrypted=True)
        driver.create(volume, stand.effect())
        assert stand.guest(*writing(group, volume, 127)).returncode == 0
        with pytest.raises(exceptions.BackendFull):
            driver.create_encrypted(new, b'h' * (2 << 20), stand.effect())
        assert [found.name for found in driver.find() if not found.partial] == [volume.name]
        driver.delete(new, stand.effect(epoch=2))
        assert [found.name for found in driver.find()] == [volume.name]


@pytest.mark.drivers('lvm-thin')
def test_who_waits_for_a_full_pool_goes_on_when_a_volume_is_deleted(stand):
    with small_group(stand, pool_of('small', 128)) as group:
        driver = stand.another(volume_group=group)
        volume, other = stand.volume(), stand.volume()
        for each in (volume, other):
            driver.create(each, stand.effect())
        assert stand.guest(*writing(group, other, 64)).returncode == 0
        with subprocess.Popen([*stand.INTO, *writing(group, volume, 96)], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as writer:
            stands.wait_for(lambda: percents(stand, group)[0] == 100, 60)
            with pytest.raises(exceptions.BackendFull):
                driver.create(stand.volume(), stand.effect())
            assert writer.poll() is None
            driver.delete(other, stand.effect())
            assert writer.wait(60) == 0, writer.stderr.read()
        assert driver.stats().pools[0].free == 0.03125


@pytest.mark.drivers('lvm-thin')
def test_a_pool_that_is_gone(stand):
    with small_group(stand, pool_of('small', 128)) as group:
        driver = stand.another(volume_group=group)
        assert stand.guest('lvremove', '-f', '-y', f'{group}/{group}-pool').returncode == 0
        with pytest.raises(exceptions.BackendUnavailable, match='small/small-pool'):
            driver.stats()
        with pytest.raises(exceptions.BackendUnavailable, match='small-pool'):
            driver.create(stand.volume(), stand.effect())
        assert not shown(stand, group)


@pytest.mark.drivers('lvm-thick')
def test_the_kernel_opens_an_encrypted_volume_and_its_larger_clone(stand):
    """As os-brick has it do on hosts."""
    secret = b'\x17' * 32
    volume, clone = stand.volume(encrypted=True), stand.volume(2, encrypted=True)
    stand.driver.create_encrypted(volume, luks.header(secret, 'aes-xts-plain64', 256), stand.effect())

    def opened(volume, *commands, key=secret):
        """What qemu-io answers on the plain side, or None when the key does not fit."""
        name = f'open-{volume.id}'
        answer = stand.guest('cryptsetup', 'open', '--type', 'luks1', '--key-file', '-', stand.driver.locator(volume),
                             name, given=key.hex())
        if answer.returncode:
            return None
        try:
            words = [word for command in commands for word in ('-c', command)]
            return stand.guest('qemu-io', '-f', 'raw', *words, f'/dev/mapper/{name}').stdout
        finally:
            assert stand.guest('cryptsetup', 'close', name).returncode == 0

    assert 'wrote' in opened(volume, 'write -P 0x5a 1000M 64k')
    stand.driver.clone(clone, volume, stand.effect())
    answer = opened(clone, 'read -P 0x5a 1000M 64k', 'write -P 1 2000M 64k')
    assert 'wrote' in answer and 'verification failed' not in answer
    assert opened(clone, key=b'\0' * 32) is None
    assert not stand.holds(volume, 0x5a, 1002)  # not as it was written


@pytest.mark.drivers('lvm-thick')
def test_copies_on_other_disks(stand):
    with small_group(stand, disks=2, size='3G') as group:
        driver = stand.another(volume_group=group, lvm_mirrors=1, volume_clear_size=1)
        empty, = driver.stats().pools
        volume, copy = stand.volume(), stand.volume()
        driver.create(volume, stand.effect())
        assert shown(stand, group, 'segtype')[volume.name] == ['raid1']
        used = stand.guest('pvs', '--noheadings', '--units', 'b', '--nosuffix', '-o', 'pv_used', '-S',
                           f'vg_name={group}')
        assert [int(text) >= 1 << 30 for text in used.stdout.split()] == [True, True]
        driver.extend(volume, 2, stand.effect())
        assert driver.size_of(volume.name, 'here') == 2
        after, = driver.stats().pools
        assert 2.9 < empty.total < 3
        assert 2 <= empty.free - after.free < 2.01
        assert after.foreign < 0.01
        with pytest.raises(exceptions.BackendFull):
            driver.create(copy, stand.effect())
        with pytest.raises(exceptions.BackendFull):
            stand.another(volume_group=group, lvm_mirrors=2).create(copy, stand.effect())
        driver.delete(volume, stand.effect())
        assert not shown(stand, group)


@pytest.mark.drivers('lvm-thick')
def test_a_program_that_no_signal_ends_is_not_waited_for(stand):
    """What reads a device that does not answer goes on, and the bound holds."""
    volume = stand.made()
    device = stand.driver.locator(volume)
    script = ('import sys, time; from blockctl import privileged; began = time.monotonic(); '
              "print(privileged.run_plainly(['dd', f'if={sys.argv[1]}', 'iflag=direct', 'count=1'], 2, {}), "
              'time.monotonic() - began < 20)')
    assert stand.guest('dmsetup', 'suspend', device).returncode == 0
    try:
        done = stand.guest(sys.executable, '-c', script, device)
    finally:
        stand.guest('dmsetup', 'resume', device)
    assert done.stdout == "(None, '', '') True\n", done.stderr


@pytest.mark.drivers('lvm-thick')
def test_nothing_of_a_deleted_volume_is_read_by_the_next(stand):
    first = stand.made(2)
    for offset in (0, 700, 2047):
        stand.write(first, 0x5a, offset)
    stand.driver.delete(first, stand.effect())
    second = stand.made(2)  # the same extents: there are no others that come first
    assert all(stand.holds(second, 0, offset) for offset in (0, 700, 2047))


@pytest.mark.drivers('lvm-thick')
def test_a_snapshot_has_room_for_all_of_its_volume(stand):
    """Also for where it keeps what."""
    volume = stand.volume()
    stand.guest('lvcreate', '-q', '-y', '-L', '64m', '-n', volume.name, stand.group)
    stand.write(volume, 7, 63)
    snapshot = stand.snapshot(volume)
    stand.driver.create_snapshot(snapshot, stand.effect())
    assert stand.guest(*writing(stand.group, volume, 64)).returncode == 0
    assert stand.holds(volume, 0, 63)
    stand.driver.revert(volume, snapshot, stand.effect())
    assert stand.holds(volume, 7, 63)


def test_a_clone_does_not_follow_its_source(stand):
    source = stand.made()
    stand.write(source, 1)
    clone = stand.volume(2)
    stand.driver.clone(clone, source, stand.effect())
    stand.write(source, 2)
    assert stand.holds(clone, 1)
    assert stand.size(clone) == 2 << 30


def test_other_volumes_of_the_group_are_let_be(stand):
    assert stand.guest('lvcreate', '-y', '-L', '64m', '-n', 'root', stand.group).returncode == 0
    volume = stand.made()
    assert 'root' in {found.name for found in stand.driver.manageable()}
    assert 'root' not in stand.found()
    stand.driver.delete(volume, stand.effect())
    assert stand.everything() == {'root'}


def test_another_groups_device_is_copied_where_devices_are(stand):
    source, target = stand.made(), stand.made()
    stand.write(source, 0x5a, 3)
    for epoch in (1, 2):
        stand.driver.fill(target, stand.driver.locator(source), stand.effect(epoch=epoch))
        assert stand.holds(target, 0x5a, 3) and stand.holds(target, 0, 900)
    if stand.name == 'lvm-thin':  # what has no data takes no room
        used = stand.guest('lvs', '--noheadings', '-o', 'data_percent', f'{stand.group}/{target.name}').stdout
        assert float(used) < 5

# SPDX-License-Identifier: Apache-2.0
"""The driver lvm on real LVM, LIO and open-iscsi, all of them in the guest of tools/storage_vm."""

import pytest

from blockctl import exceptions
from blockctl.drivers import interface

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


def test_a_group_that_is_not_there(stand):
    with pytest.raises(exceptions.BackendUnavailable):
        stand.another(volume_group='nowhere')


@pytest.mark.drivers('lvm-thick')
def test_nothing_of_a_deleted_volume_is_read_by_the_next(stand):
    first = stand.made(2)
    for offset in (0, 700, 2047):
        stand.write(first, 0x5a, offset)
    stand.driver.delete(first, stand.effect())
    second = stand.made(2)  # the same extents: there are no others that come first
    assert all(stand.holds(second, 0, offset) for offset in (0, 700, 2047))


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

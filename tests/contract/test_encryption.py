# SPDX-License-Identifier: Apache-2.0
"""Volumes that begin with a header: what drivers write, and that a host with the key reads what it wrote."""

import subprocess

import pytest

from blockctl import exceptions
from blockctl.keys import luks

pytestmark = [pytest.mark.ability('Encrypts'), pytest.mark.drivers('file', 'rbd', 'lvm-thick', 'lvm-thin')]

SECRET = b'\x17' * 32


@pytest.fixture(scope='module')
def header():
    return luks.header(SECRET, 'aes-xts-plain64', 512)


def image_of(stand, volume):
    """qemu's options for where it is."""
    if stand.name == 'rbd':
        return (f'file.driver=rbd,file.pool={stand.ceph_pool},file.image={volume.name},'
                f'file.conf={stand.driver.conf.rbd_ceph_conf}')
    kind = 'file' if stand.name == 'file' else 'host_device'
    return f'file.driver={kind},file.filename={stand.driver.locator(volume)}'


def here(*command, given):
    return subprocess.run(command, check=False, capture_output=True, timeout=60, text=True, input=given)


@pytest.fixture
def look(stand):
    """Whether commands of qemu-io succeed on a volume's data, by a key."""
    run = stand.guest if stand.name.startswith('lvm') else here

    def look(volume, *commands, secret=SECRET):
        words = [word for command in commands for word in ('-c', command)]
        done = run('qemu-io', *words, '--object', 'secret,id=key,file=/proc/self/fd/0', '--image-opts',
                   f'driver=luks,key-secret=key,{image_of(stand, volume)}', given=secret.hex())
        return done.returncode == 0 and 'verification failed' not in done.stdout
    return look


def test_a_host_with_the_key_uses_it(stand, header, look):
    volume = stand.volume(1, encrypted=True)
    stand.driver.create_encrypted(volume, header, stand.effect())
    assert stand.size(volume) == 1 << 30
    assert look(volume, 'write -P 0x5a 512M 64k', 'read -P 0x5a 512M 64k')
    assert not look(volume, 'read 0 64k', secret=b'\0' * 32)
    assert not stand.holds(volume, 0x5a, 514)  # 2 MiB of header before it


def test_clones_snapshots_and_growth_keep_it(stand, header, look):
    volume = stand.volume(1, encrypted=True)
    stand.driver.create_encrypted(volume, header, stand.effect())
    assert look(volume, 'write -P 0x5a 0 64k')
    clone, copy, snapshot = stand.volume(2, encrypted=True), stand.volume(1, encrypted=True), stand.snapshot(volume)
    stand.driver.clone(clone, volume, stand.effect())
    stand.driver.create_snapshot(snapshot, stand.effect())
    stand.driver.create_from_snapshot(copy, snapshot, stand.effect())
    stand.driver.extend(copy, 2, stand.effect())
    for each in (clone, copy):
        assert look(each, 'read -P 0x5a 0 64k', 'write -P 1 1100M 64k', 'read -P 1 1100M 64k')
    assert look(volume, 'read -P 0x5a 0 64k')


def test_twice_is_once(stand, header, look):
    volume = stand.volume(1, encrypted=True)
    for epoch in (1, 2):
        stand.driver.create_encrypted(volume, header, stand.effect(epoch=epoch))
    assert list(stand.found()) == [volume.name]
    assert look(volume, 'read -P 0 0 0')
    stand.driver.delete(volume, stand.effect(epoch=3))
    stand.assert_empty()


def test_a_lost_lease_lets_nothing_be_made(stand, header):
    with pytest.raises(exceptions.LeaseLost):
        stand.driver.create_encrypted(stand.volume(1, encrypted=True), header, stand.effect(lose_at=0))
    assert not stand.everything()


@pytest.mark.drivers('rbd')
def test_one_whose_header_is_missing_gets_it(stand, header, look):
    """Its image shows before that is written."""
    volume = stand.volume(1, encrypted=True)
    with pytest.raises(exceptions.LeaseLost):
        stand.driver.create_encrypted(volume, header, stand.effect(lose_at=1))
    stand.driver.create_encrypted(volume, header, stand.effect(epoch=2))
    assert look(volume, 'write -P 1 0 64k', 'read -P 1 0 64k')

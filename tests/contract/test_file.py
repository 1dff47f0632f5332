# SPDX-License-Identifier: Apache-2.0
"""The driver ``file``: locks that hold off a zombie, what a kill leaves, and its directory."""

import os
import stat
import subprocess

import pytest

from blockctl import exceptions
from blockctl.drivers import interface
from blockctl.drivers.file import sparse

from . import other_process
from . import stands


pytestmark = pytest.mark.drivers('file')


@pytest.fixture
def other(stand):
    process = other_process.Other(stand)
    yield process
    process.end()


def locks(stand):
    return set(os.listdir(stand.directory / 'locks'))


# --- zombies
def test_a_stopped_process_keeps_its_successor_out_until_it_ends(stand, other):
    """Stopped inside the lock, right before an effect: the successor gets "unknown", never half a volume."""
    volume = stand.volume()
    successor = stand.another(backend_call_timeout=0.5)
    other.order('create', volume, stop_at_check=1)
    other.wait_stopped()
    for call in (successor.create, successor.delete):
        with pytest.raises(exceptions.BackendTimeout):
            call(volume, stand.effect(epoch=2))
    assert not [n for n, found in stand.found().items() if not found.partial]
    other.go_on()
    assert other.answer() == 'done'
    successor.delete(volume, stand.effect(epoch=2))
    assert not stand.everything() and not locks(stand)


def test_a_stopped_process_that_lost_its_lease_makes_no_effect(stand, other):
    """Stopped inside the lock while deleting; its lease is gone when it goes on, and the check after it says so."""
    volume = stand.made()
    other.order('delete', volume, stop_at_check=0, lose_at=0)
    other.wait_stopped()
    other.go_on()
    assert other.answer() == 'LeaseLost'
    assert stand.size(volume) == 1 << 30


def test_a_killed_process_frees_the_lock(stand, other):
    volume = stand.volume()
    other.order('create', volume, stop_at_check=1)
    other.wait_stopped()
    other.kill()
    assert stand.everything() == {f'{volume.name}.1'}
    assert stand.found()[f'{volume.name}.1'].partial
    stand.driver.create(volume, stand.effect(epoch=2))
    assert stand.everything() == {volume.name}


def test_what_a_killed_process_left_goes_with_the_volume(stand, other):
    volume, bystander = stand.volume(), stand.made()
    near = stand.volume(name=f'{volume.name}0')
    stand.driver.create(near, stand.effect())
    other.order('create', volume, epoch=17, kill_at_check=1)
    other.wait_dead()
    stand.driver.delete(volume, stand.effect(epoch=18))
    assert stand.everything() == {bystander.name, near.name}


def test_the_lock_goes_with_the_volume_and_the_next_waits_for_no_ghost(stand):
    volume = stand.made()
    assert locks(stand) == {volume.name}
    stand.driver.delete(volume, stand.effect())
    assert locks(stand) == set()


# --- the directory
def test_the_directory_is_the_owners_only(stand):
    volume = stand.made()
    modes = {name: stat.S_IMODE(os.stat(stand.directory / name).st_mode) for name in ('.', 'locks', volume.name)}
    assert modes == {'.': 0o700, 'locks': 0o700, volume.name: 0o600}


def test_images_are_sparse(stand):
    volume = stand.made(100)
    assert (stand.directory / volume.name).stat().st_blocks * 512 < 1 << 20


@pytest.mark.parametrize('directory', [None, '', 'relative/path', '/proc/not-here', '/dev/null'])
def test_a_directory_that_can_never_serve(directory):
    driver = stands.make_driver('file', file_directory=directory)
    with pytest.raises(exceptions.ConfigurationError):
        driver.start()


def test_a_directory_that_went_away_is_unavailable(stand):
    volume = stand.made()
    stand.directory.rename(stand.directory.with_name('elsewhere'))
    for call in (stand.driver.create, stand.driver.delete):
        with pytest.raises(exceptions.BackendUnavailable):
            call(volume, stand.effect())
    for call in (stand.driver.stats, stand.driver.find):
        with pytest.raises(exceptions.BackendUnavailable):
            call()


def test_links_are_not_followed(stand, tmp_path):
    target = tmp_path / 'of-another'
    target.write_bytes(b'keep')
    volume = stand.volume()
    (stand.directory / volume.name).symlink_to(target)
    for call, arguments in ((stand.driver.extend, (volume, 2)), (stand.driver.connect, (volume, None)),
                            (stand.driver.clone, (stand.volume(), volume))):
        with pytest.raises(exceptions.BackendError):
            call(*arguments, stand.effect())
    stand.driver.delete(volume, stand.effect())
    assert target.read_bytes() == b'keep'


def test_connection_for_os_brick(stand):
    volume = stand.made()
    assert stand.driver.connect(volume, interface.Connector(host='here'), stand.effect()) == {
        'driver_volume_type': 'local', 'data': {'device_path': str(stand.directory / volume.name)}}


# --- copies
def test_a_copy_that_finds_no_room_leaves_nothing(tmp_path):
    directory = tmp_path / 'small'
    directory.mkdir()
    stands.mount(directory, 'size=6m')
    try:
        small = stands.FileStand(directory)
        volume, new = small.made(), small.volume()
        for offset in range(4):
            with (directory / volume.name).open('r+b') as image:
                image.seek(offset << 20)
                image.write(b'x' * (1 << 20))
        with pytest.raises(exceptions.BackendFull):
            small.driver.clone(new, volume, small.effect())
        assert small.everything() == {volume.name}
    finally:
        subprocess.run(['umount', str(directory)], check=True, timeout=30)


def test_a_long_copy_reports_and_can_be_stopped(stand):
    volume = stand.made()
    with (stand.directory / volume.name).open('r+b') as image:
        image.write(os.urandom(3 * sparse.PIECE))
    effect = stand.effect()
    stand.driver.clone(stand.volume(), volume, effect)
    assert len(effect.reports) >= 3 and effect.reports == sorted(effect.reports)
    new = stand.volume()
    with pytest.raises(exceptions.LeaseLost):
        stand.driver.clone(new, volume, stand.effect(lose_at=3))
    assert new.name not in stand.found()


@pytest.mark.parametrize('by_kernel', [True, False])
def test_copies_are_exact_and_sparse(tmp_path, monkeypatch, by_kernel):
    if not by_kernel:  # a file system that cannot is not at hand
        monkeypatch.setattr(sparse, '_by_kernel', lambda *arguments: None)
    source, target = tmp_path / 'source', tmp_path / 'target'
    length = 3 * sparse.PIECE + 12345
    with source.open('wb') as file:
        for offset in (0, sparse.PIECE - 100, 2 * sparse.PIECE + 7, length - 5):
            file.seek(offset)
            file.write(os.urandom(min(200_000, length - offset)))
        file.truncate(length)
    with source.open('rb') as origin, target.open('wb') as copy:
        copy.truncate(length)
        sparse.copy(origin.fileno(), copy.fileno(), length, lambda done: None)
    assert source.read_bytes() == target.read_bytes()
    assert target.stat().st_blocks < 4 * 2048

# SPDX-License-Identifier: Apache-2.0
"""The driver ``nfs``: what hosts are told and bar, formats that are never guessed, shares, and a full one.

The share is a file system in memory here (stands.NFSStand). Chains of snapshots are in test_nfs_chains.py.
"""

import contextlib
import json
import os
import stat
import struct
import subprocess

import pytest

from blockctl import exceptions
from blockctl.drivers import interface

from . import other_process
from . import stands

pytestmark = pytest.mark.drivers('nfs-raw', 'nfs-qcow2')

HOST = interface.Connector(host='compute1', initiator='iqn.1993-08.org.debian:01:one')
OTHER_HOST = interface.Connector(host='compute2', initiator='iqn.1993-08.org.debian:01:two')


@pytest.fixture
def other(stand):
    process = other_process.Other(stand)
    yield process
    process.end()


@pytest.fixture
def secret(tmp_path):
    """A file of the machine that no tenant may read."""
    path = tmp_path / 'secret'
    path.write_bytes(b'\x77' * (1 << 20))
    return path


def taken(stand, volume):
    snapshot = stand.snapshot(volume)
    stand.driver.create_snapshot(snapshot, stand.effect())
    return snapshot


def kind_of(stand, volume):
    return stand.driver.connect(volume, HOST, stand.effect())['data']['format']


# --- hosts
def test_what_a_host_is_told(stand):
    volume = stand.made()
    assert stand.driver.connect(volume, HOST, stand.effect()) == {'driver_volume_type': 'nfs', 'data': {
        'export': '127.0.0.1:/export/contract', 'name': volume.name, 'format': stand.name.removeprefix('nfs-'),
        'mount_point_base': str(stand.directory.parent)}}
    assert (stand.directory / volume.name).is_file()
    stand.driver.disconnect(volume, HOST, stand.effect())
    other = stand.another(nas_mount_options='vers=4.1,proto=tcp')
    assert other.connect(volume, HOST, stand.effect())['data']['options'] == '-o vers=4.1,proto=tcp'


def test_while_a_host_has_a_volume_its_files_stay_as_they_are(stand):
    volume = stand.made()
    first = taken(stand, volume)
    stand.driver.connect(volume, HOST, stand.effect())
    stand.driver.connect(volume, HOST, stand.effect())
    stand.driver.connect(volume, OTHER_HOST, stand.effect())
    before = stand.everything()
    refused = [(stand.driver.create_snapshot, stand.snapshot(volume)), (stand.driver.delete_snapshot, first),
               (stand.driver.revert, volume, first), (stand.driver.clone, stand.volume(), volume),
               (stand.driver.rename_snapshot, stand.snapshot(volume), first.name),
               (stand.driver.rename, stand.volume(), volume.name)]
    for host in (HOST, OTHER_HOST):
        for call, *arguments in refused:
            with pytest.raises(exceptions.BackendUnable):
                call(*arguments, stand.effect())
        assert [found.reason_not_safe for found in stand.driver.manageable()] == ['a host has it']
        if host is HOST:
            assert stand.everything() == before
        stand.driver.disconnect(volume, host, stand.effect())
        stand.driver.disconnect(volume, host, stand.effect(epoch=2))
    for call, *arguments in refused[3:4]:
        call(*arguments, stand.effect())
    stand.driver.delete_snapshot(first, stand.effect())


def test_from_a_snapshot_of_a_volume_that_a_host_has_volumes_are_made(stand):
    volume = stand.made()
    stand.write(volume, 0x19)
    snapshot, new = taken(stand, volume), stand.volume()
    stand.driver.connect(volume, HOST, stand.effect())
    stand.driver.create_from_snapshot(new, snapshot, stand.effect())
    assert stand.holds(new, 0x19)


def test_the_last_of_all_hosts_is_forgotten_with_the_volume(stand):
    volume = stand.made()
    for host in (HOST, OTHER_HOST):
        stand.driver.connect(volume, host, stand.effect())
    stand.driver.disconnect(volume, None, stand.effect())
    taken(stand, volume)
    gone = stand.made()
    stand.driver.connect(gone, HOST, stand.effect())
    stand.driver.delete(gone, stand.effect())
    assert not [name for name in stand.everything() if gone.name in name]


def test_a_raw_file_grows_while_a_host_has_it_and_a_qcow2_file_does_not(stand):
    volume = stand.made()
    kind = kind_of(stand, volume)
    if kind == 'raw':
        stand.driver.extend(volume, 2, stand.effect())
        assert stand.size(volume) == 2 << 30
    else:
        with pytest.raises(exceptions.BackendUnable):
            stand.driver.extend(volume, 2, stand.effect())
        assert stand.size(volume) == 1 << 30
        stand.driver.extend(volume, 1, stand.effect())  # as large as that it is
    assert kind == stand.name.removeprefix('nfs-')


@pytest.mark.parametrize('name', ['../../escape', '--help', 'a/b', 'n\new', 'x' * 4000, ''])
def test_what_a_host_is_called_makes_no_file_name(stand, name):
    volume = stand.made()
    host = interface.Connector(host=name, initiator=name, nqn=name)
    before = stand.everything()
    stand.driver.connect(volume, host, stand.effect())
    assert len(stand.everything() - before) == 1
    stand.driver.disconnect(volume, host, stand.effect())
    assert stand.everything() == before


class Program:
    """QEMU that has a file open, as a server has its disk's."""

    def __init__(self, path, file_format):
        self._process = subprocess.Popen(['qemu-io', '-f', file_format, str(path)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)
        assert self._process.stdout.read(8) == b'qemu-io>'

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.communicate(b'quit\n', timeout=30)


def test_a_server_that_nobody_told_of_keeps_copies_and_hosts_away(stand):
    """QEMU's own locks say that it is there."""
    volume = stand.made()
    with Program(stand.directory / volume.name, stand.name.removeprefix('nfs-')):
        with pytest.raises(exceptions.BackendBusy):
            stand.driver.clone(stand.volume(), volume, stand.effect())
        with pytest.raises(exceptions.BackendBusy):
            stand.driver.connect(volume, HOST, stand.effect())
    stand.driver.connect(volume, HOST, stand.effect())


def test_no_host_gets_a_volume_while_it_is_being_copied(stand, tmp_path):
    volume = stand.made()
    for offset in range(8):
        stand.write(volume, 0x1a, offset)
    copying = subprocess.Popen(['qemu-img', 'convert', '-r', '64K', '-f', 'raw', '-O', 'raw',
                                stand.driver.locator(volume), tmp_path / 'copy'])
    try:
        stands.wait_for(lambda: is_busy(stand, volume))
    finally:
        copying.kill()
        copying.wait(30)
    stand.driver.connect(volume, HOST, stand.effect())


def is_busy(stand, volume):
    try:
        stand.driver.connect(volume, HOST, stand.effect())
    except exceptions.BackendBusy:
        return True
    stand.driver.disconnect(volume, HOST, stand.effect())
    return False


def test_a_second_host_connects_while_the_first_writes(stand):
    volume = stand.made()
    stand.driver.connect(volume, HOST, stand.effect())
    with Program(stand.directory / volume.name, stand.name.removeprefix('nfs-')):
        stand.driver.connect(volume, OTHER_HOST, stand.effect())  # it moves, say


# --- formats
def evil(secret, kind):
    """The beginning of a qcow2 file that leads to the secret."""
    path = secret.with_name(f'evil-{kind}')
    if kind == 'data-file':
        command = ['create', '-f', 'qcow2', '-o', f'data_file={secret},data_file_raw=on', str(path), '1M']
    else:
        name = {'path': str(secret), 'json': json.dumps({'driver': 'file', 'filename': str(secret)})}[kind]
        name = f'json:{name}' if kind == 'json' else name
        command = ['create', '-f', 'qcow2', '-u', '-b', name, '-F', 'raw', str(path), '1M']
    kept = secret.read_bytes()
    subprocess.run(['qemu-img', *command], check=True, capture_output=True, timeout=60)
    secret.write_bytes(kept)
    return path.read_bytes()


@pytest.mark.drivers('nfs-raw')
@pytest.mark.parametrize('kind', ['path', 'json', 'data-file'])
def test_a_tenant_who_writes_a_qcow2_header_gets_his_own_bytes_back(stand, secret, kind):
    volume = stand.made()
    written = evil(secret, kind)
    with (stand.directory / volume.name).open('r+b') as file:
        file.write(written)
    assert stand.found()[volume.name].size == 1
    assert kind_of(stand, volume) == 'raw'
    stand.driver.disconnect(volume, HOST, stand.effect())
    stand.driver.extend(volume, 2, stand.effect())
    clone, of_snapshot = stand.volume(2), stand.volume(3)
    stand.driver.clone(clone, volume, stand.effect())
    snapshot = taken(stand, volume)
    stand.driver.create_from_snapshot(of_snapshot, snapshot, stand.effect())
    stand.driver.revert(volume, snapshot, stand.effect())
    stand.driver.delete_snapshot(snapshot, stand.effect())
    for each in (volume, clone, of_snapshot):
        with (stand.directory / each.name).open('rb') as file:
            assert file.read(len(written)) == written
        assert kind_of(stand, each) == 'raw'


@pytest.mark.drivers('nfs-qcow2')
@pytest.mark.parametrize('kind', ['path', 'json', 'data-file'])
def test_a_qcow2_file_that_leads_elsewhere_is_not_followed(stand, secret, kind):
    """A host can put anything in the place of its volume's file."""
    volume = stand.made()
    (stand.directory / volume.name).write_bytes(evil(secret, kind))
    before = stand.everything()
    for call, *arguments in ((stand.driver.clone, stand.volume(), volume), (stand.driver.extend, volume, 2),
                             (stand.driver.connect, volume, HOST), (stand.driver.create, volume),
                             (stand.driver.create_snapshot, stand.snapshot(volume)),
                             (stand.driver.rename, stand.volume(), volume.name)):
        with pytest.raises(exceptions.BackendError):
            call(*arguments, stand.effect())
    with pytest.raises(exceptions.BackendError):
        stand.driver.locator(volume)
    found, = stand.driver.manageable()
    assert found.reason_not_safe
    assert stand.found()[volume.name].size is None
    assert stand.everything() == before
    stand.driver.delete(volume, stand.effect())
    assert not stand.everything()


@pytest.mark.drivers('nfs-qcow2')
@pytest.mark.parametrize('name', ['../volume-x', 'volume-other', '/etc/passwd', 'nbd:127.0.0.1:1', 'itself'])
def test_a_volume_is_based_on_its_own_snapshots_only(stand, name):
    volume, victim = stand.made(), stand.made()
    path = stand.directory / volume.name
    name = {'volume-other': victim.name, 'itself': f'{volume.name}@loop'}.get(name, name)
    path.unlink()
    subprocess.run(['qemu-img', 'create', '-f', 'qcow2', '-u', '-b', name, '-F', 'qcow2', path, '1G'], check=True,
                   capture_output=True, timeout=60)
    if name.endswith('@loop'):
        (stand.directory / name).write_bytes(path.read_bytes())
    with pytest.raises(exceptions.BackendError):
        stand.driver.clone(stand.volume(), volume, stand.effect())
    with pytest.raises(exceptions.BackendError):
        stand.driver.locator(volume)


@pytest.mark.drivers('nfs-qcow2')
@pytest.mark.parametrize(('offset', 'value'), [(0, b'QFI\0'), (4, struct.pack('>I', 9)), (32, struct.pack('>I', 2)),
                                               (72, struct.pack('>Q', 4)), (24, struct.pack('>Q', 1 << 63))])
def test_a_header_that_says_what_ours_never_do(stand, offset, value):
    volume = stand.made()
    with (stand.directory / volume.name).open('r+b') as file:
        file.seek(offset)
        file.write(value)
    with pytest.raises(exceptions.BackendError, match='not a qcow2 file'):
        stand.driver.clone(stand.volume(), volume, stand.effect())


@pytest.mark.parametrize('name', ['golden', 'golden.qcow2', 'golden.7'])
def test_an_image_is_what_its_name_says(stand, name, tmp_path):
    """Of a file that was not made here, nothing else tells."""
    is_qcow2 = name.endswith('.qcow2')
    made, volume = stand.directory / name, stand.volume(3)
    subprocess.run(['qemu-img', 'create', '-f', 'qcow2' if is_qcow2 else 'raw', made, '3G'], check=True,
                   capture_output=True, timeout=60)
    found, = stand.driver.manageable()
    assert (found.name, found.size, found.reason_not_safe) == (name, 3, None)
    assert stand.driver.size_of(name, 'here') == 3
    stand.driver.rename(volume, name, stand.effect())
    assert kind_of(stand, volume) == ('qcow2' if is_qcow2 else 'raw')
    assert stand.size(volume) == 3 << 30


def test_an_image_that_is_not_what_its_name_says_is_refused(stand, tmp_path):
    for name, kind in (('golden', 'qcow2'), ('golden.qcow2', 'raw')):
        subprocess.run(['qemu-img', 'create', '-f', kind, stand.directory / name, '3G'], check=True,
                       capture_output=True, timeout=60)
        with pytest.raises(exceptions.BackendError):
            stand.driver.rename(stand.volume(3), name, stand.effect())
        with pytest.raises(exceptions.BackendError):
            stand.driver.size_of(name, 'here')
    assert all(found.reason_not_safe for found in stand.driver.manageable())
    assert stand.everything() == {'golden', 'golden.qcow2'}


@pytest.mark.parametrize('name', ['.hidden', '-rf', 'a b', 'a:b', 'ü', 'json:{}', 'nbd:x@y'])
def test_files_that_nobody_could_ask_for_are_not_listed(stand, name):
    (stand.directory / name).touch()
    assert not stand.driver.manageable() and not stand.driver.manageable_snapshots()
    with pytest.raises(exceptions.InvalidRequest):
        stand.driver.rename(stand.volume(), name, stand.effect())


def test_what_is_no_file_is_left_alone(stand, secret):
    volume, link, pipe = stand.volume(), stand.directory / 'link', stand.directory / 'pipe'
    link.symlink_to(secret)
    os.mkfifo(pipe)
    (stand.directory / 'directory').mkdir()
    (stand.directory / volume.name).symlink_to(secret)
    assert not stand.driver.manageable()
    for name in ('link', 'pipe', 'directory'):
        with pytest.raises(exceptions.NotFoundOnBackend):
            stand.driver.rename(stand.volume(), name, stand.effect())
    for call, *arguments in ((stand.driver.extend, volume, 2), (stand.driver.connect, volume, HOST),
                             (stand.driver.clone, stand.volume(), volume)):
        with pytest.raises(exceptions.BackendError):
            call(*arguments, stand.effect())
    stand.driver.delete(volume, stand.effect())
    assert secret.stat().st_size == 1 << 20


def test_a_format_that_is_not_recorded_is_not_guessed(stand):
    volume = stand.made()
    record = stand.directory / '.blockctl' / 'formats' / volume.name
    record.write_text('vmdk')
    with pytest.raises(exceptions.BackendError, match='vmdk'):
        stand.driver.locator(volume)
    record.unlink()
    if stand.name == 'nfs-qcow2':
        with pytest.raises(exceptions.BackendError, match='nothing says that it is one'):
            stand.driver.locator(volume)
    else:
        assert stand.driver.locator(volume) == str(stand.directory / volume.name)


def test_a_volume_stays_what_it_is_when_the_configuration_changes(stand):
    volume = stand.made()
    kind = stand.name.removeprefix('nfs-')
    other = stand.another(nfs_qcow2_volumes=kind == 'raw')
    other.create(volume, stand.effect())
    clone = stand.volume()
    other.clone(clone, volume, stand.effect())
    assert {kind_of(stand, volume), kind_of(stand, clone)} == {'raw', 'qcow2'} and kind_of(stand, volume) == kind


# --- files
@pytest.mark.parametrize(('permissions', 'mode'), [('auto', 0o660), ('True', 0o660), ('false', 0o666)])
def test_who_may_read_files(stand, permissions, mode):
    driver = stand.another(nas_secure_file_permissions=permissions)
    volume, clone = stand.volume(), stand.volume()
    snapshot = stand.snapshot(volume)
    driver.create(volume, stand.effect())
    driver.clone(clone, volume, stand.effect())
    driver.create_snapshot(snapshot, stand.effect())
    for name in (volume.name, clone.name, f'{volume.name}@{snapshot.name}'):
        assert stat.S_IMODE((stand.directory / name).stat().st_mode) == mode
    assert stat.S_IMODE((stand.directory / '.blockctl' / 'formats').stat().st_mode) == 0o700


def test_files_take_no_room_before_they_are_written(stand):
    volume = stand.made(100)
    clone = stand.volume(100)
    stand.driver.clone(clone, volume, stand.effect())
    for each in (volume, clone):
        assert (stand.directory / each.name).stat().st_blocks * 512 < 1 << 20
    assert stand.driver.stats().pools[0].thin


@pytest.mark.drivers('nfs-raw')
def test_files_take_all_their_room_at_once_where_that_is_asked_for(tmp_path):
    stand = stands.NFSStand('nfs-raw', tmp_path, room='size=1100m', nfs_sparsed_volumes=False)
    try:
        volume, second = stand.volume(), stand.volume()
        effect = stand.effect()
        stand.driver.create(volume, effect)
        assert (stand.directory / volume.name).stat().st_blocks * 512 >= 1 << 30
        assert len(effect.reports) > 4
        pool, = stand.driver.stats().pools
        assert pool.thick and not pool.thin
        with pytest.raises(exceptions.BackendFull):
            stand.driver.create(second, stand.effect())
        assert not [name for name in stand.everything() if second.name in name]
    finally:
        stand.stop()


def fill(path):
    """A file that takes all the room there is."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        with contextlib.suppress(OSError):
            while True:
                os.write(file, bytes(4096))
    finally:
        os.close(file)
    return path


@pytest.fixture
def small(request, tmp_path):
    stand = stands.NFSStand(request.param, tmp_path, room='size=8m')
    yield stand
    stand.stop()


@pytest.mark.parametrize('small', ['nfs-raw', 'nfs-qcow2'], indirect=True)
def test_a_share_that_fills_up_costs_nothing_that_was_there(small):
    volume = small.made()
    for offset in range(3):
        small.write(volume, 0x31, offset)
    before = small.everything()
    filler = fill(small.directory / 'filler')
    snapshot = small.snapshot(volume)
    for call, *arguments in ((small.driver.clone, small.volume(), volume), (small.driver.create_snapshot, snapshot)):
        with pytest.raises(exceptions.BackendFull):
            call(*arguments, small.effect())
    assert small.everything() == {*before, 'filler'}
    filler.unlink()
    small.driver.create_snapshot(snapshot, small.effect())
    small.driver.delete_snapshot(snapshot, small.effect())
    assert all(small.holds(volume, 0x31, offset) for offset in range(3))


@pytest.mark.parametrize('small', ['nfs-raw', 'nfs-qcow2'], indirect=True)
def test_a_snapshot_whose_deletion_finds_no_room_is_deleted_later(small):
    volume = small.made()
    for offset in range(2):
        subprocess.run(['qemu-io', '-f', 'raw', '-c', f'write -P 65 {offset}M 1M', small.driver.locator(volume)],
                       check=True, capture_output=True, timeout=60)
    snapshot = taken(small, volume)
    subprocess.run(['qemu-io', '-f', 'raw', '-c', 'write -P 66 4M 1M', small.driver.locator(volume)], check=True,
                   capture_output=True, timeout=60)
    filler = fill(small.directory / 'filler')
    with pytest.raises(exceptions.BackendFull):
        small.driver.delete_snapshot(snapshot, small.effect())
    assert small.holds(volume, 65, 1) and small.holds(volume, 66, 4)
    filler.unlink()
    small.driver.delete_snapshot(snapshot, small.effect(epoch=2))
    assert small.holds(volume, 65, 1) and small.holds(volume, 66, 4)
    small.driver.delete(volume, small.effect())
    assert not small.everything()


# --- shares
def test_what_is_not_mounted_and_cannot_be_is_unavailable(stand):
    """Nothing is ever written to the directory below."""
    volume = stand.made()
    stand.unmount()
    try:
        for call in (stand.driver.create, stand.driver.delete):
            with pytest.raises(exceptions.BackendUnavailable):
                call(volume, stand.effect())
        for call in (stand.driver.stats, stand.driver.find, stand.driver.manageable, stand.driver.start):
            with pytest.raises(exceptions.BackendUnavailable):
                call()
        assert not list(stand.directory.iterdir())
    finally:
        stands.mount(stand.directory, 'size=1m', source='elsewhere:/else')
    with pytest.raises(exceptions.ConfigurationError, match='elsewhere:/else'):
        stand.driver.create(volume, stand.effect())


def test_a_share_belongs_to_one_backend(stand):
    (stand.directory / '.blockctl' / 'backend').write_text('node@there')
    with pytest.raises(exceptions.ConfigurationError, match='belongs to node@there'):
        stand.another()


def test_no_snapshots_where_they_are_not_allowed(stand):
    volume = stand.made()
    driver = stand.another(nfs_snapshot_support=False)
    with pytest.raises(exceptions.BackendUnable, match='nfs_snapshot_support'):
        driver.create_snapshot(stand.snapshot(volume), stand.effect())


@pytest.fixture
def two(tmp_path):
    """(driver, stands of its two shares)"""
    listed = tmp_path / 'shares'
    class Second(stands.NFSStand):
        PATH = '/export/second'
    made = [kind('nfs-raw', tmp_path / 'mnt') for kind in (stands.NFSStand, Second)]
    for each in made:
        (each.directory / '.blockctl' / 'backend').unlink()
    listed.write_text('# shares\n\n127.0.0.1:/export/contract\n127.0.0.1:/export/second  -o vers=4.2\n')
    driver = stands.make_driver('nfs-raw', nfs_shares_config=str(listed), nfs_mount_point_base=str(tmp_path / 'mnt'),
                                nfs_mount_attempts=1, nfs_snapshot_support=True)
    driver.start()
    yield driver, made
    for each in made:
        each.stop()


def test_each_share_is_a_pool(two):
    driver, (first, second) = two
    exports = ['127.0.0.1:/export/contract', '127.0.0.1:/export/second']
    assert [pool.name for pool in driver.stats().pools] == exports
    volume, clone = first.volume(pool=exports[0]), first.volume(2, pool=exports[1])
    driver.create(volume, first.effect())
    first.driver.locator(first.volume(name=volume.name))
    driver.clone(clone, volume, first.effect())
    assert (first.directory / volume.name).exists() and (second.directory / clone.name).exists()
    assert {found.name: found.pool for found in driver.find()} == {volume.name: exports[0], clone.name: exports[1]}
    assert driver.connect(clone, HOST, first.effect())['data']['options'] == '-o vers=4.2'
    assert 'options' not in driver.connect(volume, HOST, first.effect())['data']
    with pytest.raises(exceptions.BackendUnavailable):
        driver.create(first.volume(pool='127.0.0.1:/export/third'), first.effect())


def test_a_share_that_is_away_keeps_nobody_from_the_others(two):
    driver, (first, second) = two
    second.unmount()
    try:
        assert [pool.name for pool in driver.stats().pools] == ['127.0.0.1:/export/contract']
        driver.start()
        driver.create(first.volume(pool='127.0.0.1:/export/contract'), first.effect())
        with pytest.raises(exceptions.BackendUnavailable):
            driver.create(first.volume(pool='127.0.0.1:/export/second'), first.effect())
    finally:
        stands.mount(second.directory, 'size=1m', source='127.0.0.1:/export/second')
    assert len(driver.stats().pools) == 2


# --- zombies
@pytest.mark.parametrize('call', ['create', 'clone', 'create_from_snapshot', 'create_snapshot', 'revert'])
def test_who_loses_the_lease_once_a_file_is_made_does_not_put_it_in_its_place(stand, call):
    source, new = stand.made(), stand.volume()
    stand.write(source, 0x51)
    first, second = taken(stand, source), stand.snapshot(source)
    stand.write(source, 0x52)
    arguments = {'create': (new,), 'clone': (new, source), 'create_from_snapshot': (new, first),
                 'create_snapshot': (second,), 'revert': (source, first)}[call]
    before = stand.everything()

    def lose(number):
        if stand.everything() - before:
            raise exceptions.LeaseLost(job_id='of-a-test')
    with pytest.raises(exceptions.LeaseLost):
        getattr(stand.driver, call)(*arguments, stand.effect(at_check=lose))
    assert all('.1' in name for name in stand.everything() - before)
    assert stand.holds(source, 0x52)


def test_a_stopped_process_keeps_its_successor_out_until_it_ends(stand, other):
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
    assert not stand.everything()


def test_what_a_killed_process_left_goes_with_the_volume(stand, other):
    volume, bystander = stand.volume(), stand.made()
    near = stand.volume(name=f'{volume.name}0')
    stand.driver.create(near, stand.effect())
    others, counting = stand.everything(), stand.effect()
    gone = stand.volume()
    stand.driver.create(gone, counting)
    stand.driver.delete(gone, stand.effect())
    other.order('create', volume, epoch=17, stop_at_check=counting.checks - 1)
    other.wait_stopped()
    assert stand.everything() == {*others, f'{volume.name}.17'}
    other.kill()
    stand.driver.delete(volume, stand.effect(epoch=18))
    assert stand.everything() == others
    assert bystander.name in others

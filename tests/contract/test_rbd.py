# SPDX-License-Identifier: Apache-2.0
"""The driver ``rbd`` on a real cluster: fences, a paused cluster, what a kill leaves, capacity, connections."""

import concurrent.futures
import contextlib
import random
import subprocess
import sys
import time

import pytest

from blockctl import exceptions
from blockctl.drivers import interface
from blockctl.drivers.rbd import driver as rbd_driver
from blockctl.drivers.rbd import images
from blockctl.drivers.rbd import removal

from . import other_process
from . import stands

if not stands.CEPH_CONF:
    pytest.skip('rbd needs a Ceph cluster for tests: name its ceph.conf in BLOCKCTL_TEST_CEPH_CONF '
                '("tools/services up ceph" starts one)', allow_module_level=True)

rados = pytest.importorskip('rados', reason='python3-rados is not installed')
rbd = pytest.importorskip('rbd', reason='python3-rbd is not installed')


pytestmark = pytest.mark.drivers('rbd')


@contextlib.contextmanager
def paused(stand):
    """The cluster answers no read and no write."""
    stand.monitor('osd pause')
    stand.cluster.wait_for_latest_osdmap()
    try:
        yield
    finally:
        stand.monitor('osd unpause')
        stand.cluster.wait_for_latest_osdmap()


def cut_off(stand, identity):
    """As a fence by another process, and its next call: from that the OSD learns of the fence at the latest."""
    stand.cluster.blocklist_add(identity, 120)
    with contextlib.suppress(rados.ObjectNotFound):
        stand.ioctx.stat('nothing')


def has_stats(stand):
    """Of a pool made a moment ago the monitors have no figures yet."""
    with contextlib.suppress(exceptions.BackendUnavailable):
        return stand.driver.stats()


def fill(stand, volume, objects):
    with rbd.Image(stand.ioctx, volume.name) as image:
        for number in range(objects):
            image.write(b'x' * 512, number << 22)


# --- the fence
def test_a_fenced_process_cannot_undo_what_its_successor_made(stand, other):
    """Paused right before it deletes; taken over, made again; continued."""
    volume = stand.made()
    other.order('delete', volume, stop_at_check=0)
    other.wait_stopped()
    stand.driver.fence(other.identity)
    stand.driver.create(volume, stand.effect(epoch=2))
    before = stand.everything()
    other.go_on()
    assert other.answer() == 'BackendUnavailable'
    assert stand.everything() == before
    assert stand.size(volume) == 1 << 30


def test_a_fenced_process_cannot_make_what_its_successor_removed(stand, other):
    volume = stand.volume()
    other.order('create', volume, stop_at_check=0)
    other.wait_stopped()
    stand.driver.fence(other.identity)
    stand.driver.delete(volume, stand.effect(epoch=2))
    other.go_on()
    assert other.answer() == 'BackendUnavailable'
    assert not stand.everything()


def test_a_fence_twice_costs_once(stand):
    other = stand.another()
    stand.driver.fence(other.identity())
    begin = time.monotonic()
    for _ in range(20):
        stand.driver.fence(other.identity())
    assert time.monotonic() - begin < 0.2
    other.stop()


def test_a_fenced_process_lets_go_of_its_image_at_once(stand):
    """A lock and a watch of a client that died or hangs would be in the way for 30 s."""
    volume = stand.made()
    holder = rados.Rados(conffile=stands.CEPH_CONF)
    holder.connect()
    with holder.open_ioctx(stand.ceph_pool) as ioctx, rbd.Image(ioctx, volume.name) as image:
        image.write(b'x', 0)
        with pytest.raises(exceptions.BackendBusy):
            stand.driver.delete(volume, stand.effect())
        assert volume.name in stand.found()
        stand.driver.fence(holder.get_addrs())
        begin = time.monotonic()
        stand.driver.delete(volume, stand.effect())
        assert time.monotonic() - begin < 5
    holder.shutdown()
    assert not stand.everything()


@pytest.mark.parametrize('identity', ['', 'garbage', '127.0.0.1', '127.0.0.1:0/1 ', '127.0.0.1:0/1,127.0.0.2:0/1',
                                      '$(reboot):0/1'])
def test_what_is_no_address_is_not_fenced(stand, identity):
    with pytest.raises(exceptions.BackendError):
        stand.driver.fence(identity)


@pytest.mark.parametrize('identity', ['192.0.2.7:0/4294967295', '[2001:db8::1]:0/7'])
def test_addresses_are_taken(stand, identity):
    stand.driver.fence(identity)
    assert identity.encode() in stand.monitor('osd blocklist ls', format='json')


def test_fencing_oneself_gives_a_new_client(stand):
    before = stand.driver.identity()
    stand.driver.fence(before)
    assert stand.driver.identity() != before
    stand.made()


# --- cut off, and back
def test_a_cut_off_client_is_replaced_on_the_next_call(stand):
    volume, before = stand.made(), stand.driver.identity()
    cut_off(stand, before)
    with pytest.raises(exceptions.BackendUnavailable):
        stand.driver.create(stand.volume(), stand.effect())
    assert stand.driver.identity() != before
    stand.driver.delete(volume, stand.effect(epoch=2))
    assert not stand.everything()


def test_stats_notice_that_the_client_is_cut_off(stand):
    stands.wait_for(lambda: has_stats(stand))
    cut_off(stand, stand.driver.identity())
    with pytest.raises(exceptions.BackendUnavailable):
        stand.driver.stats()
    assert stand.driver.stats().pools


def test_a_job_claimed_with_the_cut_off_client_goes_no_further(stand):
    """Its successor would fence the old address, which is dead already, and not the new one."""
    old = stand.driver.identity()
    cut_off(stand, old)
    with pytest.raises(exceptions.BackendUnavailable):
        stand.driver.find()
    assert stand.driver.identity() != old
    for call in (stand.driver.create, stand.driver.delete):
        with pytest.raises(exceptions.BackendUnavailable):
            call(stand.volume(), stand.effect(identity=old))
    assert not stand.everything()


def test_ten_threads_cut_off_at_once_come_back_with_one_client(stand):
    cut_off(stand, stand.driver.identity())
    volumes = [stand.volume() for _ in range(10)]

    def create(volume):
        for _ in range(3):
            with contextlib.suppress(exceptions.BackendUnavailable):
                stand.driver.create(volume, stand.effect())
                return stand.driver.identity()
        return None

    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        identities = set(threads.map(create, volumes))
    assert identities == {stand.driver.identity()}
    assert set(stand.found()) == {v.name for v in volumes}


# --- no call hangs
def test_a_paused_cluster_is_a_timeout_within_the_bound(stand):
    driver = stand.another(rados_op_timeout=2)
    identity = driver.identity()
    there, absent = stand.made(), stand.volume()
    calls = {
        'create': lambda: driver.create(absent, stand.effect(driver)),
        'create again': lambda: driver.create(there, stand.effect(driver)),
        'delete': lambda: driver.delete(there, stand.effect(driver)),
        'extend': lambda: driver.extend(there, 2, stand.effect(driver)),
        'rename': lambda: driver.rename(absent, there.name, stand.effect(driver)),
        'size_of': lambda: driver.size_of(there.name, 'here'),
        'find': driver.find,
        'stats': driver.stats,
    }
    with paused(stand), concurrent.futures.ThreadPoolExecutor(len(calls)) as threads:
        begin = time.monotonic()
        futures = {name: threads.submit(call) for name, call in calls.items()}
        for name, future in futures.items():
            with pytest.raises(exceptions.BackendTimeout):
                raise AssertionError(f'{name}: {future.result(20)!r}')
        assert time.monotonic() - begin < 8
        driver.fence('192.0.2.9:0/1')  # the monitors answer
    driver.create(absent, stand.effect(driver))
    assert driver.identity() == identity, 'a client that timed out is not given up'
    for volume in (there, absent):
        driver.delete(volume, stand.effect(driver))
    assert not stand.everything()
    driver.stop()


def test_a_start_while_the_cluster_is_paused(stand):
    with paused(stand), pytest.raises(exceptions.BackendTimeout):
        stand.another(rados_op_timeout=2)


@pytest.mark.parametrize('values, error', [
    ({'rbd_pool': 'no-such-pool'}, exceptions.BackendUnavailable),
    ({'rbd_ceph_conf': '/dev/null'}, exceptions.BackendUnavailable),
    ({'rbd_ceph_conf': '/no/such/file'}, exceptions.BackendUnavailable),
    ({'rbd_store_chunk_size': 3}, exceptions.ConfigurationError),
])
def test_starts_that_fail(stand, values, error):
    begin = time.monotonic()
    with pytest.raises(error):
        stand.another(rados_connect_timeout=2, **values)
    assert time.monotonic() - begin < 8


# --- what a kill leaves
@pytest.mark.parametrize('missing', [
    ('rbd_id', 'rbd_header', 'rbd_object_map'), ('rbd_header', 'rbd_object_map'), ('rbd_object_map',)],
    ids=['only in the directory', 'no header', 'no object map'])
@pytest.mark.parametrize('call', ['create', 'delete'])
def test_a_creation_that_broke_off(stand, missing, call):
    """The states librbd passes, in order."""
    volume = stand.made()
    with rbd.Image(stand.ioctx, volume.name) as image:
        image_id = image.id()
    for part in missing:
        stand.ioctx.remove_object(f'{part}.{volume.name if part == "rbd_id" else image_id}')
    getattr(stand.driver, call)(volume, stand.effect(epoch=2))
    if call == 'create':
        stand.write(volume, 1)
        with rbd.Image(stand.ioctx, volume.name) as image:
            assert image.size() == 1 << 30
            assert not image.flags() & rbd.RBD_FLAG_OBJECT_MAP_INVALID
        stand.driver.delete(volume, stand.effect(epoch=3))
    assert not stand.everything()


def test_creations_killed_anywhere_leave_what_create_and_delete_mend(stand):
    for _ in range(8):
        other = other_process.Other(stand)
        volumes = [stand.volume() for _ in range(30)]
        for volume in volumes:
            other.order('create', volume)
        other.answer()
        time.sleep(random.uniform(0.005, 0.05))  # anywhere
        other.end()
        for number, volume in enumerate(volumes):
            if number % 3:
                stand.driver.create(volume, stand.effect(epoch=2))
                assert stand.driver.size_of(volume.name, 'here') == 1
            stand.driver.delete(volume, stand.effect(epoch=3))
        assert not stand.everything()


def test_a_removal_killed_half_way_is_found_and_finished(stand, other):
    volume = stand.made(size=100)
    fill(stand, volume, 200)
    other.order('delete', volume, kill_at_progress=0.0)
    other.wait_dead()
    stand.driver.fence(other.identity)
    assert volume.name in stand.everything()
    begin = time.monotonic()
    stand.driver.delete(volume, stand.effect(epoch=2))
    assert time.monotonic() - begin < 10
    assert not stand.everything()


@pytest.mark.parametrize('check', range(3))
def test_a_removal_killed_before_each_effect(stand, other, check):
    """The next one finds the image by its name, or in the trash."""
    volume = stand.made()
    other.order('delete', volume, kill_at_check=check)
    other.wait_dead()
    stand.driver.fence(other.identity)
    assert volume.name in stand.everything()
    stand.driver.delete(volume, stand.effect(epoch=2))
    assert not stand.everything()


def test_a_removal_that_no_job_goes_on_with(stand, monkeypatch):
    """What it left in the trash is found by who keeps the pool tidy."""
    monkeypatch.setattr(removal, '_OWN', 1.0)
    volume = stand.made()
    with pytest.raises(exceptions.LeaseLost):
        stand.driver.delete(volume, stand.effect(lose_at=2))
    assert not stand.found()
    assert volume.name in stand.everything()
    stand.assert_empty()


def test_a_removal_under_way_is_left_to_its_job(stand):
    volume = stand.made()
    with pytest.raises(exceptions.LeaseLost):
        stand.driver.delete(volume, stand.effect(lose_at=2))
    stand.driver._upkeep.kick()
    gone = stand.made()
    stand.driver.delete(gone, stand.effect())
    assert volume.name in stand.everything()
    stand.driver.delete(volume, stand.effect(epoch=2))
    assert not stand.everything()


def test_an_image_in_use_is_not_removed(stand):
    volume = stand.made()
    user = rados.Rados(conffile=stands.CEPH_CONF)
    user.connect()
    with user.open_ioctx(stand.ceph_pool) as ioctx, rbd.Image(ioctx, volume.name) as image:
        image.write(b'x', 0)
        with pytest.raises(exceptions.BackendBusy):
            stand.driver.delete(volume, stand.effect())
        assert volume.name in stand.found()
        assert not stand._errands()
        image.write(b'y', 0)
    user.shutdown()
    stand.driver.delete(volume, stand.effect())
    assert not stand.everything()


def test_a_removal_from_a_full_pool_that_never_saw_one(stand):
    """librbd alone says "image not found" there, and leaves the image."""
    stand.ioctx.remove_object('rbd_trash')
    driver, volume = stand.another(), stand.made()
    with stand.full():
        driver.delete(volume, stand.effect(driver))
        assert not stand.found()
    driver.stop()


def test_a_removal_that_finds_no_room_does_not_pass_for_done(stand):
    volume = stand.made()
    with contextlib.suppress(rados.ObjectNotFound):
        stand.ioctx.remove_object('rbd_trash')
    with stand.full():
        with pytest.raises(exceptions.BackendFull):
            stand.driver.delete(volume, stand.effect())
        assert volume.name in stand.found()
    stand.driver.delete(volume, stand.effect())
    assert not stand.everything()


@pytest.mark.parametrize('step', ['linked', 'listed'])
def test_a_rename_that_broke_off(stand, step):
    """librbd writes the new name's object, then changes the directory, then removes the old name's object."""
    old, volume = stand.volume(name='golden'), stand.volume()
    stand.driver.create(old, stand.effect())
    link = stand.ioctx.read(f'rbd_id.{old.name}')
    if step == 'linked':
        stand.ioctx.write_full(f'rbd_id.{volume.name}', link)
    else:
        stand.driver.rename(volume, old.name, stand.effect())
        stand.ioctx.write_full(f'rbd_id.{old.name}', link)
    stand.driver.rename(volume, old.name, stand.effect(epoch=2))
    assert list(stand.found()) == [volume.name]
    stand.write(volume, 1)
    with pytest.raises(exceptions.NotFoundOnBackend):
        stand.driver.size_of(old.name, 'here')
    stand.driver.delete(volume, stand.effect())
    assert not stand.everything()


# --- what it makes and says
def test_images_are_as_the_options_say(stand):
    driver, volume = stand.another(rbd_store_chunk_size=8), stand.volume()
    driver.create(volume, stand.effect(driver))
    with rbd.Image(stand.ioctx, volume.name) as image:
        assert image.stat()['order'] == 23
        assert image.features() == int(stand.cluster.conf_get('rbd_default_features'))
    driver.stop()


def test_an_image_with_a_snapshot_is_busy(stand):
    volume = stand.made()
    with rbd.Image(stand.ioctx, volume.name) as image:
        image.create_snap('of-the-operator')
        with pytest.raises(exceptions.BackendBusy):
            stand.driver.delete(volume, stand.effect())
        image.remove_snap('of-the-operator')
    assert volume.name in stand.found()


def test_extend_of_an_image_in_use(stand):
    volume = stand.made()
    user = rados.Rados(conffile=stands.CEPH_CONF)
    user.connect()
    with user.open_ioctx(stand.ceph_pool) as ioctx, rbd.Image(ioctx, volume.name) as image:
        image.write(b'x', 0)
        stand.driver.extend(volume, 2, stand.effect())
        assert image.size() == 2 << 30
    user.shutdown()


def test_a_long_removal_reports(stand, monkeypatch):
    monkeypatch.setattr(images, 'PROGRESS_INTERVAL', 0.0)
    monkeypatch.setattr(rbd_driver, '_LONG', 1)
    volume, effect = stand.made(), stand.effect()
    fill(stand, volume, 50)
    stand.driver.delete(volume, effect)
    assert len(effect.reports) > 5 and effect.reports[-1] > 0.9


def test_capacity_with_a_quota(stand):
    stand.monitor('osd pool set-quota', pool=stand.ceph_pool, field='max_bytes', val=str(1 << 30))
    try:
        static = stand.another(report_dynamic_total_capacity=False)
        for driver in (stand.driver, static):
            pool = driver.stats().pools[0]
            assert 0.9 < pool.free <= pool.total <= 1
        static.stop()
    finally:
        stand.monitor('osd pool set-quota', pool=stand.ceph_pool, field='max_bytes', val='0')
    assert stand.driver.stats().pools[0].total > 1


def test_foreign_images_count_in_a_shared_pool(stand):
    stand.made(5)
    stand.driver.create(stand.volume(3, name='golden'), stand.effect())
    shared = stand.another(rbd_exclusive_cinder_pool=False)
    assert shared.stats().pools[0].foreign == 3
    assert stand.driver.stats().pools[0].foreign == 0
    shared.stop()


def test_connection_for_os_brick(stand):
    volume = stand.made()
    data = stand.driver.connect(volume, interface.Connector(host='here'), stand.effect())['data']
    assert data['name'] == f'{stand.ceph_pool}/{volume.name}'
    assert data['hosts'] and len(data['hosts']) == len(data['ports'])
    assert all(port.isdigit() for port in data['ports'])
    assert data['secret_uuid'] == stand.cluster.get_fsid()
    assert (data['auth_enabled'], data['auth_username'], data['secret_type']) == (False, None, 'ceph')
    named = stand.another(rbd_user='admin', rbd_secret_uuid='f00')
    data = named.connect(volume, interface.Connector(host='here'), stand.effect(named))['data']
    assert (data['auth_enabled'], data['auth_username'], data['secret_uuid']) == (True, 'admin', 'f00')
    named.stop()


@pytest.mark.parametrize('address, expected', [
    ('192.0.2.1:6789/0', ('192.0.2.1', '6789')), ('[2001:db8::1]:3300/0', ('2001:db8::1', '3300'))])
def test_addresses_of_monitors(address, expected):
    assert rbd_driver._host_and_port(address) == expected


def test_the_module_needs_no_bindings_to_be_imported():
    """Other services list the options of all drivers, on machines without Ceph."""
    code = ('import sys; sys.modules["rados"] = sys.modules["rbd"] = None; '
            'from blockctl.drivers.rbd.driver import RBDDriver; assert RBDDriver.options()')
    subprocess.run([sys.executable, '-c', code], check=True, timeout=60)

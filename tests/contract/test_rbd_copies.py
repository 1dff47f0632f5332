# SPDX-License-Identifier: Apache-2.0
"""Snapshots, clones, the trash, reverting and fetching of the driver ``rbd`` on a real cluster."""

import concurrent.futures
import contextlib
import dataclasses
import logging
import random
import struct
import threading
import time

import pytest

from blockctl import exceptions
from blockctl.drivers.rbd import clones
from blockctl.drivers.rbd import errands
from blockctl.drivers.rbd import images

from . import other_process
from . import stands

if not stands.CEPH_CONF:
    pytest.skip('rbd needs a Ceph cluster for tests: name its ceph.conf in BLOCKCTL_TEST_CEPH_CONF '
                '("tools/services up ceph" starts one)', allow_module_level=True)

rados = pytest.importorskip('rados', reason='python3-rados is not installed')
rbd = pytest.importorskip('rbd', reason='python3-rbd is not installed')


pytestmark = pytest.mark.drivers('rbd')


@pytest.fixture
def user():
    """A client that is none of blockctl's: a host that uses volumes."""
    cluster = rados.Rados(conffile=stands.CEPH_CONF)
    cluster.connect()
    yield cluster
    cluster.shutdown()


@contextlib.contextmanager
def used(stand, user, volume):
    """The volume is attached, and written to."""
    with user.open_ioctx(stand.ceph_pool) as ioctx, rbd.Image(ioctx, volume.name) as image:
        image.write(b'x', 0)
        yield image


def snapshot_of(stand, volume):
    snapshot = stand.snapshot(volume)
    stand.driver.create_snapshot(snapshot, stand.effect())
    return snapshot


def cloned(stand, source, driver=None, size=1):
    volume = stand.volume(size)
    (driver or stand.driver).clone(volume, source, stand.effect(driver))
    return volume


def delete(stand, *volumes):
    for volume in volumes:
        stand.driver.delete(volume, stand.effect(epoch=9))


def is_deleted(stand, driver, volume):
    """Tries, as a job does while it is busy: upkeep is at it, or at a clone of it."""
    with contextlib.suppress(exceptions.BackendBusy):
        driver.delete(volume, stand.effect(driver))
        return True


def has_parent(stand, volume):
    with rbd.Image(stand.ioctx, volume.name, read_only=True) as image:
        try:
            image.parent_info()
        except rbd.ImageNotFound:
            return False
    return True


def snapshots(stand, volume):
    with rbd.Image(stand.ioctx, volume.name, read_only=True) as image:
        return list(image.list_snaps())


def fill(stand, volume, objects):
    with rbd.Image(stand.ioctx, volume.name) as image:
        for number in range(objects):
            image.write(b'%04d' % number * 16384, number << 22)


def forget_clone(stand, parent_id, clone):
    """What librbd does first when a clone goes, and last when it is made: the parent's list of clones."""
    with rbd.Image(stand.ioctx, clone.name, read_only=True) as image:
        clone_id = image.id().encode()
    with rbd.Image(stand.ioctx, image_id=parent_id, read_only=True) as image:
        snap, = image.list_snaps()
    spec = struct.pack('<qI', stand.ioctx.get_pool_id(), len(clone_id)) + clone_id + struct.pack('<I', 0)
    stand.ioctx.execute(f'rbd_header.{parent_id}', 'rbd', 'child_detach',
                        struct.pack('<Q', snap['id']) + struct.pack('<BBI', 2, 1, len(spec)) + spec)


def trash(stand):
    return {entry['name']: entry['id'] for entry in rbd.RBD().trash_list(stand.ioctx)}


# --- snapshots
def test_a_snapshot_with_clones_goes_and_its_clones_stay(stand):
    volume = stand.made()
    stand.write(volume, 0x11)
    snapshot = snapshot_of(stand, volume)
    stand.write(volume, 0x12)
    clones = [stand.volume(), stand.volume(3)]
    for new in clones:
        stand.driver.create_from_snapshot(new, snapshot, stand.effect())
    for _ in range(2):
        stand.driver.delete_snapshot(snapshot, stand.effect())
    assert [snap['namespace'] for snap in snapshots(stand, volume)] == [rbd.RBD_SNAP_NAMESPACE_TYPE_TRASH]
    assert [stand.size(new) >> 30 for new in clones] == [1, 3]
    stand.driver.create_snapshot(snapshot, stand.effect())  # by the name that was
    stand.driver.delete_snapshot(snapshot, stand.effect())
    delete(stand, clones[0])
    assert stand.holds(clones[1], 0x11) and stand.holds(volume, 0x12)
    delete(stand, clones[1])
    assert not snapshots(stand, volume), 'the last clone takes the snapshot with it'
    delete(stand, volume)
    stand.assert_empty()


def test_a_snapshot_of_a_volume_in_use(stand, user):
    volume = stand.made()
    with used(stand, user, volume) as image:
        image.write(b'\x31' * 65536, 5 << 20)
        snapshot = snapshot_of(stand, volume)
        image.write(b'\x32' * 65536, 5 << 20)
        new, copy = stand.volume(), cloned(stand, volume)
        stand.driver.create_from_snapshot(new, snapshot, stand.effect())
        stand.driver.delete_snapshot(snapshot, stand.effect())
    assert stand.holds(new, 0x31, 5) and stand.holds(copy, 0x32, 5)


def test_a_protected_snapshot_of_another_program(stand):
    """It came in by manage."""
    volume = stand.made()
    snapshot = snapshot_of(stand, volume)
    with rbd.Image(stand.ioctx, volume.name) as image:
        image.protect_snap(snapshot.name)
    new = stand.volume()
    stand.driver.create_from_snapshot(new, snapshot, stand.effect())
    stand.driver.delete_snapshot(snapshot, stand.effect())
    delete(stand, volume, new)
    stand.assert_empty()


def test_layout_is_kept(stand):
    source = stand.volume()
    rbd.RBD().create(stand.ioctx, source.name, 1 << 30, order=23, old_format=False, stripe_unit=65536, stripe_count=4,
                     features=rbd.RBD_FEATURE_LAYERING | rbd.RBD_FEATURE_STRIPINGV2)
    new = stand.volume()
    stand.driver.create_from_snapshot(new, snapshot_of(stand, source), stand.effect())
    for volume in (new, cloned(stand, source)):
        with rbd.Image(stand.ioctx, volume.name) as image:
            assert (image.stat()['order'], image.stripe_unit(), image.stripe_count()) == (23, 65536, 4)


def test_extend_with_snapshots_and_clones(stand):
    volume = stand.made()
    stand.write(volume, 0x21)
    snapshot, copy = snapshot_of(stand, volume), cloned(stand, volume)
    for each in (volume, copy):
        stand.driver.extend(each, 2, stand.effect())
        assert stand.size(each) == 2 << 30
    new = stand.volume()
    stand.driver.create_from_snapshot(new, snapshot, stand.effect())
    assert stand.size(new) == 1 << 30 and stand.holds(new, 0x21) and stand.holds(copy, 0x21)


def test_forty_at_once_on_one_image(stand):
    """librbd 16 would end the process."""
    volume = stand.made()
    taken = [stand.snapshot(volume) for _ in range(40)]
    new = [stand.volume() for _ in range(10)]

    def at_once(*calls):
        with concurrent.futures.ThreadPoolExecutor(40) as threads:
            for future in [threads.submit(*call, stand.effect()) for call in calls]:
                future.result(120)

    driver = stand.driver
    at_once(*((driver.create_snapshot, snapshot) for snapshot in taken),
            *((driver.clone, clone, volume) for clone in new))
    at_once(*((driver.delete_snapshot, snapshot) for snapshot in taken))
    at_once(*((driver.delete, clone) for clone in new))
    delete(stand, volume)
    stand.assert_empty()


# --- clones and the trash
def test_a_chain_deleted_from_its_root(stand):
    first = stand.made()
    stand.write(first, 0x41)
    second = cloned(stand, first)
    third = cloned(stand, second, size=2)
    for volume in (first, second):
        delete(stand, volume)
        delete(stand, volume)
        assert volume.name not in stand.found()
    assert set(trash(stand)) == {first.name, second.name}
    assert stand.holds(third, 0x41)
    assert list(stand.found()) == [third.name]
    delete(stand, third)
    stand.assert_empty()


def test_a_volume_with_clones_that_is_in_use_stays(stand, user):
    volume = stand.made()
    copy = cloned(stand, volume)
    with used(stand, user, volume), pytest.raises(exceptions.BackendBusy):
        delete(stand, volume)
    deferring = stand.another(enable_deferred_deletion=True)
    with used(stand, user, volume), pytest.raises(exceptions.BackendBusy):
        deferring.delete(volume, stand.effect(deferring))
    deferring.stop()
    assert set(stand.found()) == {volume.name, copy.name}


def test_a_volume_with_clones_and_snapshots_stays(stand):
    volume = stand.made()
    snapshot, copy = snapshot_of(stand, volume), cloned(stand, volume)
    with pytest.raises(exceptions.BackendBusy):
        delete(stand, volume)
    assert set(stand.found()) == {volume.name, copy.name}
    stand.driver.delete_snapshot(snapshot, stand.effect())
    delete(stand, volume, copy)
    stand.assert_empty()


def test_the_trash_of_others_is_left_alone(stand):
    mine, parent = stand.made(), stand.made()
    rbd.RBD().trash_move(stand.ioctx, mine.name)
    copy = cloned(stand, parent)
    delete(stand, parent, copy)
    stands.wait_for(lambda: set(trash(stand)) == {mine.name})
    assert mine.name not in stand.found(), 'its row misses it'


def test_what_was_taken_out_of_the_trash_is_left_alone(stand):
    parent = stand.made()
    copy = cloned(stand, parent)
    delete(stand, parent)
    rbd.RBD().trash_restore(stand.ioctx, trash(stand)[parent.name], 'saved')
    delete(stand, copy)
    other = stand.made()
    second = cloned(stand, other)
    delete(stand, other, second)
    stands.wait_for(lambda: not trash(stand))
    assert stand.driver.size_of('saved', 'here') == 1


def test_the_trash_is_emptied_by_whoever_comes_next(stand):
    """Nobody was there when the last clone went; and a snapshot was left when a process died half-way."""
    parent = stand.made()
    copy = cloned(stand, parent)
    delete(stand, parent)
    stand.driver.stop()
    forget_clone(stand, trash(stand)[parent.name], copy)
    rbd.RBD().remove(stand.ioctx, copy.name)
    assert set(trash(stand)) == {parent.name}
    stand.driver.start()
    stand.assert_empty()


# --- what a kill leaves
@pytest.mark.parametrize('call', ['clone', 'create_from_snapshot'])
@pytest.mark.parametrize('then', ['repeat', 'delete'])
def test_a_clone_killed_before_each_effect(stand, call, then):
    volume = stand.made()
    stand.write(volume, 0x51, 9)
    source = volume if call == 'clone' else snapshot_of(stand, volume)
    counting, first = stand.effect(), stand.volume(2)
    getattr(stand.driver, call)(first, source, counting)
    delete(stand, first)
    for number in range(counting.checks):
        other, new = other_process.Other(stand), stand.volume(2)
        other.order(call, new, source, kill_at_check=number)
        other.wait_dead()
        other.end()
        stand.driver.fence(other.identity)
        if then == 'repeat':
            getattr(stand.driver, call)(new, source, stand.effect(epoch=2))
            assert stand.holds(new, 0x51, 9) and stand.size(new) == 2 << 30
        delete(stand, new)
    if call == 'create_from_snapshot':
        stand.driver.delete_snapshot(source, stand.effect())
    delete(stand, volume)
    stand.assert_empty()


def test_clones_killed_anywhere(stand):
    volume = stand.made()
    fill(stand, volume, 20)
    for number in range(12):
        other, new = other_process.Other(stand), stand.volume(2)
        other.order('clone', new, volume)
        time.sleep(random.uniform(0.005, 0.12))  # anywhere
        other.end()
        stand.driver.fence(other.identity)
        if number % 3:
            stand.driver.clone(new, volume, stand.effect(epoch=2))
            assert stand.size(new) == 2 << 30 and has_parent(stand, new)
            with rbd.Image(stand.ioctx, new.name, read_only=True) as image:
                assert image.read(19 << 22, 8) == b'00190019'
        delete(stand, new)
    delete(stand, volume)
    stand.assert_empty()


def drop_map(stand, image_id, snap_id):
    stand.ioctx.remove_object(f'rbd_object_map.{image_id}.{snap_id:016x}')


def test_a_snapshot_that_broke_off_inside_librbd(stand):
    """In the header, without its object map: it cannot even be opened."""
    volume = stand.made()
    stand.write(volume, 0x54)
    snapshot, new = snapshot_of(stand, volume), stand.volume()
    with rbd.Image(stand.ioctx, volume.name, read_only=True) as image:
        drop_map(stand, image.id(), image.snap_get_id(snapshot.name))
    stand.driver.create_snapshot(snapshot, stand.effect(epoch=2))
    stand.driver.create_from_snapshot(new, snapshot, stand.effect())
    assert stand.holds(new, 0x54)
    with rbd.Image(stand.ioctx, volume.name) as image:
        image.create_snap(name := f'{new.name}.clone_snap')
        drop_map(stand, image.id(), image.snap_get_id(name))
    delete(stand, new)
    stand.driver.clone(new, volume, stand.effect())
    assert stand.holds(new, 0x54)
    stand.driver.delete_snapshot(snapshot, stand.effect())
    delete(stand, volume, new)
    stand.assert_empty()


def test_a_removal_of_a_snapshot_that_broke_off_inside_librbd(stand):
    """Its clones are gone, and its object map; then the process was."""
    volume = stand.made()
    copy = cloned(stand, volume)
    with rbd.Image(stand.ioctx, volume.name, read_only=True) as image:
        image_id = image.id()
    forget_clone(stand, image_id, copy)
    drop_map(stand, image_id, snapshots(stand, volume)[0]['id'])
    rbd.RBD().remove(stand.ioctx, copy.name)
    delete(stand, volume)
    stand.driver.stop()
    stand.driver = stand.another()
    stand.assert_empty()


@pytest.mark.parametrize('state', ['no parent', 'its parent does not know it'])
def test_a_clone_that_broke_off_inside_librbd(stand, state):
    volume = stand.made()
    stand.write(volume, 0x52)
    snapshot, new = snapshot_of(stand, volume), stand.volume()
    if state == 'no parent':
        stand.driver.create(new, stand.effect())
    else:
        stand.driver.create_from_snapshot(new, snapshot, stand.effect())
        with rbd.Image(stand.ioctx, volume.name, read_only=True) as image:
            parent_id = image.id()
        forget_clone(stand, parent_id, new)
    stand.driver.create_from_snapshot(new, snapshot, stand.effect(epoch=2))
    stand.driver.delete_snapshot(snapshot, stand.effect())
    assert stand.holds(new, 0x52)
    assert has_parent(stand, new)
    delete(stand, volume, new)
    stand.assert_empty()


def test_a_clone_again_keeps_what_was_written(stand):
    volume, new = stand.made(), stand.volume(2)
    stand.driver.clone(new, volume, stand.effect())
    stand.write(new, 0x53)
    before = stand.everything()
    stand.driver.clone(new, volume, stand.effect(epoch=2))
    assert stand.holds(new, 0x53)
    assert {name for name in stand.everything() if not name.startswith('rbd_object_map')} == {
        name for name in before if not name.startswith('rbd_object_map')}


def test_a_set_aside_broken_off_anywhere(stand):
    volume = stand.made()
    counting, copy = stand.effect(), cloned(stand, volume)
    stand.driver.delete(volume, counting)
    delete(stand, copy)
    stand.assert_empty()
    for number in range(counting.checks):
        volume = stand.made()
        copy = cloned(stand, volume)
        with pytest.raises(exceptions.LeaseLost):
            stand.driver.delete(volume, stand.effect(lose_at=number))
        stand.driver.delete(volume, stand.effect(epoch=2))
        delete(stand, copy)
        stand.assert_empty()


# --- independence
def test_a_chain_that_grows_too_long_is_cut_in_the_background(stand):
    driver = stand.another(rbd_max_clone_depth=2)
    chain = [stand.made()]
    stand.write(chain[0], 0x61)
    for _ in range(3):
        chain.append(cloned(stand, chain[-1], driver))
    stands.wait_for(lambda: not has_parent(stand, chain[3]))
    chain.append(cloned(stand, chain[3], driver))
    assert [has_parent(stand, volume) for volume in chain] == [False, True, True, False, True]
    new = stand.volume()
    driver.create_from_snapshot(new, snapshot_of(stand, chain[2]), stand.effect(driver))
    stands.wait_for(lambda: not has_parent(stand, new))
    assert all(stand.holds(volume, 0x61) for volume in [*chain, new])
    stands.wait_for(lambda: not stand._errands())
    driver.stop()


def test_a_parent_that_is_lost_while_a_chain_is_measured_does_not_count(stand, monkeypatch):
    chain = [stand.made()]
    for _ in range(2):
        chain.append(cloned(stand, chain[-1]))
    with stand.driver._client.session() as session:
        middle = images.id_of(session, chain[1].name)
        openings = []

        def image_made_independent_first(*args, **options):
            openings.append(options['image_id'])
            if openings[-1] == middle:
                with rbd.Image(stand.ioctx, chain[1].name) as image:
                    image.flatten()
            return rbd.Image(session.ioctx, *args, **options)

        assert clones.depth(session, chain[2].name) == 2
        monkeypatch.setattr(session, 'image', image_made_independent_first)
        assert clones.depth(session, chain[2].name) == 1
        assert openings == [images.id_of(session, chain[2].name), middle]
        monkeypatch.undo()  # the session is the driver's, and goes on


def test_what_was_to_be_flattened_is_so_after_a_restart(stand):
    first = stand.another(rbd_max_clone_depth=1)
    first._upkeep.stop()
    volume = stand.made()
    stand.driver.stop()  # nobody is there
    middle = cloned(stand, volume, first)
    last = cloned(stand, middle, first)
    gone = cloned(stand, middle, first)
    rbd.RBD().remove(stand.ioctx, gone.name)  # not by a driver, which would forget what was to be done with it
    first.stop()
    assert has_parent(stand, last) and len(stand._errands()) == 2
    stand.driver.start()
    stands.wait_for(lambda: not stand._errands())
    assert not has_parent(stand, last)


def test_no_more_are_flattened_at_once_than_the_option_says(stand):
    stand.driver._upkeep.stop()
    driver = stand.another(rbd_max_clone_depth=1, rbd_concurrent_flatten_operations=1)
    volume = cloned(stand, stand.made())
    assert driver._upkeep.slots.acquire(timeout=10)
    new = [cloned(stand, volume, driver) for _ in range(3)]
    other = stand.made()
    copy = cloned(stand, other, driver)
    delete(stand, other)
    driver.delete(copy, stand.effect(driver))
    stands.wait_for(lambda: other.name not in trash(stand))  # the thread goes round meanwhile
    assert all(has_parent(stand, each) for each in new)
    driver._upkeep.slots.release()
    stands.wait_for(lambda: not any(has_parent(stand, each) for each in new))
    driver.stop()


@pytest.mark.parametrize('values', [{'rbd_max_clone_depth': 0}, {'rbd_flatten_volume_from_snapshot': True}])
def test_full_copies_are_independent_when_they_are_made(stand, monkeypatch, values):
    monkeypatch.setattr(images, 'PROGRESS_INTERVAL', 0.0)
    driver, volume, new = stand.another(**values), stand.made(), stand.volume(2)
    fill(stand, volume, 30)
    effect = stand.effect(driver)
    for epoch in (1, 2):
        effect = stand.effect(driver, epoch=epoch)
        if 'rbd_max_clone_depth' in values:
            driver.clone(new, volume, effect)
        else:
            driver.create_from_snapshot(new, snapshot_of(stand, volume), effect)
        assert not has_parent(stand, new)
    assert len(effect.reports) > 10
    with rbd.Image(stand.ioctx, new.name, read_only=True) as image:
        assert image.read(29 << 22, 8) == b'00290029' and image.size() == 2 << 30
    driver.stop()


def wait_until_flattening(driver):
    def at_it():
        return any(kind == errands.FLATTEN and 'by' in details for (kind, _), details in errands.read(session).items())

    with driver._client.session() as session:
        stands.wait_for(at_it)


def test_a_volume_that_is_being_flattened_can_be_used(stand, user):
    driver = stand.another(rbd_max_clone_depth=1)
    volume = stand.made()
    fill(stand, volume, 250)
    last = cloned(stand, cloned(stand, volume, driver), driver)
    wait_until_flattening(driver)
    with used(stand, user, last) as image:
        image.write(b'\x62' * 65536, 900 << 20)
        snapshot = stand.snapshot(last)
        driver.create_snapshot(snapshot, stand.effect(driver))
        driver.extend(last, 2, stand.effect(driver))
        driver.delete_snapshot(snapshot, stand.effect(driver))
        assert image.size() == 2 << 30
        stands.wait_for(lambda: not has_parent(stand, last))
    assert stand.holds(last, 0x62, 900)
    with rbd.Image(stand.ioctx, last.name, read_only=True) as image:
        assert image.read(200 << 22, 8) == b'02000200'
    driver.stop()


def test_delete_of_a_volume_that_is_being_flattened(stand):
    driver = stand.another(rbd_max_clone_depth=1)
    volume = stand.made()
    fill(stand, volume, 250)
    middle = cloned(stand, volume, driver)
    last = cloned(stand, middle, driver)

    wait_until_flattening(driver)
    for _ in range(2):  # as a job does that died before it could say so
        stands.wait_for(lambda: is_deleted(stand, driver, last))
        assert last.name not in stand.found()
        assert last.name not in [each.name for each in driver.manageable()]
    for each in (middle, volume):
        stands.wait_for(lambda each=each: is_deleted(stand, driver, each))
    stand.assert_empty()
    driver.stop()


@pytest.mark.parametrize('deferred', [True, False])
def test_what_is_being_flattened_is_not_moved(stand, deferred):  # librbd would not live through it
    volume = stand.made()
    copy = cloned(stand, volume)
    driver = stand.another(enable_deferred_deletion=deferred)
    with driver._client.session() as session:
        image_id = images.id_of(session, copy.name)
        driver._upkeep._flattening.add(image_id)
        stand.driver._upkeep._flattening.add(image_id)
        errands.add(session, errands.FLATTEN, image_id, by=session.address)
    driver.delete(copy, stand.effect(driver))
    driver._upkeep._round(threading.Event(), thorough=False)
    assert copy.name not in stand.found()
    assert copy.name in rbd.RBD().list(stand.ioctx) and not trash(stand)
    for each in (driver, stand.driver):
        each._upkeep._flattening.clear()
    delete(stand, volume)
    stand.assert_empty()
    driver.stop()


def test_delete_of_a_volume_that_is_used_and_being_flattened(stand, user):
    driver = stand.another(rbd_max_clone_depth=1)
    volume = stand.made()
    fill(stand, volume, 250)
    last = cloned(stand, cloned(stand, volume, driver), driver)
    wait_until_flattening(driver)
    with used(stand, user, last), pytest.raises(exceptions.BackendBusy):
        driver.delete(last, stand.effect(driver))
    assert last.name in stand.found()
    stands.wait_for(lambda: not has_parent(stand, last))
    driver.stop()


def test_no_flattening_begins_once_a_removal_is_written_down(stand):
    volume = stand.made()
    copy = cloned(stand, volume)
    driver = stand.another()
    with driver._client.session() as session:
        image_id = images.id_of(session, copy.name)
        errands.add(session, errands.FLATTEN, image_id)
        errands.add(session, errands.PURGE, image_id, due=time.time() + 60, removes=copy.name)
        driver._upkeep.slots.acquire()
        driver._upkeep._flatten(image_id)
        assert has_parent(stand, copy)
        assert errands.read(session, errands.FLATTEN) == {(errands.FLATTEN, image_id): {}}
    driver.delete(copy, stand.effect(driver))
    delete(stand, volume)
    stand.assert_empty()
    driver.stop()


def test_two_that_flatten_one_image_do_no_harm(stand):
    volume = stand.made()
    fill(stand, volume, 100)
    copy = cloned(stand, volume)
    drivers = [stand.another() for _ in range(2)]
    with rbd.Image(stand.ioctx, copy.name, read_only=True) as image:
        image_id = image.id()
    with drivers[0]._client.session() as session:
        errands.add(session, errands.FLATTEN, image_id)
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        for driver in drivers:
            driver._upkeep.slots.acquire(timeout=10)
            driver._upkeep._flattening.add(image_id)
            threads.submit(driver._upkeep._flatten, image_id)
    stands.wait_for(lambda: not stand._errands())
    assert not has_parent(stand, copy)
    with rbd.Image(stand.ioctx, copy.name, read_only=True) as image:
        assert image.read(99 << 22, 8) == b'00990099'
    for driver in drivers:
        driver.stop()


def test_upkeep_outlives_a_cut_off_and_a_cluster_that_does_not_answer(stand, caplog):
    caplog.set_level(logging.INFO, 'blockctl.drivers.rbd.upkeep')
    driver = stand.another(rados_op_timeout=2)
    stand.driver._upkeep.stop()
    volume = stand.made()
    copy = cloned(stand, volume)
    delete(stand, volume)
    stand.monitor('osd pause')
    try:
        driver._upkeep.kick()
        stands.wait_for(lambda: 'goes on later' in caplog.text)
    finally:
        stand.monitor('osd unpause')
    stand.cluster.wait_for_latest_osdmap()
    stand.cluster.blocklist_add(driver.identity(), 120)
    delete(stand, copy)
    stand.assert_empty()
    begin = time.monotonic()
    driver.stop()
    assert time.monotonic() - begin < 2


# --- deferred deletion
def test_deferred_deletion_keeps_for_the_delay(stand):
    driver = stand.another(enable_deferred_deletion=True, deferred_deletion_delay=3600)
    volume = stand.made()
    stand.write(volume, 0x71)
    for _ in range(2):
        driver.delete(volume, stand.effect(driver))
    assert not stand.found()
    driver._upkeep.kick()
    rbd.RBD().trash_restore(stand.ioctx, trash(stand)[volume.name], volume.name)
    assert stand.holds(volume, 0x71)
    driver.stop()


def test_deferred_deletion_ends(stand):
    driver = stand.another(enable_deferred_deletion=True, deferred_deletion_delay=1)
    volume, partial = stand.made(), stand.made()
    stand.ioctx.remove_object(f'rbd_id.{partial.name}')
    for each in (volume, partial, stand.volume()):
        driver.delete(each, stand.effect(driver))
    snapshot = snapshot_of(stand, kept := stand.made())
    with pytest.raises(exceptions.BackendBusy):
        driver.delete(kept, stand.effect(driver))
    stand.driver.delete_snapshot(snapshot, stand.effect())
    driver.delete(kept, stand.effect(driver))
    stand.assert_empty()
    driver.stop()


# --- revert
def test_revert_of_all_kinds_of_changes(stand):
    parent = stand.made()
    stand.write(parent, 0x81, 100)
    volume = cloned(stand, parent)
    stand.write(volume, 0x82, 4)
    snapshot = snapshot_of(stand, volume)
    stand.write(volume, 0x83, 4)     # over what was
    stand.write(volume, 0x84, 500)   # where nothing was
    stand.write(volume, 0x85, 100)   # over what was the parent's
    with rbd.Image(stand.ioctx, volume.name) as image:
        image.discard(5 << 20, 2 << 20)
    stand.driver.extend(volume, 2, stand.effect())
    stand.write(volume, 0x86, 1500)  # beyond the snapshot
    effect = stand.effect()
    for _ in range(2):
        stand.driver.revert(dataclasses.replace(volume, size=2), snapshot, effect)
        assert stand.holds(volume, 0x82, 4) and stand.holds(volume, 0, 500) and stand.holds(volume, 0x81, 100)
        assert stand.holds(volume, 0, 1500) and stand.size(volume) == 2 << 30
    assert effect.reports


def test_revert_killed_on_its_way(stand, other):
    volume = stand.made()
    fill(stand, volume, 200)
    snapshot = snapshot_of(stand, volume)
    with rbd.Image(stand.ioctx, volume.name) as image:
        for number in range(200):
            image.write(b'\xff' * 65536, number << 22)
    other.order('revert', volume, snapshot, kill_at_check=10)
    other.wait_dead()
    stand.driver.fence(other.identity)
    stand.driver.revert(volume, snapshot, stand.effect(epoch=2))
    with rbd.Image(stand.ioctx, volume.name, read_only=True) as image:
        assert all(image.read(number << 22, 65536) == b'%04d' % number * 16384 for number in range(200))
        assert not list(image.diff_iterate(0, image.size(), snapshot.name, lambda *_: None) or ())


def test_revert_of_a_volume_in_use_and_to_what_is_absent(stand, user):
    volume = stand.made()
    snapshot = snapshot_of(stand, volume)
    with used(stand, user, volume), pytest.raises(exceptions.BackendBusy):
        stand.driver.revert(volume, snapshot, stand.effect())
    with pytest.raises(exceptions.NotFoundOnBackend):
        stand.driver.revert(volume, stand.snapshot(volume), stand.effect())


# --- from another pool
@pytest.fixture
def elsewhere(stand, cluster):
    """A stand on a second pool of the cluster."""
    client, pool = cluster
    name = f'{pool}-second'
    client.create_pool(name)
    with client.open_ioctx(name) as ioctx:
        rbd.RBD().pool_init(ioctx, True)
    second = stands.RBDStand(client, name)
    yield second
    second.stop()
    client.delete_pool(name)


def location(stand):
    stands.wait_for(lambda: has_stats(stand))
    return stand.driver.stats().pools[0].capabilities['location_info']


def has_stats(stand):
    with contextlib.suppress(exceptions.BackendUnavailable):
        return stand.driver.stats()


def test_what_can_be_fetched(stand, elsewhere):
    here, there = location(stand), location(elsewhere)
    assert stand.driver.can_copy_from(there) and elsewhere.driver.can_copy_from(here)
    fsid = stand.cluster.get_fsid()
    for text in (here, None, '', 'ceph:', 'file:/x', there.replace(fsid, fsid[::-1]), 'lvm' + there):
        assert not stand.driver.can_copy_from(text)


def test_a_volume_is_fetched_with_its_data(stand, elsewhere, monkeypatch):
    monkeypatch.setattr(images, 'PROGRESS_INTERVAL', 0.0)
    parent = elsewhere.made()
    fill(elsewhere, parent, 20)
    source = cloned(elsewhere, parent)
    elsewhere.write(source, 0x91, 900)
    volume, effect = stand.volume(2, id=source.id, name=source.name), stand.effect()
    for each in (effect, stand.effect(epoch=2)):
        assert stand.driver.copy_from(volume, location(elsewhere), source, each) == {}
    assert effect.reports == sorted(effect.reports) and len(effect.reports) > 3
    delete(elsewhere, source, parent)
    elsewhere.assert_empty()
    assert list(stand.found()) == [volume.name] and not stand.found()[volume.name].partial
    assert stand.size(volume) == 2 << 30 and stand.holds(volume, 0x91, 900) and stand.holds(volume, 0, 901)
    with rbd.Image(stand.ioctx, volume.name, read_only=True) as image:
        assert all(image.read(number << 22, 8) == b'%04d' % number * 2 for number in range(20))


@pytest.mark.parametrize('then', ['repeat', 'delete'])
def test_a_fetch_killed_before_each_effect(stand, elsewhere, then):
    source, where = elsewhere.made(), location(elsewhere)
    fill(elsewhere, source, 20)
    counting, volume = stand.effect(), dataclasses.replace(source)
    stand.driver.copy_from(volume, where, source, counting)
    delete(stand, volume)
    for number in range(counting.checks):
        other = other_process.Other(stand)
        other.order('copy_from', volume, where, source, kill_at_check=number)
        other.wait_dead()
        other.end()
        stand.driver.fence(other.identity)
        assert all(found.partial for found in stand.found().values())
        if then == 'repeat':
            stand.driver.copy_from(volume, where, source, stand.effect(epoch=2))
            with rbd.Image(stand.ioctx, volume.name, read_only=True) as image:
                assert image.read(19 << 22, 8) == b'00190019'
        delete(stand, volume)
        stand.assert_empty()


def test_fetching_what_is_absent(stand, elsewhere):
    with pytest.raises(exceptions.NotFoundOnBackend):
        stand.driver.copy_from(volume := stand.volume(), location(elsewhere), volume, stand.effect())
    assert not stand.everything()

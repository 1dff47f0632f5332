# SPDX-License-Identifier: Apache-2.0
"""What drivers may do besides, each on the drivers that say they can."""

import json

import pytest

from blockctl import exceptions
from blockctl.drivers import interface

from . import stands

HOST = interface.Connector(host='here', ip='127.0.0.1', initiator='iqn.1993-08.org.debian:01:here')


def lost(call, *arguments, stand):
    """The call makes no effect when the lease is lost before it."""
    before = stand.everything()
    with pytest.raises(exceptions.LeaseLost):
        call(*arguments, stand.effect(lose_at=0))
    assert stand.everything() == before


@pytest.mark.ability('Extends')
def test_extend(stand):
    volume = stand.made(1)
    stand.write(volume, 0x11, 1023)
    lost(stand.driver.extend, volume, 3, stand=stand)
    assert stand.size(volume) == 1 << 30
    for size in (3, 3, 2):
        stand.driver.extend(volume, size, stand.effect())
        assert stand.size(volume) == 3 << 30
    assert stand.holds(volume, 0x11, 1023)
    assert stand.holds(volume, 0, 1024)


@pytest.mark.ability('Extends')
def test_extend_of_what_is_absent(stand):
    with pytest.raises(exceptions.NotFoundOnBackend):
        stand.driver.extend(stand.volume(), 2, stand.effect())
    assert not stand.everything()


@pytest.mark.ability('Snapshots')
def test_snapshot_keeps_what_was(stand):
    volume = stand.made()
    stand.write(volume, 0x21)
    snapshot = stand.snapshot(volume)
    lost(stand.driver.create_snapshot, snapshot, stand=stand)
    stand.driver.create_snapshot(snapshot, stand.effect())
    stand.write(volume, 0x22)
    stand.driver.create_snapshot(snapshot, stand.effect(epoch=2))
    new = stand.volume(2)
    lost(stand.driver.create_from_snapshot, new, snapshot, stand=stand)
    for epoch in (1, 2):
        stand.driver.create_from_snapshot(new, snapshot, stand.effect(epoch=epoch))
    assert stand.holds(new, 0x21) and stand.holds(volume, 0x22)
    assert stand.size(new) == 2 << 30


@pytest.mark.ability('Snapshots')
def test_delete_of_a_snapshot_and_of_its_volume(stand):
    volume = stand.made()
    snapshot = stand.snapshot(volume)
    stand.driver.create_snapshot(snapshot, stand.effect())
    with pytest.raises(exceptions.BackendBusy):
        stand.driver.delete(volume, stand.effect())
    lost(stand.driver.delete_snapshot, snapshot, stand=stand)
    for _ in range(2):
        stand.driver.delete_snapshot(snapshot, stand.effect())
    stand.driver.delete(volume, stand.effect())
    stand.assert_empty()


@pytest.mark.ability('Clones')
def test_clone_is_independent(stand):
    volume = stand.made()
    stand.write(volume, 0x31)
    stand.write(volume, 0x32, 900)
    new = stand.volume(2)
    lost(stand.driver.clone, new, volume, stand=stand)
    for epoch in (1, 2):
        stand.driver.clone(new, volume, stand.effect(epoch=epoch))
    stand.write(volume, 0x33)
    assert stand.holds(new, 0x31) and stand.holds(new, 0x32, 900) and stand.holds(new, 0, 1500)
    assert stand.size(new) == 2 << 30
    stand.driver.delete(volume, stand.effect())
    assert stand.holds(new, 0x31)
    stand.driver.delete(new, stand.effect())
    stand.assert_empty()


@pytest.mark.ability('Clones')
def test_clone_broken_off_anywhere_is_finished_or_removed(stand):
    volume = stand.made()
    for offset in (0, 100, 200):
        stand.write(volume, 0x34, offset)
    counting = stand.effect()
    first = stand.volume()
    stand.driver.clone(first, volume, counting)
    stand.driver.delete(first, stand.effect())
    for number in range(counting.checks):
        for finish in (True, False):
            new = stand.volume()
            with pytest.raises(exceptions.LeaseLost):
                stand.driver.clone(new, volume, stand.effect(lose_at=number))
            if finish:
                stand.driver.clone(new, volume, stand.effect(epoch=2))
                assert stand.holds(new, 0x34, 200)
            stand.driver.delete(new, stand.effect(epoch=3))
    stand.driver.delete(volume, stand.effect())
    stand.assert_empty()


@pytest.mark.ability('Clones')
def test_clone_of_what_is_absent(stand):
    with pytest.raises(exceptions.NotFoundOnBackend):
        stand.driver.clone(stand.volume(), stand.volume(), stand.effect())
    assert not stand.everything()


@pytest.mark.ability('Reverts')
def test_revert(stand):
    volume = stand.made()
    stand.write(volume, 0x41)
    snapshot = stand.snapshot(volume)
    stand.driver.create_snapshot(snapshot, stand.effect())
    stand.write(volume, 0x42)
    stand.write(volume, 0x43, 500)
    lost(stand.driver.revert, volume, snapshot, stand=stand)
    assert stand.holds(volume, 0x42)
    for epoch in (1, 2):
        stands.settled(stand.driver.revert, volume, snapshot, stand.effect(epoch=epoch))
        assert stand.holds(volume, 0x41) and stand.holds(volume, 0, 500)
    assert stand.size(volume) == 1 << 30


@pytest.mark.ability('Connects')
def test_connect(stand):
    volume = stand.made()
    for _ in range(2):
        answer = stand.driver.connect(volume, HOST, stand.effect())
        assert isinstance(answer['driver_volume_type'], str)
        assert json.loads(json.dumps(answer['data'])) == answer['data']
    for connector in (HOST, HOST, None):
        stand.driver.disconnect(volume, connector, stand.effect())
    with pytest.raises(exceptions.NotFoundOnBackend):
        stand.driver.connect(stand.volume(), HOST, stand.effect())


@pytest.mark.ability('Renames')
def test_rename(stand):
    old_name = 'golden'
    stand.driver.create(stand.volume(name=old_name), stand.effect())
    volume = stand.volume()
    lost(stand.driver.rename, volume, old_name, stand=stand)
    assert stand.driver.size_of(old_name, 'here') == 1
    for epoch in (1, 2):
        stand.driver.rename(volume, old_name, stand.effect(epoch=epoch))
    assert list(stand.found()) == [volume.name]
    assert stand.driver.size_of(volume.name, 'here') == 1


@pytest.mark.ability('Renames')
def test_rename_refuses(stand):
    volume, other = stand.made(), stand.made(2)
    with pytest.raises(exceptions.BackendError):
        stand.driver.rename(volume, other.name, stand.effect())
    assert stand.size(volume) == 1 << 30 and stand.size(other) == 2 << 30
    with pytest.raises(exceptions.NotFoundOnBackend):
        stand.driver.rename(stand.volume(), 'absent', stand.effect())
    with pytest.raises(exceptions.NotFoundOnBackend):
        stand.driver.size_of('absent', 'here')
    for bad in ('a/b', '../x', 'a@b', '.x', ''):
        with pytest.raises(exceptions.InvalidRequest):
            stand.driver.rename(stand.volume(), bad, stand.effect())
        with pytest.raises(exceptions.InvalidRequest):
            stand.driver.size_of(bad, 'here')


@pytest.mark.ability('Manages')
def test_what_could_be_managed(stand):
    golden, volume = stand.volume(3, name='golden'), stand.made(2)
    stand.driver.create(golden, stand.effect())
    snapshots = [stand.snapshot(golden), stand.snapshot(volume)]
    for snapshot in snapshots:
        stand.driver.create_snapshot(snapshot, stand.effect())
    assert {(found.name, found.size, found.pool, found.reason_not_safe) for found in stand.driver.manageable()} == {
        ('golden', 3, 'here', None), (volume.name, 2, 'here', None)}
    assert {(found.name, found.volume, found.size) for found in stand.driver.manageable_snapshots()} == {
        (snapshots[0].name, 'golden', 3), (snapshots[1].name, volume.name, 2)}


@pytest.mark.ability('Manages')
def test_a_snapshot_gets_another_name(stand):
    volume = stand.made()
    stand.write(volume, 0x61)
    old, new = (stand.snapshot(volume) for _ in range(2))
    stand.driver.create_snapshot(old, stand.effect())
    lost(stand.driver.rename_snapshot, new, old.name, stand=stand)
    for epoch in (1, 2):
        stand.driver.rename_snapshot(new, old.name, stand.effect(epoch=epoch))
    assert [found.name for found in stand.driver.manageable_snapshots()] == [new.name]
    stand.driver.create_snapshot(old, stand.effect())
    with pytest.raises(exceptions.BackendError):
        stand.driver.rename_snapshot(new, old.name, stand.effect())
    with pytest.raises(exceptions.NotFoundOnBackend):
        stand.driver.rename_snapshot(stand.snapshot(volume), 'absent', stand.effect())
    copy = stand.volume()
    stand.driver.create_from_snapshot(copy, new, stand.effect())
    assert stand.holds(copy, 0x61)


@pytest.mark.ability('Copies')
def test_locator_leads_to_the_data(stand):
    volume = stand.made()
    stand.write(volume, 0x51, 3)
    assert stand.holds(volume, 0x51, 3)
    assert stand.holds(volume, 0, 4)
    assert not stand.holds(volume, 0x52, 3)
    with pytest.raises(exceptions.InvalidRequest):
        stand.driver.locator(stand.volume(name='a:conf=b'))

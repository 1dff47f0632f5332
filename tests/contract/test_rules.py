# SPDX-License-Identifier: Apache-2.0
"""What every driver owes: the four rules, plain refusals, and room that is told as it is."""

import concurrent.futures

import pytest

from blockctl import exceptions
from blockctl.drivers import interface
from blockctl.drivers import names

BAD_NAMES = ('', '.', '..', '.hidden', 'a/b', '../up', '/absolute', 'a@b', 'a\0b', 'a b', 'a:b', 'a\nb', '-rf',
             'a' * 300, 'volume-x.7', 'ü')


def at_once(calls):
    """Run the calls in ten threads; their results in order, raising what one raised."""
    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        return [future.result(240) for future in [threads.submit(call) for call in calls]]


# --- rule 1
def test_create_twice_is_once(stand):
    volume = stand.volume(2)
    for epoch in (1, 1, 2):
        made = stand.driver.create(volume, stand.effect(epoch=epoch))
        assert set(made) <= {'provider_id', 'provider_location'}
    assert list(stand.found()) == [volume.name]
    assert stand.size(volume) == 2 << 30


def test_create_by_another_process(stand):
    volume = stand.made()
    before = stand.everything()
    other = stand.another()
    other.create(volume, stand.effect(other, epoch=2))
    assert stand.everything() == before


def test_create_again_keeps_the_data(stand):
    volume = stand.made()
    stand.write(volume, 0x5a)
    stand.driver.create(volume, stand.effect(epoch=2))
    assert stand.holds(volume, 0x5a)


def test_create_of_another_size_is_refused_for_certain(stand):
    volume = stand.made(1)
    with pytest.raises(exceptions.BackendError) as caught:
        stand.driver.create(stand.volume(2, id=volume.id, name=volume.name), stand.effect())
    assert not isinstance(caught.value, exceptions.BackendTimeout | exceptions.BackendUnavailable
                          | exceptions.BackendBusy | exceptions.BackendFull)
    assert stand.size(volume) == 1 << 30


def test_delete_leaves_nothing_and_twice_is_once(stand):
    volume = stand.made()
    stand.write(volume, 1)
    stand.driver.delete(volume, stand.effect())
    assert not stand.everything()
    stand.driver.delete(volume, stand.effect(epoch=2))
    stand.driver.delete(stand.volume(), stand.effect())
    assert not stand.everything()


# --- rule 4 (and 2: what a lost lease leaves is never under the final name unless it is complete)
def test_a_lost_lease_lets_nothing_be_made(stand):
    with pytest.raises(exceptions.LeaseLost):
        stand.driver.create(stand.volume(), stand.effect(lose_at=0))
    assert not stand.everything()


def test_a_lost_lease_lets_nothing_be_deleted(stand):
    volume = stand.made()
    before = stand.everything()
    with pytest.raises(exceptions.LeaseLost):
        stand.driver.delete(volume, stand.effect(lose_at=0))
    assert stand.everything() == before
    assert stand.size(volume) == 1 << 30


def test_a_lease_lost_later_leaves_what_the_next_worker_finishes(stand):
    counting = stand.effect()
    stand.driver.create(stand.volume(), counting)
    for number in range(1, counting.checks):
        volume = stand.volume()
        with pytest.raises(exceptions.LeaseLost):
            stand.driver.create(volume, stand.effect(epoch=1, lose_at=number))
        assert all(found.partial for name, found in stand.found().items() if name.startswith(volume.name))
        stand.driver.create(volume, stand.effect(epoch=2))
        assert [n for n in stand.found() if n.startswith(volume.name)] == [volume.name]


def test_a_lease_lost_later_leaves_what_a_delete_removes(stand):
    counting = stand.effect()
    first = stand.volume()
    stand.driver.create(first, counting)
    stand.driver.delete(first, stand.effect())
    for number in range(1, counting.checks):
        volume = stand.volume()
        with pytest.raises(exceptions.LeaseLost):
            stand.driver.create(volume, stand.effect(lose_at=number))
        stand.driver.delete(volume, stand.effect(epoch=2))
    assert not stand.everything()


# --- names
@pytest.mark.parametrize('name', BAD_NAMES)
def test_bad_names_are_refused(stand, name):
    volume = stand.volume(name=name)
    for call in (stand.driver.create, stand.driver.delete):
        with pytest.raises(exceptions.InvalidRequest):
            call(volume, stand.effect())
    assert not stand.everything()


@pytest.mark.parametrize('template', ['volume', '%s-%s', 'vol/%s', '.%s', '%d', '100%%-%s', '%s.1'])
def test_templates_that_give_no_good_names(template):
    with pytest.raises(exceptions.ConfigurationError):
        names.Template(template)


def test_find_tells_own_from_foreign(stand):
    volume = stand.made()
    foreign = stand.volume(name='golden-image')
    stand.driver.create(foreign, stand.effect())
    found = stand.found()
    assert list(found) == [volume.name]
    assert found[volume.name].size in (None, 1)
    assert not found[volume.name].partial
    assert found[volume.name].pool == stand.pool


# --- threads
def test_ten_threads_on_ten_volumes(stand):
    volumes = [stand.volume() for _ in range(stand.many)]
    at_once([lambda v=v: stand.driver.create(v, stand.effect()) for v in volumes])
    assert set(stand.found()) == {v.name for v in volumes}
    at_once([lambda v=v: stand.driver.delete(v, stand.effect()) for v in volumes])
    assert not stand.everything()


@pytest.mark.drivers('file', 'fake')
def test_ten_threads_on_one_volume(stand):
    """Where locks are the fence. (rbd: whoever comes second has fenced the first; see test_rbd.py.)"""
    volume = stand.volume()
    at_once([lambda n=n: stand.driver.create(volume, stand.effect(epoch=n)) for n in range(10)])
    assert list(stand.found()) == [volume.name]
    assert stand.size(volume) == 1 << 30
    at_once([lambda n=n: stand.driver.delete(volume, stand.effect(epoch=n)) for n in range(10)])
    at_once([lambda n=n, call=call: call(volume, stand.effect(epoch=n))
             for n in range(20) for call in (stand.driver.create, stand.driver.delete)])
    stand.driver.delete(volume, stand.effect(epoch=99))
    assert not stand.everything()


# --- room
def test_stats_are_numbers_that_fit_each_other(stand):
    stats = stand.driver.stats()
    assert stats.vendor_name and stats.driver_version and stats.storage_protocol
    pool, = stats.pools
    assert 0 <= pool.free <= pool.total
    assert 0 <= pool.foreign <= pool.total
    assert pool.thin or pool.thick
    assert pool.name == 'here'


def test_own_volumes_are_not_foreign(stand):
    before = stand.driver.stats().pools[0]
    volume = stand.made(3)
    for offset in range(0, 64, 4):
        stand.write(volume, 7, offset)
    after = stand.driver.stats().pools[0]
    assert abs(after.foreign - before.foreign) < 1


def test_a_full_backend_says_so_and_still_deletes(stand):
    if stand.name != 'file':
        volume = stand.made()
    with stand.full():
        new = stand.volume()
        with pytest.raises(exceptions.BackendFull):
            stand.driver.create(new, stand.effect())
        stand.driver.delete(new, stand.effect())
        if stand.name != 'file':  # what was there is below the file system that is full
            stand.driver.delete(volume, stand.effect())
            assert volume.name not in stand.found()
        assert new.name not in stand.found()


# --- life
def test_start_and_stop_may_be_repeated(stand):
    volume = stand.made()
    stand.driver.stop()
    stand.driver.start()
    stand.driver.start()
    if stand.name != 'fake':
        assert stand.size(volume) == 1 << 30
    assert stand.driver.stats().pools


def test_the_class_says_what_the_service_needs(stand):
    assert isinstance(stand.driver, interface.Driver)
    assert isinstance(stand.driver.any_machine, bool)
    for option in type(stand.driver).options():
        assert option.help, option.name

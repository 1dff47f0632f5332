# SPDX-License-Identifier: Apache-2.0
"""The driver ``fake`` does what tests of the services tell it to."""

import time

import pytest

from blockctl import exceptions

from . import stands


def made(**values):
    stand = stands.Stand('fake', **values)
    return stand, stand.driver


def test_fails_as_often_as_it_is_told():
    stand, driver = made(fake_fail=['create:BackendFull:2', 'delete:BackendTimeout'])
    volume = stand.volume()
    for _ in range(2):
        with pytest.raises(exceptions.BackendFull):
            driver.create(volume, stand.effect())
    driver.create(volume, stand.effect())
    for _ in range(3):
        with pytest.raises(exceptions.BackendTimeout):
            driver.delete(volume, stand.effect())
    assert driver.calls['create'] == 3 and list(driver.images) == [volume.name]


@pytest.mark.parametrize('text', ['create', 'create:NoSuchError', 'create:BackendFull:x', ':BackendFull', 'a:Kind'])
def test_refuses_what_it_does_not_understand(text):
    with pytest.raises(exceptions.ConfigurationError):
        stands.make_driver('fake', fake_fail=[text])


def test_is_slow_until_it_is_stopped():
    stand, driver = made(fake_delay=0.2)
    begin = time.monotonic()
    driver.create(stand.volume(), stand.effect())
    assert time.monotonic() - begin >= 0.2


def test_several_pools_of_a_size():
    stand, driver = made(fake_pools=['one', 'two'], fake_capacity_gib=5.0)
    driver.create(stand.volume(4, pool='one'), stand.effect())
    with pytest.raises(exceptions.BackendFull):
        driver.create(stand.volume(2, pool='one'), stand.effect())
    driver.create(stand.volume(2, pool='two'), stand.effect())
    driver.create(stand.volume(1, pool='two', name='of-another'), stand.effect())
    with pytest.raises(exceptions.BackendError):
        driver.create(stand.volume(1, pool='three'), stand.effect())
    assert [(p.name, p.total, p.free, p.foreign) for p in driver.stats().pools] == [
        ('one', 5, 1, 0), ('two', 5, 2, 1)]

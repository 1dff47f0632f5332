# SPDX-License-Identifier: Apache-2.0
"""drivers/rbd/turns.py: one thread at a time at an image."""

import concurrent.futures

import pytest

from blockctl import exceptions
from blockctl.drivers.rbd import turns


def test_one_at_a_time_at_an_image():
    taken, inside, most = turns.Turns(20.0), [], []

    def go(number):
        with taken.of('image'):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        list(threads.map(go, range(500)))
    assert set(most) == {1} and len(most) == 500
    assert not taken._turns, 'what nobody wants any more is forgotten'


def test_other_images_are_not_in_the_way():
    taken = turns.Turns(0.0)
    with taken.of('one'), taken.of('two'):
        pass


def test_who_waits_too_long_is_told_that_it_is_busy():
    taken = turns.Turns(0.01)
    with taken.of('image'), pytest.raises(exceptions.BackendBusy), taken.of('image'):
        pass
    with taken.of('image'):
        pass

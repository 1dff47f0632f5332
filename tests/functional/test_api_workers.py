# SPDX-License-Identifier: Apache-2.0
"""blockctl-api with several processes: one looks after the others, and is missed when it is gone."""

import os
import signal

import pytest

from tests.harness import backends
from tests.harness import plugin
from tests.harness import polling
from tests.harness import processes


@pytest.fixture
def api(make_cloud):
    cloud = make_cloud(plugin.database('sqlite'), lambda: plugin.SharedBus('embedded://'), {'files': backends.Files})
    return cloud.start('api', settings={'DEFAULT': {'osapi_volume_workers': 2}})


def workers(api):
    return set(processes.descendants(api.pid)) - {api.pid}


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_that_dies_is_followed_by_another(api):
    first = workers(api)
    assert len(first) == 2
    killed = min(first)
    os.kill(killed, signal.SIGKILL)
    polling.until(lambda: len(workers(api) - {killed}) == 2, 30, 'another worker')
    assert api.terminate() == 0
    assert not any(map(is_alive, first))
    assert not api.says('Traceback')


def test_what_is_told_to_stop_starts_no_other_worker(api):
    os.kill(min(workers(api)), signal.SIGKILL)
    polling.until(lambda: api.says('starting another'), 30, 'word of the dead worker')
    assert api.terminate() == 0


def test_workers_end_when_nobody_looks_after_them(api):
    """Else they would keep the port from the next start."""
    left = workers(api)
    os.kill(api.pid, signal.SIGKILL)
    polling.until(lambda: not any(map(is_alive, left)), 30, 'end of the workers')

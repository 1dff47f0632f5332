# SPDX-License-Identifier: Apache-2.0
"""Backends that no process serves any more, and jobs that kill whoever works on them."""

import pytest

from tests.harness import backends
from tests.harness import invariants
from tests.harness import plugin
from tests.harness import polling
from tests.harness import servers

# A backend counts as down after 3 s, and what had started there is given up after 6 s.
IMPATIENT = {'DEFAULT': {'service_down_time': 3}, 'jobs': {'unserved_timeout': 6}, 'two': {'reserved_percentage': 20}}
EFFECTED = 'volume.create.volume.effected'


@pytest.fixture(params=['mariadb', pytest.param('postgresql', marks=pytest.mark.slow)])
def cloud(request, make_cloud):
    made = make_cloud(plugin.database(request.param), servers.RefusedBus,
                      {'one': backends.Files, 'two': backends.Files}, IMPATIENT)
    made.start_all({'kind': 'api'}, {'kind': 'scheduler'})
    return made


def test_what_never_started_goes_to_another_backend(cloud):
    """Its process is gone when the job comes: nothing can be there, so the next pool may have it."""
    first, _second = cloud.start_all({'kind': 'volume', 'backends': ['one']}, {'kind': 'volume', 'backends': ['two']})
    first.pause()
    volume_id = cloud.client().create()['id']
    polling.until(lambda: cloud.backend_of(volume_id) == 'one', 10, 'choice of the first pool')
    first.kill()
    cloud.until(volume_id, 'available')
    assert cloud.backend_of(volume_id) == 'two'
    invariants.check(cloud)


def test_what_had_started_ends_in_error_and_is_cleaned_up_later(cloud):
    client = cloud.client()
    first = cloud.start('volume', point=EFFECTED, backends=['one'])
    volume_id = client.create()['id']
    first.hit()
    cloud.until(volume_id, 'error')
    [message] = client.messages(volume_id)
    assert 'does not answer' in message['user_message']
    assert cloud.backend_of(volume_id) == 'one'  # its image may be there: the pool keeps the promise
    invariants.check(cloud)
    cloud.start('volume', backends=['one'])
    polling.until(lambda: not cloud.backends['one'].images() and not cloud.live_jobs(), 30, 'clean-up')
    assert cloud.status(volume_id) == 'error'
    assert cloud.backend_of(volume_id) is None
    invariants.check(cloud)
    client.delete(volume_id)
    cloud.until(volume_id, None)
    invariants.check(cloud)


def test_error_that_was_not_cleaned_up_can_be_deleted(cloud):
    """The tenant deletes it before the backend is back; when it is, everything goes."""
    client = cloud.client()
    first = cloud.start('volume', point=EFFECTED, backends=['one'])
    volume_id = client.create()['id']
    first.hit()
    cloud.until(volume_id, 'error')
    client.delete(volume_id)
    cloud.until(volume_id, 'error_deleting')
    cloud.start('volume', backends=['one'])
    cloud.until(volume_id, None)
    assert not cloud.backends['one'].images()
    invariants.check(cloud)


def test_delete_without_a_process_is_done_when_one_is_back(cloud):
    client = cloud.client()
    first = cloud.start('volume', backends=['one'])
    volume_id = client.create()['id']
    cloud.until(volume_id, 'available')
    first.kill()
    client.delete(volume_id)
    cloud.until(volume_id, 'error_deleting')
    invariants.check(cloud)
    cloud.start('volume', backends=['one'])
    cloud.until(volume_id, None)
    assert not cloud.backends['one'].images()
    invariants.check(cloud)


def test_job_that_kills_three_workers_ends_in_error(cloud):
    client = cloud.client()
    volume_id = None
    for _ in range(3):
        victim = cloud.start('volume', point=EFFECTED, backends=['one'], wait=not volume_id)
        volume_id = volume_id or client.create()['id']
        victim.hit()
    survivor = cloud.start('volume', point=EFFECTED, backends=['one'])
    cloud.until(volume_id, 'error')
    assert survivor.status is None
    assert cloud.backend_of(volume_id) is None
    assert not cloud.backends['one'].images()
    assert client.messages(volume_id)
    invariants.check(cloud)
    client.delete(volume_id)
    cloud.until(volume_id, None)
    invariants.check(cloud)

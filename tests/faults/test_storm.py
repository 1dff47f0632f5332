# SPDX-License-Identifier: Apache-2.0
"""Processes are killed and paused at random moments, wherever they are, while volumes are made and deleted.

What the named points cannot reach is reached here sooner or later: the inside of a call to librbd, of a commit.
BLOCKCTL_TEST_SEED makes another storm (though never the same twice: how far each process is, is chance too).
"""

import os
import random
import time

import pytest
import requests

from tests.harness import backends
from tests.harness import invariants
from tests.harness import load
from tests.harness import plugin
from tests.harness import polling
from tests.harness import rest

#: A job may lose many workers here without being the one that kills them.
PATIENT = {'jobs': {'takeovers_max': 50}}
MANY = {'api': 2, 'scheduler': 2, 'volume': 3}


@pytest.mark.parametrize(('database', 'backend', 'seconds'), [
    pytest.param('mariadb', 'files', 15),
    pytest.param('mariadb', 'rbd', 60, marks=pytest.mark.slow),
    pytest.param('postgresql', 'files', 60, marks=pytest.mark.slow),
])
def test_storm(database, backend, seconds, make_cloud, request):
    maker = plugin.rbd() if backend == 'rbd' else backends.Files
    cloud = make_cloud(plugin.database(database), plugin.bus_for(database, request), {'one': maker, 'two': maker},
                       PATIENT)
    cloud.start_all(*({'kind': kind} for kind, count in MANY.items() for _ in range(count)))
    storm = Storm(cloud, random.Random(os.environ.get('BLOCKCTL_TEST_SEED', request.node.name)))
    with load.Creates(cloud, threads=3, through_all=True, pause=0.2) as creates:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            storm.blow()
            storm.delete_one_of(creates.accepted)
    storm.calm()
    kept = creates.accepted.keys() - storm.deleted
    assert kept
    assert storm.deleted
    cloud.until_all(kept, 'available', seconds=90)
    polling.until(lambda: {row.status for row in cloud.volumes().values()} <= {'available'}, 60, 'end of all work')
    assert not storm.deleted & cloud.volumes().keys()
    invariants.check(cloud)
    assert not cloud.complaints()
    cloud.stop()


class Storm:
    """Kills, pauses and resumes processes; of each kind one at least goes on."""

    def __init__(self, cloud, chance):
        self._cloud = cloud
        self._chance = chance
        self._paused = {}  # process: when to resume it
        self.deleted = set()

    def blow(self):
        """One thing happens, after a while."""
        time.sleep(self._chance.uniform(0.05, 0.4))  # a random moment is what this is about
        for process in [process for process, until in self._paused.items() if time.monotonic() > until]:
            process.resume()
            del self._paused[process]
        kind = self._chance.choice(['api', 'scheduler', 'volume', 'volume', 'volume'])
        running = [process for process in self._cloud.living(kind) if process not in self._paused]
        if len(running) < 2:
            self._cloud.start(kind)
        elif self._chance.random() < 0.4:
            self._chance.choice(running).kill()
        else:
            process = self._chance.choice(running)
            process.pause()
            self._paused[process] = time.monotonic() + self._chance.uniform(0.2, 8)

    def delete_one_of(self, accepted):
        """Ask for the end of a volume, where one is available."""
        available = [volume.id for volume in self._cloud.volumes().values()
                     if volume.status == 'available' and volume.id in accepted]
        if not available:
            return
        volume_id = self._chance.choice(available)
        [api] = [process for process in self._cloud.living('api') if process not in self._paused][:1]
        try:
            self._cloud.client(api, timeout=10).delete(volume_id)
            self.deleted.add(volume_id)
        except rest.Refused as refused:
            assert refused.code == 503, refused
        except requests.RequestException:
            # Nobody knows what became of the request; if it was heard, the volume goes.
            self.deleted.add(volume_id)
            self._cloud.client(self._cloud.start('api')).delete(volume_id)

    def calm(self):
        """Everybody goes on, and there is one of each kind."""
        for process in self._paused:
            process.resume()
        for kind in MANY:
            if not self._cloud.living(kind):
                self._cloud.start(kind)

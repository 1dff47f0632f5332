# SPDX-License-Identifier: Apache-2.0
"""More requests than room, and several schedulers: what is placed, what is refused, and when room is there again."""

import collections

import pytest

from tests.harness import backends
from tests.harness import invariants
from tests.harness import load
from tests.harness import plugin
from tests.harness import polling

ROOM = {'one': 120, 'two': 80}
ASKED = 300


@pytest.mark.parametrize('database', ['mariadb', pytest.param('postgresql', marks=pytest.mark.slow)])
def test_no_pool_is_promised_twice(database, make_cloud, request):
    cloud = make_cloud(plugin.database(database), plugin.bus_for(database, request),
                       {name: backends.Fake(fake_capacity_gib=size) for name, size in ROOM.items()})
    *_others, volume = cloud.start_all({'kind': 'api'}, *({'kind': 'scheduler'} for _ in range(3)), {'kind': 'volume'})
    client = cloud.client()

    with load.Creates(cloud, threads=12, most=ASKED) as creates:
        creates.reach(accepted=ASKED, seconds=120)
    invariants.check(cloud, seconds=90, ask_blockctl=False)
    placed, refused = by_status(cloud)
    assert held(cloud) == ROOM
    assert (len(placed), len(refused)) == (sum(ROOM.values()), ASKED - sum(ROOM.values()))
    for volume_id in refused:
        [message] = client.messages(volume_id)
        assert 'Pools refused by each filter:' in message['user_message']
        assert '@' not in message['user_message']  # no name of a host or pool
    for log in (process.log.read_text(errors='replace') for process in cloud.living('scheduler')):
        assert ' goes to ' in log, 'each scheduler had its share'

    # What goes makes room for as much again.
    gone = [volume_id for volume_id in placed if cloud.backend_of(volume_id) == 'one'][:7]
    for volume_id in gone:
        client.delete(volume_id)
    for volume_id in gone:
        cloud.until(volume_id, None)
    become(cloud, [client.create()['id'] for _ in range(9)], available=7, error=2)
    assert held(cloud) == ROOM

    # So does a backend that says it holds more by now; a create that fails there leaves what it had claimed.
    cloud.stop([volume])
    failing = cloud.start('volume', settings={'one': {'fake_capacity_gib': 125, 'fake_fail': 'create:BackendError'}})
    bound = "SELECT bound FROM pools WHERE name LIKE '%#one'"
    polling.until(lambda: cloud.database.one(bound) == 125, 20, 'the report')
    become(cloud, [client.create()['id'] for _ in range(3)], error=3)
    assert failing.status is None
    assert held(cloud) == ROOM
    cloud.stop([failing])
    cloud.start('volume', settings={'one': {'fake_capacity_gib': 125}})
    become(cloud, [client.create()['id'] for _ in range(8)], available=5, error=3)
    assert held(cloud) == {'one': 125, 'two': 80}
    invariants.check(cloud, ask_blockctl=False)
    cloud.stop()


def by_status(cloud):
    """Ids of the volumes that were placed, and of those that were not; there are no others."""
    rows = cloud.volumes().values()
    placed = [row.id for row in rows if row.status == 'available']
    refused = [row.id for row in rows if row.status == 'error' and row.host is None]
    assert len(placed) + len(refused) == len(rows)
    return placed, refused


def become(cloud, volume_ids, **expected):
    """Wait until these volumes have so many of each status."""
    def look():
        rows = cloud.volumes()
        seen[:] = [rows[volume_id].status for volume_id in volume_ids]
        return collections.Counter(seen) == expected

    seen = []
    polling.until(look, 60, lambda: f'{expected}; they are {collections.Counter(seen)}')


def held(cloud):
    """{backend: GiB of its volumes}, which is what its pool has as claimed."""
    counted = collections.Counter()
    for row in cloud.volumes().values():
        if row.host:
            counted[row.host.rpartition('#')[2]] += row.size
    pools = cloud.database.query('SELECT name, claimed FROM pools')
    assert {row.name.rpartition('#')[2]: row.claimed for row in pools} == counted
    return dict(counted)

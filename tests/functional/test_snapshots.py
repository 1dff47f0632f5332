# SPDX-License-Identifier: Apache-2.0
"""Snapshots of volumes, on every installation: their life, what they keep of data, and going with or back to them."""

import concurrent.futures
import shutil
import subprocess

import pytest

from tests.harness import invariants
from tests.harness import polling
from tests.harness import rest


@pytest.fixture
def volume(client):
    """The id of a volume, which goes with its snapshots."""
    volume_id = client.create()['id']
    client.until(volume_id, 'available')
    yield volume_id
    if client.show(volume_id):
        client.delete(f'{volume_id}?cascade=true')
        client.until(volume_id, None)


def take(client, volume_id, **fields):
    snapshot_id = client.ask('POST', '/snapshots', {'snapshot': {'volume_id': volume_id, **fields}})['snapshot']['id']
    until(client, snapshot_id, 'available')
    return snapshot_id


def status(client, snapshot_id):
    try:
        return client.ask('GET', f'/snapshots/{snapshot_id}')['snapshot']['status']
    except rest.Refused as refused:
        assert refused.code == 404
        return None


def until(client, snapshot_id, wanted):
    polling.until(lambda: status(client, snapshot_id) == wanted, 30,
                  lambda: f'snapshot {wanted or "gone"}; it is {status(client, snapshot_id)}')


def data(cloud, volume_id, *commands):
    """Have qemu-io act on the image of a volume."""
    if not shutil.which('qemu-io'):
        pytest.skip('there is no qemu-io')
    locator = cloud.backends[cloud.backend_of(volume_id)].locator(f'volume-{volume_id}')
    done = subprocess.run(['qemu-io', '-f', 'raw', *(word for each in commands for word in ('-c', each)), locator],
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'verification failed' not in done.stdout, done.stdout


def test_openstacksdk(sdk, client, cloud, volume):
    """Unmodified: take, wait, list, show, rename, metadata, a volume of it, delete."""
    taken = sdk.create_snapshot(volume_id=volume, name='Ünï', description='first', metadata={'a': 'b'})
    taken = sdk.wait_for_status(taken, 'available', interval=0.1, wait=30)
    assert [(found.id, found.size, found.volume_id) for found in sdk.snapshots()] == [(taken.id, 1, volume)]
    sdk.update_snapshot(taken, name='renamed')
    sdk.set_snapshot_metadata(taken, c='d')
    found = sdk.get_snapshot(taken.id)
    assert (found.name, found.description, found.metadata, found.progress) == (
        'renamed', 'first', {'a': 'b', 'c': 'd'}, '100%')
    assert f'volume-{volume}@snapshot-{taken.id}' in cloud.backends[cloud.backend_of(volume)].images()
    assert client.ask('GET', '/limits')['limits']['absolute']['totalSnapshotsUsed'] == 1
    made = sdk.create_volume(snapshot_id=taken.id, size=2)
    made = sdk.wait_for_status(made, 'available', interval=0.1, wait=30)
    invariants.check(cloud)
    sdk.delete_volume(made)
    sdk.wait_for_delete(made, interval=0.1, wait=30)
    sdk.delete_snapshot(taken)
    sdk.wait_for_delete(taken, interval=0.1, wait=30)
    assert not list(sdk.snapshots())
    assert client.ask('GET', '/limits')['limits']['absolute']['totalSnapshotsUsed'] == 0
    invariants.check(cloud)


def test_a_volume_goes_with_its_snapshots(client, cloud, volume):
    taken = [take(client, volume) for _ in range(3)]
    with pytest.raises(rest.Refused, match='have snapshots'):
        client.delete(volume)
    client.delete(f'{volume}?cascade=true')
    client.until(volume, None)
    assert [status(client, each) for each in taken] == [None] * 3
    invariants.check(cloud)


def test_a_volume_goes_back_to_its_latest_snapshot(client, cloud, volume):
    data(cloud, volume, 'write -P 17 0 64k', 'flush')
    older = take(client, volume)
    data(cloud, volume, 'write -P 34 0 64k', 'flush')
    latest = take(client, volume)
    data(cloud, volume, 'write -P 51 0 128k', 'flush')
    with pytest.raises(rest.Refused, match='not the latest'):
        client.ask('POST', f'/volumes/{volume}/action', {'revert': {'snapshot_id': older}})
    client.ask('POST', f'/volumes/{volume}/action', {'revert': {'snapshot_id': latest}})
    client.until(volume, 'available')
    until(client, latest, 'available')
    data(cloud, volume, 'read -P 34 0 64k', 'read -P 0 64k 64k')
    client.ask('DELETE', f'/snapshots/{latest}')
    until(client, latest, None)
    client.ask('POST', f'/volumes/{volume}/action', {'revert': {'snapshot_id': older}})
    client.until(volume, 'available')
    data(cloud, volume, 'read -P 17 0 64k')
    invariants.check(cloud)


def test_what_a_volume_is_made_of_keeps_its_data(client, cloud, volume):
    data(cloud, volume, 'write -P 17 0 64k', 'flush')
    taken = take(client, volume)
    data(cloud, volume, 'write -P 34 0 64k', 'flush')
    made = client.ask('POST', '/volumes', {'volume': {'snapshot_id': taken}})['volume']['id']
    client.until(made, 'available')
    data(cloud, made, 'read -P 17 0 64k')
    client.delete(f'{volume}?cascade=true')
    client.until(volume, None)
    data(cloud, made, 'read -P 17 0 64k')
    backend = cloud.backends[cloud.backend_of(made)]
    client.delete(made)
    client.until(made, None)
    # Ceph keeps an image in its trash as long as another needs it; a round of the driver's upkeep takes it out.
    polling.until(lambda: not [name for name in backend.images() if volume in name], 90, f'trash without {volume}')
    invariants.check(cloud)


def test_many_at_once(client, cloud, volume):
    """However many ask for one and for its end at once: the quota is never passed, and all of it is settled."""
    def ask(_number):
        own = rest.Client(client.url, client.project)
        try:
            return own.ask('POST', '/snapshots', {'snapshot': {'volume_id': volume}})['snapshot']['id']
        except rest.Refused as refused:
            return refused

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(14)))
    refused = [answer for answer in answers if isinstance(answer, rest.Refused)]
    taken = [answer for answer in answers if answer not in refused]
    assert (len(taken), {answer.code for answer in refused}) == (10, {413})
    for each in taken:
        until(client, each, 'available')
    invariants.check(cloud, ask_blockctl=False)

    def delete(snapshot_id):
        try:
            rest.Client(client.url, client.project).ask('DELETE', f'/snapshots/{snapshot_id}')
        except rest.Refused as answer:
            return answer.code
        return 202

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(delete, [each for each in taken for _ in range(2)]))
    assert sorted(set(answers)) in ([202, 400], [202, 404], [202, 400, 404])
    assert answers.count(202) == len(taken)
    for each in taken:
        until(client, each, None)
    invariants.check(cloud)

# SPDX-License-Identifier: Apache-2.0
"""Volumes made of volumes, and volumes that change, on every installation."""

import concurrent.futures
import subprocess

import pytest

from tests.harness import invariants
from tests.harness import polling
from tests.harness import rest


@pytest.fixture
def volume(client):
    """A volume that is available."""
    return client.until(client.create(name='source')['id'], 'available')['id']


def images(cloud):
    return {name: size for backend in cloud.backends.values() for name, size in backend.images().items()}


def test_clones(client, cloud, volume):
    """Of the same size and larger, of a clone, many at once; the source can go when they are made."""
    client.ask('POST', f'/volumes/{volume}/action', {'os-set_image_metadata': {'metadata': {'os': 'linux'}}})
    larger = client.create(3, source_volid=volume)['id']
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        same = [made['id'] for made in pool.map(lambda _: client_of(client).create(None, source_volid=volume),
                                                range(4))]
    for volume_id in (larger, *same):
        client.until(volume_id, 'available')
    again = client.until(client.create(None, source_volid=larger)['id'], 'available')
    assert (again['size'], again['source_volid']) == (3, larger)
    assert again['volume_image_metadata'] == {'os': 'linux'}
    found = images(cloud)
    assert [found[f'volume-{volume_id}'] for volume_id in (larger, *same)] == [3, 1, 1, 1, 1]
    assert cloud.backend_of(larger) == cloud.backend_of(volume)
    invariants.check(cloud, ask_blockctl=False)
    client.delete(volume)
    client.until(volume, None)
    invariants.check(cloud)


def client_of(client):
    """Another of the same project, for a thread of its own."""
    return rest.Client(client.url, client.project)


def test_data_comes_along(client, cloud, volume):
    backend = cloud.backends[cloud.backend_of(volume)]
    write(backend.locator(f'volume-{volume}'), 0xa5)
    clone = client.until(client.create(2, source_volid=volume)['id'], 'available')['id']
    write(backend.locator(f'volume-{volume}'), 0x5a)
    assert reads(backend.locator(f'volume-{clone}'), 0xa5)
    client.ask('POST', f'/volumes/{clone}/action', {'os-extend': {'new_size': 4}})
    client.until(clone, 'available')
    assert reads(backend.locator(f'volume-{clone}'), 0xa5)


def write(locator, pattern):
    subprocess.run(['qemu-io', '-f', 'raw', '-c', f'write -P {pattern} 1M 64k', locator], check=True, timeout=60,
                   capture_output=True)


def reads(locator, pattern):
    done = subprocess.run(['qemu-io', '-f', 'raw', '-c', f'read -P {pattern} 1M 64k', locator], timeout=60,
                          capture_output=True, text=True)
    return done.returncode == 0 and 'verification failed' not in done.stdout


def test_openstacksdk(sdk, cloud):
    """Unmodified: clone, extend, bootable, readonly, image metadata, reset, force delete."""
    source = sdk.wait_for_status(sdk.create_volume(size=1, name='source'), 'available', interval=0.1, wait=30)
    clone = sdk.create_volume(source_id=source.id, size=2, name='clone')
    clone = sdk.wait_for_status(clone, 'available', interval=0.1, wait=30)
    sdk.extend_volume(clone, 5)
    clone = sdk.wait_for_status(sdk.get_volume(clone), 'available', interval=0.1, wait=30)
    assert clone.size == 5
    assert images(cloud)[f'volume-{clone.id}'] == 5
    sdk.set_volume_bootable_status(clone, True)
    sdk.set_volume_readonly(clone, True)
    sdk.set_volume_image_metadata(clone, os='linux', arch='x86_64')
    sdk.delete_volume_image_metadata(clone, ['arch'])
    clone = sdk.get_volume(clone.id)
    assert (clone.is_bootable, clone.metadata) == (True, {'readonly': 'True'})
    assert clone.volume_image_metadata == {'os': 'linux'}
    sdk.reset_volume_status(clone, 'error', None, None)
    assert sdk.get_volume(clone.id).status == 'error'
    sdk.delete_volume(clone, force=True)
    sdk.wait_for_delete(clone, interval=0.1, wait=30)
    sdk.delete_volume(source)
    sdk.wait_for_delete(source, interval=0.1, wait=30)
    invariants.check(cloud)


def test_extensions_at_once(client, cloud, volume):
    """Of however many, exactly one is accepted."""
    def ask(size):
        try:
            client_of(client).ask('POST', f'/volumes/{volume}/action', {'os-extend': {'new_size': size}})
        except rest.Refused as refused:
            return refused.code
        return size

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(2, 8)))
    accepted = [answer for answer in answers if answer < 10]
    grown = client.until(volume, 'available')
    assert grown['size'] in accepted
    assert {*answers} - {*accepted} <= {400, 409}
    invariants.check(cloud, ask_blockctl=False)


def test_a_source_is_held(client, cloud, volume):
    """Delete against clone: whoever comes first wins, and nothing is left over."""
    for _ in range(4):
        source = client.until(client.create()['id'], 'available')['id']
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            cloned, deleted = [pool.submit(call) for call in (
                lambda source=source: client_of(client).create(None, source_volid=source)['id'],
                lambda source=source: client_of(client).delete(source))]
        refused = [made.exception() for made in (cloned, deleted) if made.exception()]
        # The clone may have been made, and its source let go, before the deletion was asked for.
        assert len(refused) <= 1
        assert {error.code for error in refused} <= {400, 404}
        if not cloned.exception():
            client.until(cloned.result(), 'available')
    invariants.check(cloud, ask_blockctl=False)


def take_snapshot(client, volume_id):
    """The id of a snapshot that is available."""
    snapshot_id = client.ask('POST', '/snapshots', {'snapshot': {'volume_id': volume_id}})['snapshot']['id']
    polling.until(lambda: client.ask('GET', f'/snapshots/{snapshot_id}')['snapshot']['status'] == 'available', 30,
                  'snapshot')
    return snapshot_id


def remove_snapshot(client, snapshot_id):
    client.ask('DELETE', f'/snapshots/{snapshot_id}')
    polling.until(lambda: snapshot_id not in [found['id'] for found in client.ask('GET', '/snapshots')['snapshots']],
                  30, 'deletion of the snapshot')


def test_of_a_snapshot(client, cloud, volume):
    """The data of that moment, in a volume that may be larger; the snapshot is held until it is made."""
    backend = cloud.backends[cloud.backend_of(volume)]
    write(backend.locator(f'volume-{volume}'), 0xa5)
    snapshot_id = take_snapshot(client, volume)
    write(backend.locator(f'volume-{volume}'), 0x5a)
    made = client.create(2, snapshot_id=snapshot_id)['id']
    made = client.until(made, 'available')
    assert (made['size'], made['snapshot_id'], made['source_volid']) == (2, snapshot_id, None)
    assert cloud.backend_of(made['id']) == backend.name
    assert reads(backend.locator(f'volume-{made["id"]}'), 0xa5)
    client.delete(made['id'])
    client.until(made['id'], None)
    remove_snapshot(client, snapshot_id)
    invariants.check(cloud)

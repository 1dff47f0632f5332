# SPDX-License-Identifier: Apache-2.0
"""blockctl-standalone by itself: what a newcomer starts."""

import socket

import pytest
import requests

from tests.harness import backends
from tests.harness import invariants
from tests.harness import plugin


@pytest.fixture
def cloud(make_cloud):
    return make_cloud(plugin.database('sqlite'), lambda: plugin.SharedBus('embedded://'), {'files': backends.Files})


def test_second_start_keeps_volumes(cloud):
    first = cloud.start('standalone')
    client = cloud.client(first)
    volume_id = client.create(name='kept')['id']
    client.until(volume_id, 'available')
    assert first.terminate() == 0
    client = cloud.client(cloud.start('standalone'))
    assert [(volume['id'], volume['name'], volume['status']) for volume in client.volumes()] == [
        (volume_id, 'kept', 'available')]
    client.until(client.create()['id'], 'available')
    client.delete(volume_id)
    client.until(volume_id, None)
    invariants.check(cloud)
    cloud.stop()


def test_killed_in_the_middle(cloud):
    """The next start finishes what the first began, and does not wait for its dead self."""
    first = cloud.start('standalone', point='volume.create.volume.effected')
    client = cloud.client(first)
    volume_id = client.create()['id']
    first.hit()
    client = cloud.client(cloud.start('standalone', settings={'jobs': {'lease': 600}}))
    client.until(volume_id, 'available')
    invariants.check(cloud)
    cloud.stop()


def test_answers_this_machine_only(cloud):
    standalone = cloud.start('standalone')
    port = int(standalone.url.rpartition(':')[2])
    for host in ('evil.example', f'evil.example:{port}', '127.0.0.1.evil.example', '10.1.2.3', ''):
        for path in ('/', '/v3/demo/volumes', '/healthcheck'):
            assert _status(port, path, host) == 400, host
    for host in (f'127.0.0.1:{port}', f'localhost:{port}', f'[::1]:{port}'):
        assert _status(port, '/v3/demo/volumes', host) == 200, host
    assert _status(port, '/v3/demo/volumes', f'localhost:{port}', Origin='http://evil.example') == 403


def test_listens_on_the_loopback_only(cloud):
    standalone = cloud.start('standalone')
    port = int(standalone.url.rpartition(':')[2])
    outside = _address_to_the_outside()
    if outside is None:
        pytest.skip('this machine has no address but the loopback')
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((outside, port), timeout=5).close()


def _status(port, path, host, **headers):
    return requests.get(f'http://127.0.0.1:{port}{path}', headers={'Host': host, **headers}, timeout=10).status_code


def _address_to_the_outside():
    """This machine's address towards a network of documentation; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(('192.0.2.1', 9))
        except OSError:
            return None
        address = sock.getsockname()[0]
    return None if address.startswith('127.') else address

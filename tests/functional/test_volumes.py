# SPDX-License-Identifier: Apache-2.0
"""The life of a volume, on every installation."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.harness import invariants
from tests.harness import polling
from tests.harness import rest

#: GiB that no pool has, even thin.
TOO_MUCH = 2_000_000_000


def test_openstacksdk(sdk, cloud):
    """Unmodified: create, wait, list, show, rename, metadata, delete."""
    volume = sdk.create_volume(size=1, name='Ünï\U0001f5c4 name', description='first', metadata={'a': 'b'})
    volume = sdk.wait_for_status(volume, 'available', interval=0.1, wait=30)
    assert volume.name == 'Ünï\U0001f5c4 name'
    assert [found.id for found in sdk.volumes()] == [volume.id]
    sdk.update_volume(volume, name='renamed', description='second')
    sdk.set_volume_metadata(volume, c='d')
    found = sdk.get_volume(volume.id)
    assert (found.name, found.description, found.size, found.metadata) == ('renamed', 'second', 1, {'a': 'b', 'c': 'd'})
    assert sdk.find_volume('renamed').id == volume.id
    assert _images(cloud)[f'volume-{volume.id}'] == 1
    sdk.delete_volume(volume)
    sdk.wait_for_delete(volume, interval=0.1, wait=30)
    assert not list(sdk.volumes())
    assert f'volume-{volume.id}' not in _images(cloud)
    invariants.check(cloud)


def test_openstack_command(client):
    """Unmodified: create, list, show, set, delete."""
    name = _openstack(client, 'volume', 'create', '--size', '1', 'from-the-command')['name']
    assert name == 'from-the-command'
    [listed] = polling.until(
        lambda: [row for row in _openstack(client, 'volume', 'list') if row['Status'] == 'available'], 60, 'volume')
    assert listed['Name'] == name
    _openstack(client, 'volume', 'set', '--name', 'renamed', listed['ID'], form=())
    assert _openstack(client, 'volume', 'show', listed['ID'])['name'] == 'renamed'
    _openstack(client, 'volume', 'delete', listed['ID'], form=())
    client.until(listed['ID'], None)


def _openstack(client, *command, form=('-f', 'json')):
    program = pathlib.Path(sys.executable).with_name('openstack')
    if not program.exists():
        pytest.skip(f'there is no openstack command beside {sys.executable}')
    environment = {name: value for name, value in os.environ.items() if not name.startswith('OS_')}
    done = subprocess.run(
        [program, '--os-auth-type', 'none', '--os-endpoint', f'{client.url}/v3/{client.project}', *command, *form],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if form else None


def test_over_quota(client, cloud):
    """413 with the numbers; however many ask at once, exactly the limit is accepted; nothing of the rest is stored."""
    def ask(_number):
        try:
            return rest.Client(client.url, client.project).create()['id']
        except rest.Refused as refused:
            return refused

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))
    refused = [answer for answer in answers if isinstance(answer, rest.Refused)]
    accepted = [answer for answer in answers if answer not in refused]
    assert len(accepted) == len(client.volumes()) == 10
    assert {answer.code for answer in refused} == {413}
    assert all(word in refused[-1].message.lower() for word in ('volumes', '10'))
    for volume_id in accepted:
        client.until(volume_id, 'available')
    invariants.check(cloud, ask_blockctl=False)


def test_no_pool_fits(client, cloud):
    """In error, and the message names filters and counts, but nothing of the inside."""
    volume_id = client.create(TOO_MUCH)['id']
    client.until(volume_id, 'error')
    [message] = client.messages(volume_id)
    assert message['message_level'] == 'ERROR'
    assert message['event_id'] == 'VOLUME_VOLUME_001_003'
    assert f'CapacityFilter: {len(cloud.backends)}' in message['user_message']
    for inside in (cloud.host, *cloud.backends):
        assert inside not in message['user_message']
    client.delete(volume_id)
    client.until(volume_id, None)
    invariants.check(cloud, ask_blockctl=False)


def test_type_chooses_the_backend(client, cloud):
    """An extra spec volume_backend_name leads to one backend, whatever room the others have."""
    for name in cloud.backends:
        kind = client.ask('POST', '/types', {'volume_type': {
            'name': f'{name} of {client.project}', 'extra_specs': {'volume_backend_name': name}}})['volume_type']
        volume_id = client.create(volume_type=kind['name'])['id']
        client.until(volume_id, 'available')
        assert cloud.backend_of(volume_id) == name
        assert f'volume-{volume_id}' in cloud.backends[name].images()
        client.delete(volume_id)
        client.until(volume_id, None)
        client.ask('DELETE', f'/types/{kind["id"]}')
    invariants.check(cloud, ask_blockctl=False)


def test_services_are_up(client, cloud):
    services = client.ask('GET', '/os-services')['services']
    assert {(service['binary'], service['host'], service['state']) for service in services} == {
        ('cinder-scheduler', cloud.host, 'up'),
        *(('cinder-volume', f'{cloud.host}@{name}', 'up') for name in cloud.backends)}
    listed = cloud.manage('service', 'list')
    assert all(f'{cloud.host}@{name}' in listed for name in cloud.backends)
    assert ' down ' not in listed


def _images(cloud):
    return {name: size for backend in cloud.backends.values() for name, size in backend.images().items()}

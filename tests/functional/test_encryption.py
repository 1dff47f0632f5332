# SPDX-License-Identifier: Apache-2.0
"""Encrypted volumes on every installation, with the one fixed key, looked at as hosts do."""

import subprocess
import uuid

import pytest

from tests.functional import conftest
from tests.harness import invariants
from tests.harness import rest

NO_KEY_OF_ITS_OWN = '00000000-0000-0000-0000-000000000000'


@pytest.fixture
def kind(client):
    """The name of an encrypted type."""
    name = f'secret-{uuid.uuid4().hex[:8]}'
    made = client.ask('POST', '/types', {'volume_type': {'name': name}})['volume_type']
    client.ask('POST', f'/types/{made["id"]}/encryption', {'encryption': {
        'provider': 'luks', 'control_location': 'front-end', 'cipher': 'aes-xts-plain64', 'key_size': 256}})
    yield name
    for volume in client.volumes():
        client.delete(volume['id'])
        client.until(volume['id'], None)
    client.ask('DELETE', f'/types/{made["id"]}')


@pytest.fixture
def look(cloud, tmp_path):
    """Whether commands of qemu-io succeed on the data of a volume."""
    passphrase = tmp_path / 'passphrase'
    passphrase.write_text(conftest.FIXED_KEY)

    def look(volume_id, *commands):
        place = cloud.backends[cloud.backend_of(volume_id)].locator(f'volume-{volume_id}')
        words = [word for command in commands for word in ('-c', command)]
        done = subprocess.run(
            ['qemu-io', *words, '--object', f'secret,id=key,file={passphrase}', '--image-opts',
             f'driver=luks,key-secret=key,{image(place)}'], check=False, capture_output=True, timeout=60, text=True)
        return done.returncode == 0 and 'verification failed' not in done.stdout
    return look


def image(place):
    """qemu's options for a locator."""
    if not place.startswith('rbd:'):
        return f'file.driver=file,file.filename={place}'
    name, _, conf = place.removeprefix('rbd:').partition(':conf=')
    pool, _, name = name.partition('/')
    return f'file.driver=rbd,file.pool={pool},file.image={name},file.conf={conf}'


def test_all_the_way(client, cloud, kind, look):
    volume = client.create(1, volume_type=kind)
    assert volume['encrypted'] is True
    client.until(volume['id'], 'available')
    assert client.ask('GET', f'/volumes/{volume["id"]}/encryption') == {
        'encryption_key_id': NO_KEY_OF_ITS_OWN, 'provider': 'luks', 'control_location': 'front-end',
        'cipher': 'aes-xts-plain64', 'key_size': 256}
    assert look(volume['id'], 'write -P 0x5a 100M 64k')
    clone = client.until(client.create(2, source_volid=volume['id'])['id'], 'available')
    assert (clone['encrypted'], clone['volume_type']) == (True, kind)
    assert look(clone['id'], 'read -P 0x5a 100M 64k', 'write -P 1 1100M 64k', 'read -P 1 1100M 64k')
    attachment = client.ask('POST', '/attachments', {'attachment': {
        'volume_uuid': clone['id'], 'instance_uuid': str(uuid.uuid4()), 'connector': {'host': 'h'}}})['attachment']
    assert attachment['connection_info']['encrypted'] is True
    client.ask('DELETE', f'/attachments/{attachment["id"]}')
    invariants.check(cloud)


def test_its_encryption_stays_while_volumes_have_it(client, cloud, kind):
    client.until(client.create(1, volume_type=kind)['id'], 'available')
    with pytest.raises(rest.Refused) as refused:
        client.ask('DELETE', f'/types/{kind_id(client, kind)}/encryption/provider')
    assert refused.value.code == 400


def kind_id(client, name):
    return next(found['id'] for found in client.ask('GET', '/types')['volume_types'] if found['name'] == name)


def test_no_log_has_the_key(client, cloud, kind):
    volume_id = client.create(1, volume_type=kind)['id']
    client.until(volume_id, 'available')
    logs = [path.read_text(errors='replace') for path in cloud.directory.glob('*.log')]
    assert any(volume_id in text for text in logs)
    assert not any(conftest.FIXED_KEY in text for text in logs)

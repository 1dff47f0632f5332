# SPDX-License-Identifier: Apache-2.0
"""Volumes that move from one backend to another, for an administrator or a new type, with their data."""

import pytest

from tests.functional import conftest
from tests.harness import backends
from tests.harness import cloud as clouds
from tests.harness import images
from tests.harness import invariants
from tests.harness import plugin
from tests.harness import polling
from tests.harness import rest


def _files(kind):
    return clouds.Cloud(plugin.database(kind), lambda: plugin.SharedBus('embedded://'),
                        {'one': backends.Files, 'two': backends.Files}, conftest.LIMITS)


def standalone():
    """Two directories, everything in one process."""
    made = _files('sqlite')
    made.start('standalone')
    return made


def separate(first, second):
    """Two backends in one volume service; API and scheduler are processes of their own."""
    made = clouds.Cloud(plugin.database('mariadb'), plugin.rabbitmq(), {'one': first, 'two': second}, conftest.LIMITS)
    made.start_one_of_each()
    return made


INSTALLATIONS = {
    'standalone': standalone,
    'files': lambda: separate(backends.Files, backends.Files),
    'rbd': lambda: separate(plugin.rbd(), plugin.rbd()),
    'files to rbd': lambda: separate(backends.Files, plugin.rbd()),
}


@pytest.fixture(scope='module', params=list(INSTALLATIONS))
def installation(request):
    made = INSTALLATIONS[request.param]()
    yield made
    made.close()


@pytest.fixture
def types(client, cloud):
    """{backend: name of a type that only it offers}."""
    made = {name: client.ask('POST', '/types', {'volume_type': {
        'name': f'{name} of {client.project}', 'extra_specs': {'volume_backend_name': name}}})['volume_type']
        for name in cloud.backends}
    yield {name: kind['name'] for name, kind in made.items()}
    for volume in client.volumes():
        client.delete(volume['id'])
        client.until(volume['id'], None)
    for kind in made.values():
        client.ask('DELETE', f'/types/{kind["id"]}')


@pytest.fixture
def plain(client):
    """The name of a type that every backend offers."""
    kind = client.ask('POST', '/types', {'volume_type': {'name': f'plain of {client.project}'}})['volume_type']
    yield kind['name']
    for volume in client.volumes():
        client.delete(volume['id'])
        client.until(volume['id'], None)
    client.ask('DELETE', f'/types/{kind["id"]}')


def act(client, volume_id, key, **body):
    client.ask('POST', f'/volumes/{volume_id}/action', {key: body})


def until_moved(client, volume_id, migration_status='success'):
    """Wait for the end of a migration; returns the volume."""
    def look():
        volume = client.show(volume_id)
        ended = volume['migration_status'] in ('success', 'error') and volume['status'] not in (
            'retyping', 'maintenance')
        assert not ended or volume['migration_status'] == migration_status, volume
        return ended and volume

    return polling.until(look, 60, f'move of {volume_id}')


def until_clear(cloud, name, volume_id):
    """Wait until a backend has nothing of a volume, and no claim of it."""
    polling.until(lambda: not any(volume_id in image for image in cloud.backends[name].images())
                  and not cloud.database.query('SELECT id FROM volume_moves'), 60, f'{name} to be cleared')


def place(cloud, name):
    return f'{cloud.host}@{name}#{name}'


def written(client, cloud, kind, size=1):
    """A volume of a type on backend 'one', or whichever, with data; (id, its backend, the other)."""
    volume_id = client.create(size, volume_type=kind)['id']
    client.until(volume_id, 'available')
    here = cloud.backend_of(volume_id)
    images.write(cloud.backends[here].locator(f'volume-{volume_id}'))
    return volume_id, here, next(name for name in cloud.backends if name != here)


@pytest.mark.parametrize('options', [{}, {'lock_volume': True}, {'force_host_copy': True}],
                         ids=['plain', 'locked', 'by the host'])
def test_migrate(client, cloud, plain, options):
    volume_id, here, there = written(client, cloud, plain)
    act(client, volume_id, 'os-migrate_volume', host=place(cloud, there), **options)
    moved = until_moved(client, volume_id)
    assert (moved['status'], moved['os-vol-host-attr:host']) == ('available', place(cloud, there))
    images.check(cloud.backends[there].locator(f'volume-{volume_id}'))
    until_clear(cloud, here, volume_id)
    act(client, volume_id, 'os-migrate_volume', host=f'{cloud.host}@{here}')  # and back, by the backend's name alone
    until_moved(client, volume_id)
    images.check(cloud.backends[here].locator(f'volume-{volume_id}'))
    until_clear(cloud, there, volume_id)
    invariants.check(cloud)


def test_retype_moves_on_demand(client, cloud, types):
    volume_id, here, there = written(client, cloud, types['one'])
    act(client, volume_id, 'os-retype', new_type=types[there], migration_policy='on-demand')
    moved = until_moved(client, volume_id)
    assert (moved['status'], moved['volume_type'], moved['os-vol-host-attr:host']) == (
        'available', types[there], place(cloud, there))
    images.check(cloud.backends[there].locator(f'volume-{volume_id}'))
    until_clear(cloud, here, volume_id)
    invariants.check(cloud)


def test_retype_stays_when_it_may_not_move(client, cloud, types):
    volume_id, here, there = written(client, cloud, types['one'])
    act(client, volume_id, 'os-retype', new_type=types[there], migration_policy='never')
    client.until(volume_id, 'available')
    [message] = client.messages(volume_id)
    assert message['event_id'] == 'VOLUME_VOLUME_102_103'
    kept = client.show(volume_id)
    assert (kept['volume_type'], kept['os-vol-host-attr:host'], kept['migration_status']) == (
        types[here], place(cloud, here), None)
    invariants.check(cloud, ask_blockctl=False)


def test_retype_in_place(client, cloud, types, plain):
    volume_id, here, _there = written(client, cloud, types['one'])
    act(client, volume_id, 'os-retype', new_type=plain, migration_policy='never')
    polling.until(lambda: client.show(volume_id)['volume_type'] == plain, 30, 'the new type')
    kept = client.show(volume_id)
    assert (kept['status'], kept['os-vol-host-attr:host'], kept['migration_status']) == (
        'available', place(cloud, here), None)
    invariants.check(cloud, ask_blockctl=False)


def test_no_room_there(client, cloud, types, plain):
    """The destination does not offer what the volume's type asks for: it stays, and its tenant is told."""
    volume_id, here, there = written(client, cloud, types['one'])
    act(client, volume_id, 'os-migrate_volume', host=place(cloud, there))
    kept = until_moved(client, volume_id, 'error')
    assert (kept['status'], kept['os-vol-host-attr:host']) == ('available', place(cloud, here))
    assert [message['event_id'] for message in client.messages(volume_id)] == ['VOLUME_VOLUME_101_003']
    invariants.check(cloud, ask_blockctl=False)


def test_unmanage_and_manage(client, cloud, plain):
    """What is taken out keeps its data and its name, can be found, and comes back as another volume."""
    volume_id, here, _there = written(client, cloud, plain)
    name = f'volume-{volume_id}'
    act(client, volume_id, 'os-unmanage')
    assert client.show(volume_id) is None
    assert name in cloud.backends[here].images()
    [found] = [entry for entry in _manageable(client, cloud, here) if entry['reference'] == {'source-name': name}]
    assert (found['size'], found['safe_to_manage'], found['cinder_id']) == (1, True, None)
    managed = client.ask('POST', '/manageable_volumes', {'volume': {
        'host': place(cloud, here), 'ref': {'source-name': name}, 'name': 'back', 'volume_type': plain}})['volume']
    back = client.until(managed['id'], 'available')
    assert (back['size'], back['name'], back['os-vol-host-attr:host']) == (1, 'back', place(cloud, here))
    images.check(cloud.backends[here].locator(f'volume-{managed["id"]}'))
    [found] = [entry for entry in _manageable(client, cloud, here) if entry['cinder_id'] == managed['id']]
    assert (found['safe_to_manage'], found['reason_not_safe']) == (False, 'already managed')
    with pytest.raises(rest.Refused, match='already managed'):
        client.ask('POST', '/manageable_volumes', {'volume': {
            'host': place(cloud, here), 'ref': {'source-name': f'volume-{managed["id"]}'}}})
    invariants.check(cloud)


def _manageable(client, cloud, name):
    return client.ask('GET', f'/manageable_volumes/detail?host={cloud.host}@{name}')['manageable-volumes']


def test_manage_what_is_not_there(client, cloud, plain):
    """It ends in error_managing, names no pool, and goes without touching any backend."""
    [name, *_] = cloud.backends
    managed = client.ask('POST', '/manageable_volumes', {'volume': {
        'host': f'{cloud.host}@{name}', 'ref': {'source-name': 'nothing-here'}}})['volume']
    failed = client.until(managed['id'], 'error_managing')
    assert (failed['size'], failed['os-vol-host-attr:host']) == (0, None)
    client.delete(managed['id'])
    assert client.show(managed['id']) is None
    invariants.check(cloud, ask_blockctl=False)


def test_unmanage_and_manage_a_snapshot(client, cloud, plain):
    volume_id, here, _there = written(client, cloud, plain)
    made = client.ask('POST', '/snapshots', {'snapshot': {'volume_id': volume_id}})['snapshot']['id']
    _until_snapshot(client, made, 'available')
    name = f'snapshot-{made}'
    with pytest.raises(rest.Refused, match='it has snapshots'):
        act(client, volume_id, 'os-unmanage')
    client.ask('POST', f'/snapshots/{made}/action', {'os-unmanage': {}})
    found = [entry for entry in _snapshots(client, cloud, here) if entry['reference'] == {'source-name': name}]
    assert [(entry['size'], entry['safe_to_manage'], entry['source_reference']) for entry in found] == [
        (1, True, {'source-name': f'volume-{volume_id}'})]
    managed = client.ask('POST', '/manageable_snapshots', {'snapshot': {
        'volume_id': volume_id, 'ref': {'source-name': name}, 'name': 'back', 'metadata': {'a': 'b'},
    }})['snapshot']['id']
    back = _until_snapshot(client, managed, 'available')
    assert (back['size'], back['name'], back['metadata']) == (1, 'back', {'a': 'b'})
    assert [entry['reason_not_safe'] for entry in _snapshots(client, cloud, here) if entry['cinder_id'] == managed] == [
        'already managed']
    lost = client.ask('POST', '/manageable_snapshots', {'snapshot': {
        'volume_id': volume_id, 'ref': {'source-name': 'nothing-here'}}})['snapshot']['id']
    _until_snapshot(client, lost, 'error')
    for each in (managed, lost):
        client.ask('DELETE', f'/snapshots/{each}')
    polling.until(lambda: not client.ask('GET', '/snapshots')['snapshots'], 30, 'end of the snapshots')
    invariants.check(cloud, ask_blockctl=False)


def _snapshots(client, cloud, name):
    return client.ask('GET', f'/manageable_snapshots/detail?host={cloud.host}@{name}')['manageable-snapshots']


def _until_snapshot(client, snapshot_id, status):
    def look():
        snapshot = client.ask('GET', f'/snapshots/{snapshot_id}')['snapshot']
        return snapshot['status'] == status and snapshot

    return polling.until(look, 30, f'snapshot {snapshot_id} {status}')

# SPDX-License-Identifier: Apache-2.0
"""Groups of volumes and their snapshots, on every installation, as openstacksdk and older clients ask for them."""

import pytest

from tests.harness import invariants
from tests.harness import polling
from tests.harness import rest


@pytest.fixture
def client(cloud, project):
    made = cloud.client(project=project)
    yield made
    for snapshot in made.ask('GET', '/cgsnapshots')['cgsnapshots']:
        made.ask('DELETE', f'/cgsnapshots/{snapshot["id"]}')
        gone(made, 'cgsnapshot', snapshot['id'])
    for group in made.ask('GET', '/consistencygroups')['consistencygroups']:
        made.ask('POST', f'/consistencygroups/{group["id"]}/delete', {'consistencygroup': {'force': True}})
        gone(made, 'consistencygroup', group['id'])
    for volume in made.volumes():
        made.delete(volume['id'])
        made.until(volume['id'], None)


def until(client, kind, row_id, status='available', seconds=30):
    """Wait for a row of ``kind`` to have ``status``; returns it."""
    def look():
        row = client.ask('GET', f'/{kind}s/{row_id}')[kind]
        seen[:] = [row['status']]
        return row['status'] == status and row

    seen = []
    return polling.until(look, seconds, lambda: f'{kind} {row_id} {status}; it is {seen[0]}')


def gone(client, kind, row_id, seconds=30):
    def look():
        try:
            seen[:] = [client.ask('GET', f'/{kind}s/{row_id}')[kind]['status']]
        except rest.Refused as refused:
            return refused.code == 404
        return False

    seen = []
    polling.until(look, seconds, lambda: f'{kind} {row_id} gone; it is {seen}')


def make_group(client, group_type, **fields):
    type_id = client.ask('GET', '/types/default')['volume_type']['id']
    group = client.ask('POST', '/groups', {'group': {'group_type': group_type, 'volume_types': [type_id], **fields}})[
        'group']
    return until(client, 'group', group['id'])


@pytest.fixture
def group_type(client, project):
    return client.ask('POST', '/group_types', {'group_type': {'name': project}})['group_type']['id']


@pytest.fixture
def group(client, group_type):
    """A group with two volumes."""
    made = make_group(client, group_type, name='pair')
    kind = made['volume_types'][0]
    ids = [client.create(1, name=name, group_id=made['id'], volume_type=kind)['id'] for name in ('one', 'two')]
    for volume_id in ids:
        client.until(volume_id, 'available')
    return {**made, 'volumes': ids}


def copy(client, **source):
    return until(client, 'group', client.ask('POST', '/groups/action', {'create-from-src': source})['group']['id'])


def remove(client, group_id, **flags):
    client.ask('POST', f'/groups/{group_id}/action', {'delete': flags})
    gone(client, 'group', group_id)


def test_life(client, cloud, group):
    """A snapshot of all, groups made of both, and all of it deleted again."""
    backends = {cloud.backend_of(volume_id) for volume_id in group['volumes']}
    assert len(backends) == 1
    taken = client.ask('POST', '/group_snapshots', {'group_snapshot': {'group_id': group['id'], 'name': 'first'}})[
        'group_snapshot']['id']
    until(client, 'group_snapshot', taken)
    snapshots = client.ask('GET', '/snapshots/detail')['snapshots']
    assert {(row['volume_id'], row['status'], row['group_snapshot_id'], row['name']) for row in snapshots} == {
        (volume_id, 'available', taken, 'first') for volume_id in group['volumes']}
    of_snapshot = copy(client, group_snapshot_id=taken, name='of snapshot')
    of_group = copy(client, source_group_id=group['id'], name='of group')
    assert (of_snapshot['group_snapshot_id'], of_group['source_group_id']) == (taken, group['id'])
    for made in (of_snapshot, of_group):
        volumes = client.ask('GET', f'/groups/{made["id"]}?list_volume=true')['group']['volumes']
        assert {cloud.backend_of(volume_id) for volume_id in volumes} == backends
        assert len(volumes) == 2
    invariants.check(cloud)
    for made in (of_snapshot, of_group):
        with pytest.raises(rest.Refused, match='delete-volumes flag'):
            remove(client, made['id'])
        remove(client, made['id'], **{'delete-volumes': True})
    with pytest.raises(rest.Refused, match='existing snapshots'):
        remove(client, group['id'], **{'delete-volumes': True})
    client.ask('DELETE', f'/group_snapshots/{taken}')
    gone(client, 'group_snapshot', taken)
    assert client.ask('GET', '/snapshots')['snapshots'] == []
    remove(client, group['id'], **{'delete-volumes': True})
    assert client.volumes() == []
    invariants.check(cloud)


def test_members(client, group):
    """A volume of a group cannot be deleted alone; out of it, it can."""
    one, two = group['volumes']
    with pytest.raises(rest.Refused) as refused:
        client.delete(one)
    assert refused.value.code == 400
    client.ask('PUT', f'/groups/{group["id"]}', {'group': {'remove_volumes': one, 'name': 'single'}})
    assert client.ask('GET', f'/groups/{group["id"]}?list_volume=1')['group']['volumes'] == [two]
    client.ask('PUT', f'/groups/{group["id"]}', {'group': {'add_volumes': one}})
    assert client.show(one)['group_id'] == group['id']
    client.ask('PUT', f'/groups/{group["id"]}', {'group': {'remove_volumes': one}})
    client.delete(one)
    client.until(one, None)


def test_consistency_group(client, cloud):
    """As clients of before groups ask; its snapshots are of one moment."""
    kind = client.ask('GET', '/types/default')['volume_type']['id']
    made = client.ask('POST', '/consistencygroups', {'consistencygroup': {'name': 'old', 'volume_types': f'{kind},'}})[
        'consistencygroup']['id']
    until(client, 'consistencygroup', made)
    with pytest.raises(rest.Refused, match='consistency'):
        client.ask('GET', f'/groups/{made}')
    assert client.ask('GET', '/groups')['groups'] == []
    volume = client.create(1, consistencygroup_id=made, volume_type=kind)['id']
    assert client.until(volume, 'available')['consistencygroup_id'] == made
    taken = client.ask('POST', '/cgsnapshots', {'cgsnapshot': {'consistencygroup_id': made, 'name': 's'}})[
        'cgsnapshot']['id']
    until(client, 'cgsnapshot', taken)
    for source in ({'cgsnapshot_id': taken}, {'source_cgid': made}):
        again = client.ask('POST', '/consistencygroups/create_from_src', {'consistencygroup-from-src': source})[
            'consistencygroup']['id']
        until(client, 'consistencygroup', again)
        client.ask('POST', f'/consistencygroups/{again}/delete', {'consistencygroup': {'force': True}})
        gone(client, 'consistencygroup', again)
    invariants.check(cloud)


def test_no_place(client, project, group_type):
    """No storage has what the types ask for: the group is in error, and says why."""
    kind = client.ask('POST', '/types', {'volume_type': {
        'name': f'{project}-odd', 'extra_specs': {'volume_backend_name': 'nowhere'}}})['volume_type']['id']
    made = client.ask('POST', '/groups', {'group': {'group_type': group_type, 'volume_types': [kind]}})['group']['id']
    until(client, 'group', made, 'error')
    assert [message['event_id'] for message in client.messages(made)] == ['VOLUME_GROUP_106_108']
    remove(client, made)

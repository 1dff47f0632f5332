# SPDX-License-Identifier: Apache-2.0
"""Servers have volumes: by attachments, and as it was done before there were any; on every installation."""

import concurrent.futures
import uuid

import pytest

from tests.harness import invariants
from tests.harness import rest

CONNECTOR = {'host': 'compute-1', 'ip': '127.0.0.1', 'initiator': 'iqn.2026-11.org.example:compute-1',
             'platform': 'x86_64', 'os_type': 'linux', 'multipath': False, 'mountpoint': '/dev/vdb'}


@pytest.fixture
def volume(client):
    return client.until(client.create()['id'], 'available')['id']


@pytest.fixture
def shared(client):
    """A volume that several servers may have."""
    kind = client.ask('POST', '/types', {'volume_type': {
        'name': f'shared by {client.project}', 'extra_specs': {'multiattach': '<is> True'}}})['volume_type']
    made = client.until(client.create(volume_type=kind['name'])['id'], 'available')
    assert made['multiattach'] is True
    yield made['id']
    client.delete(made['id'])
    client.until(made['id'], None)
    client.ask('DELETE', f'/types/{kind["id"]}')


def reserve(client, volume_id, server=None, **more):
    body = {'volume_uuid': volume_id, 'instance_uuid': server or str(uuid.uuid4()), **more}
    return client.ask('POST', '/attachments', {'attachment': body})['attachment']


def connect(client, attachment, connector=CONNECTOR):
    return client.ask('PUT', f'/attachments/{attachment["id"]}', {'attachment': {'connector': connector}})['attachment']


def complete(client, attachment):
    client.ask('POST', f'/attachments/{attachment["id"]}/action', {'os-complete': {}})


def remove(client, attachment):
    return client.ask('DELETE', f'/attachments/{attachment["id"]}')['attachments']


def act(client, volume_id, name, **body):
    return client.ask('POST', f'/volumes/{volume_id}/action', {name: body})


def refused(code, function, *args, **more):
    with pytest.raises(rest.Refused) as caught:
        function(*args, **more)
    assert caught.value.code == code, caught.value
    return caught.value.message


def states(client, volume_id):
    found = client.show(volume_id)
    return found['status'], [each['server_id'] for each in found['attachments']]


def test_all_the_way(client, cloud, volume):
    """As Nova does it: reserve, connect, complete, delete."""
    server = str(uuid.uuid4())
    attachment = reserve(client, volume, server)
    assert (attachment['status'], attachment['connection_info'], attachment['attached_at']) == ('reserved', {}, '')
    assert states(client, volume) == ('reserved', [])
    connected = connect(client, attachment)
    assert (connected['status'], connected['attach_mode'], connected['instance']) == ('attaching', 'rw', server)
    information = connected['connection_info']
    assert information.items() >= {
        'volume_id': volume, 'attachment_id': attachment['id'], 'access_mode': 'rw', 'encrypted': False,
        'qos_specs': None, 'cacheable': False, 'enforce_multipath': False}.items()
    assert {'rbd': 'hosts', 'local': 'device_path'}[information['driver_volume_type']] in information
    assert states(client, volume) == ('attaching', [])
    complete(client, attachment)
    shown = client.show(volume)
    assert shown['status'] == 'in-use'
    [attached] = shown['attachments']
    assert attached == {
        'id': volume, 'volume_id': volume, 'attachment_id': attachment['id'], 'server_id': server,
        'host_name': 'compute-1', 'device': '/dev/vdb', 'attached_at': connected['attached_at']}
    assert 'attached' in refused(400, client.delete, volume)
    assert 'in-use' in refused(400, reserve, client, volume)
    assert remove(client, attachment) == []
    assert states(client, volume) == ('available', [])
    refused(404, remove, client, attachment)
    invariants.check(cloud)


def test_with_the_connector_at_once(client, volume):
    attachment = reserve(client, volume, mode='ro', connector={'host': 'h'})
    assert (attachment['status'], attachment['attach_mode']) == ('attaching', 'ro')
    assert attachment['connection_info']['access_mode'] == 'ro'
    assert client.ask('GET', f'/attachments/{attachment["id"]}')['attachment'] == attachment
    remove(client, attachment)
    assert states(client, volume) == ('available', [])


def test_a_server_moves_to_another_host(client, volume):
    """A live migration: the second host is connected before the first lets go."""
    server = str(uuid.uuid4())
    first = reserve(client, volume, server, connector=CONNECTOR)
    complete(client, first)
    second = reserve(client, volume, server, connector={'host': 'compute-2'})
    complete(client, second)
    assert states(client, volume) == ('in-use', [server, server])
    assert [each['id'] for each in remove(client, first)] == [second['id']]
    assert states(client, volume) == ('in-use', [server])
    remove(client, second)


def test_several_servers(client, shared):
    made = [reserve(client, shared)]
    complete(client, connect(client, made[0]))
    made.append(reserve(client, shared))
    assert states(client, shared) == ('in-use', [made[0]['instance']])
    complete(client, connect(client, made[1], {'host': 'compute-2'}))
    assert states(client, shared) == ('in-use', [each['instance'] for each in made])
    assert 'ConflictNovaUsingAttachment' in refused(409, act, client, shared, 'os-detach')  # which of them?
    remove(client, made[0])
    assert states(client, shared) == ('in-use', [made[1]['instance']])
    remove(client, made[1])
    assert states(client, shared) == ('available', [])


def test_of_two_that_ask_at_once_one_gets_it(client, volume):
    def ask(_number):
        try:
            return reserve(rest.Client(client.url, client.project), volume, connector={'host': 'h'})
        except rest.Refused as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    got = [answer for answer in answers if not isinstance(answer, rest.Refused)]
    assert len(got) == 1
    assert {answer.code for answer in answers if answer not in got} == {400}
    remove(client, got[0])
    assert states(client, volume) == ('available', [])


def test_as_it_was_done_before(client, volume):
    server = str(uuid.uuid4())
    act(client, volume, 'os-reserve')
    assert states(client, volume) == ('attaching', [])
    refused(400, act, client, volume, 'os-reserve')
    information = act(client, volume, 'os-initialize_connection', connector=CONNECTOR)['connection_info']
    assert information['driver_volume_type'] in {'rbd', 'local'}
    assert information['data']['access_mode'] == 'rw'
    act(client, volume, 'os-attach', instance_uuid=server, mountpoint='/dev/vdc', mode='rw')
    assert states(client, volume) == ('in-use', [server])
    assert client.show(volume)['metadata'] == {'readonly': 'False', 'attached_mode': 'rw'}
    act(client, volume, 'os-begin_detaching')
    assert states(client, volume) == ('detaching', [server])
    act(client, volume, 'os-roll_detaching')
    assert states(client, volume) == ('in-use', [server])
    act(client, volume, 'os-begin_detaching')
    act(client, volume, 'os-terminate_connection', connector=CONNECTOR)
    act(client, volume, 'os-detach')
    assert states(client, volume) == ('available', [])
    assert client.show(volume)['metadata'] == {'readonly': 'False'}

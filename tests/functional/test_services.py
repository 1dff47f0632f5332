# SPDX-License-Identifier: Apache-2.0
"""Services as an administrator sees them: log levels of live processes, freezing, clusters."""

import time

import pytest

from tests.harness import backends
from tests.harness import invariants
from tests.harness import plugin
from tests.harness import polling
from tests.harness import rest

#: A logger of every process.
LOGGER = 'blockctl.rpc.processes'


def levels(client, **which):
    """{(binary, host): [level of LOGGER, one for each that differs]}."""
    found = {}
    for row in client.ask('PUT', '/os-services/get-log', {'prefix': LOGGER, **which})['log_levels']:
        assert row['levels'].keys() == {LOGGER}
        found.setdefault((row['binary'], row['host']), []).append(row['levels'][LOGGER])
    return found


def everything(cloud):
    return {('cinder-api', cloud.host), ('cinder-scheduler', cloud.host),
            *(('cinder-volume', f'{cloud.host}@{name}') for name in cloud.backends)}


def test_log_levels(cloud, client):
    """Each live process says and sets its own; in the embedded default all are one."""
    assert levels(client) == {which: ['DEBUG'] for which in everything(cloud)}
    assert levels(client, binary='cinder-scheduler', server=cloud.host).keys() == {('cinder-scheduler', cloud.host)}
    assert levels(client, server='nowhere') == {}
    try:
        assert client.ask('PUT', '/os-services/set-log', {
            'binary': 'cinder-scheduler', 'prefix': LOGGER, 'level': 'warning'}) is None
        embedded = bool(cloud.living('standalone'))
        assert levels(client) == {
            (binary, host): ['WARNING' if embedded or binary == 'cinder-scheduler' else 'DEBUG']
            for binary, host in everything(cloud)}
    finally:
        client.ask('PUT', '/os-services/set-log', {'prefix': LOGGER, 'level': 'DEBUG'})
    assert levels(client) == {which: ['DEBUG'] for which in everything(cloud)}


def test_every_api_process_hears_of_levels(cloud):
    """Also those that are not asked themselves, which nobody waits for."""
    asked, *others = cloud.living('api', 'standalone')
    client = cloud.client(asked)
    client.ask('PUT', '/os-services/set-log', {'binary': 'cinder-api', 'prefix': LOGGER, 'level': 'ERROR'})
    try:
        for process in (asked, *others):
            polling.until(lambda process=process: 'ERROR' in levels(cloud.client(process), binary='cinder-api')[
                'cinder-api', cloud.host], 10, f'the level in {process.name}')
    finally:
        client.ask('PUT', '/os-services/set-log', {'binary': 'cinder-api', 'prefix': LOGGER, 'level': 'DEBUG'})


def test_a_process_that_does_not_answer_costs_a_bounded_wait(make_cloud, database):
    cloud = make_cloud(database, plugin.rabbitmq(), {'one': backends.Files}, {'DEFAULT': {'service_down_time': 60}})
    _api, scheduler, _volume = cloud.start_one_of_each()
    client = cloud.client()
    assert levels(client).keys() == everything(cloud)
    scheduler.pause()
    begun = time.monotonic()
    assert ('cinder-scheduler', cloud.host) not in levels(client)
    assert time.monotonic() - begun < 15
    scheduler.resume()
    scheduler.kill()
    begun = time.monotonic()
    assert levels(client, binary='cinder-scheduler') == {}  # known to be dead: nobody waits for it
    assert time.monotonic() - begun < 4


def test_a_frozen_backend(make_cloud, database, bus):
    """New volumes go to the other; what is there stays as it is until it is thawed."""
    cloud = make_cloud(database, bus, {'one': backends.Files, 'two': backends.Files})
    cloud.start_one_of_each()
    client = cloud.client()
    there = client.create()['id']
    client.until(there, 'available')
    frozen = cloud.backend_of(there)
    client.ask('PUT', '/os-services/freeze', {'host': f'{cloud.host}@{frozen}'})
    others = [client.create()['id'] for _ in range(4)]
    for volume_id in others:
        client.until(volume_id, 'available')
        assert cloud.backend_of(volume_id) != frozen
    with pytest.raises(rest.Refused, match='frozen'):
        client.delete(there)
    client.ask('PUT', '/os-services/thaw', {'host': f'{cloud.host}@{frozen}'})
    client.delete(there)
    client.until(there, None)
    invariants.check(cloud)


def test_a_cluster(make_cloud, database, bus):
    """Two services with names of their own serve one backend: each works on its volumes, and one is enough."""
    cloud = make_cloud(database, bus, {'deep': backends.Files}, {'DEFAULT': {'cluster': 'pair'}})
    cloud.start_all({'kind': 'api'}, {'kind': 'scheduler'})
    pair = [cloud.start('volume', wait=False, settings={'DEFAULT': {'host': name}})
            for name in ('left', 'right')]
    client = cloud.client()

    def both():
        found = client.ask('GET', '/clusters/detail')['clusters']
        return found and (found[0]['num_hosts'], found[0]['num_down_hosts']) == (2, 0)

    polling.until(both, 60, 'two services of one cluster')
    volumes = [client.create()['id'] for _ in range(6)]
    for volume_id in volumes:
        client.until(volume_id, 'available')
        assert client.show(volume_id)['cluster_name'] == 'pair@deep#deep'
    assert {row['host']: row['cluster'] for row in client.ask('GET', '/os-services?binary=cinder-volume')['services']
            } == {'left@deep': 'pair@deep', 'right@deep': 'pair@deep'}
    pair[0].kill()
    client.delete(volumes[0])
    client.until(volumes[0], None)
    client.until(client.create()['id'], 'available')
    client.ask('PUT', '/clusters/disable', {'name': 'pair@deep'})
    client.until(client.create()['id'], 'error')
    client.ask('PUT', '/clusters/enable', {'name': 'pair@deep'})
    polling.until(lambda: client.ask('GET', '/clusters/pair@deep')['cluster']['num_down_hosts'] == 1, 30, 'one is down')
    invariants.check(cloud)

# SPDX-License-Identifier: Apache-2.0
"""Separate processes: any number, stopped in the middle, with backends that are slow, full or failing."""

import os
import signal
import subprocess
import sys
import time

import pytest
import requests

from tests.harness import backends
from tests.harness import invariants
from tests.harness import load
from tests.harness import plugin
from tests.harness import polling
from tests.harness import processes
from tests.harness import rest
from tests.harness import servers

#: A volume service that may write no larger file refuses every volume.
FULL = 1 << 29


def test_several_of_each_and_some_leave(make_cloud, database, bus):
    """Forty creates at once while one of each kind is asked to end: each ends in order, and nothing is lost."""
    cloud = make_cloud(database, bus, {'one': backends.Files, 'two': backends.Files})
    started = cloud.start_all(*({'kind': kind} for kind in ('api', 'scheduler', 'volume') for _ in range(2)))
    leaving = [process for process in started[1::2] if process.kind != 'api']
    with load.Creates(cloud, threads=4, most=40) as creates:
        creates.reach(accepted=15)
        for process in leaving:
            process.signal(signal.SIGTERM)
        creates.join(60)
    assert len(creates.accepted) == 40
    assert [process.wait(30) for process in leaving] == [0, 0]
    cloud.until_all(creates.accepted, 'available')
    invariants.check(cloud)
    assert not cloud.complaints()
    cloud.stop()


def test_api_finishes_its_requests(make_cloud, database, bus):
    """An API process that is asked to end answers what it has accepted, and leaves no request without an answer."""
    cloud = make_cloud(database, bus, {'one': backends.Files})
    cloud.start_one_of_each()
    [api] = cloud.living('api')
    with load.Creates(cloud, threads=4) as creates:
        creates.reach(accepted=20)
        api.signal(signal.SIGTERM)
        assert api.wait(20) == 0
    # Connections that come too late are refused or closed; none of them stored anything.
    assert all(isinstance(error, requests.ConnectionError) for error in creates.broken)
    cloud.until_all(creates.accepted, 'available')
    assert cloud.volumes().keys() == creates.accepted.keys()
    invariants.check(cloud)


def test_work_in_hand_is_finished(make_cloud, database, bus):
    """SIGTERM while a call to the backend is under way: it has the grace time to end."""
    cloud = make_cloud(database, bus, {'slow': backends.Fake(fake_delay=2, backend_call_timeout=10)},
                       {'jobs': {'lease': 30}})
    _api, _scheduler, volume = cloud.start_one_of_each()
    volume_id = cloud.client().create()['id']
    _begun(volume)
    assert volume.terminate() == 0
    assert cloud.status(volume_id) == 'available'


def test_work_that_takes_longer_is_handed_over(make_cloud, database, bus):
    """SIGTERM, and the call does not end within the grace time: another process finishes the job."""
    cloud = make_cloud(database, bus, {'slow': backends.Fake(fake_delay=8, backend_call_timeout=20)},
                       {'DEFAULT': {'graceful_shutdown_timeout': 1}, 'jobs': {'lease': 40}})
    _api, _scheduler, volume = cloud.start_one_of_each()
    volume_id = cloud.client().create()['id']
    _begun(volume)
    assert volume.terminate() == 1
    assert cloud.status(volume_id) == 'creating'
    cloud.start('volume', settings={'slow': {'fake_delay': 0}})
    cloud.until(volume_id, 'available', seconds=15)  # well before the lease ends: the former worker is known dead
    invariants.check(cloud, ask_blockctl=False)


def _begun(volume):
    polling.until(lambda: volume.says('CreateVolumeFromSpecTask: PENDING -> RUNNING'), 20, 'start of the creation')


def test_hung_backend_costs_its_own_slots_only(make_cloud, database, bus):
    """One process, two backends: the one that hangs keeps all its threads, and the other serves as ever."""
    cloud = make_cloud(database, bus, {
        'hung': backends.Fake(fake_delay=60, backend_call_timeout=120, backend_native_threads_pool_size=2),
        'well': backends.Files}, {'jobs': {'lease': 300}, 'DEFAULT': {'graceful_shutdown_timeout': 1}})
    cloud.start_one_of_each()
    client = cloud.client()
    kinds = {name: client.ask('POST', '/types', {'volume_type': {
        'name': name, 'extra_specs': {'volume_backend_name': name}}})['volume_type']['id'] for name in cloud.backends}
    hung = [client.create(volume_type=kinds['hung'])['id'] for _ in range(6)]
    for volume_id in [client.create(volume_type=kinds['well'])['id'] for _ in range(6)]:
        cloud.until(volume_id, 'available', seconds=20)
    assert {cloud.status(volume_id) for volume_id in hung} == {'creating'}


def test_failure_goes_to_the_next_pool(make_cloud, database, bus):
    """A pool that fails is left out, and what was made of the volume there is gone."""
    cloud = make_cloud(database, bus, {'one': backends.Files, 'two': backends.Files},
                       {'two': {'reserved_percentage': 20}})
    cloud.start_all({'kind': 'api'}, {'kind': 'scheduler'}, {'kind': 'volume', 'backends': ['two']},
                    {'kind': 'volume', 'backends': ['one'], 'file_limit': FULL})
    client = cloud.client()
    volume_id = client.create()['id']
    client.until(volume_id, 'available')
    assert cloud.backend_of(volume_id) == 'two'
    assert not cloud.backends['one'].images()
    assert not client.messages(volume_id)
    invariants.check(cloud)


def test_not_more_pools_are_tried_than_allowed(make_cloud, database, bus):
    """scheduler_max_attempts = 3, four pools that fail: three are tried, then it ends in error, with a message."""
    names = ['one', 'two', 'three', 'four']
    cloud = make_cloud(database, bus, dict.fromkeys(names, backends.Files), {'DEFAULT': {'scheduler_max_attempts': 3}})
    *_, volume = cloud.start_all({'kind': 'api'}, {'kind': 'scheduler'}, {'kind': 'volume', 'file_limit': FULL})
    client = cloud.client()
    volume_id = client.create()['id']
    client.until(volume_id, 'error')
    assert volume.log.read_text().count(f'Volume {volume_id} could not be created on') == 3
    [message] = client.messages(volume_id)
    assert not any(name in message['user_message'] for name in (cloud.host, *names))
    assert not any(backend.images() for backend in cloud.backends.values())
    invariants.check(cloud)
    client.delete(volume_id)
    client.until(volume_id, None)
    invariants.check(cloud)


def test_request_that_no_pool_can_mend_is_not_tried_elsewhere(make_cloud, database, bus):
    """InvalidRequest of a driver ends the creation at the first pool."""
    cloud = make_cloud(database, bus, {'one': backends.Fake(fake_fail='create:InvalidRequest'),
                                       'two': backends.Fake(fake_capacity_gib=10)})
    *_, volume = cloud.start_one_of_each()
    client = cloud.client()
    volume_id = client.create()['id']
    client.until(volume_id, 'error')
    assert volume.log.read_text().count(f'Volume {volume_id} could not be created on') == 1
    invariants.check(cloud, ask_blockctl=False)


@pytest.mark.parametrize('point', ['before_effect', 'effected'])
@pytest.mark.parametrize('late', [False, True])
def test_force_delete_of_a_create_under_way(make_cloud, database, bus, point, late):
    """An administrator ends a volume while a worker is about to make it, or has just made it; nothing of it is left,
    whether that worker goes on at once or only when all is over.
    """
    cloud = make_cloud(database, bus, {'one': backends.Files})
    _api, _scheduler, stuck = cloud.start_all(
        {'kind': 'api'}, {'kind': 'scheduler'},
        {'kind': 'volume', 'point': f'volume.create.volume.{point}', 'action': 'stop'})
    client = cloud.client()
    volume_id = client.create()['id']
    stuck.hit()
    with pytest.raises(rest.Refused) as refused:
        client.delete(volume_id)
    assert refused.value.code == 400
    client.delete(volume_id, params={'force': True})
    if not late:
        stuck.resume()
    cloud.start('volume')
    cloud.until(volume_id, None)
    stuck.resume()
    assert stuck.terminate() == 0
    assert not cloud.backends['one'].images()
    invariants.check(cloud)


def test_bus_alone_carries_work(make_cloud, database):
    """With sweeps an hour apart, messages lead a volume through scheduler and volume service."""
    if not os.environ.get('BLOCKCTL_TEST_RABBITMQCTL'):
        pytest.skip('BLOCKCTL_TEST_RABBITMQCTL is not set: eval "$(tools/services up rabbitmq)"')
    cloud = make_cloud(database, plugin.rabbitmq(), {'one': backends.Files}, {'jobs': {'sweep_interval': 3600}})
    cloud.start_one_of_each()
    wanted = ['blockctl-scheduler', f'blockctl-{cloud.host}@one']
    polling.until(lambda: all(cloud.bus.listeners().get(queue) for queue in wanted), 30, f'listener to {wanted}')
    client = cloud.client()
    volume_id = client.create()['id']
    client.until(volume_id, 'available', seconds=10)
    client.delete(volume_id)
    client.until(volume_id, None, seconds=10)


def test_any_wsgi_server(make_cloud, database, bus):
    """blockctl.cmd.wsgi:application, under a server that knows nothing of blockctl."""
    cloud = make_cloud(database, bus, {'one': backends.Files})
    cloud.start_all({'kind': 'scheduler'}, {'kind': 'volume'})
    conf = cloud.write_configuration('wsgi', {'DEFAULT': {'osapi_volume_listen': '127.0.0.1'}})
    port = servers.free_port()
    process = cloud.adopt(processes.Process(
        'waitress', [sys.executable, '-m', 'waitress', '--listen', f'127.0.0.1:{port}',
                     'blockctl.cmd.wsgi:application'],
        cloud.directory / 'waitress.log', environment={'BLOCKCTL_CONFIG_FILES': str(conf)}))
    client = rest.Client(f'http://127.0.0.1:{port}')
    polling.until(lambda: _answers(client), 30, lambda: f'answer:\n{process.tail()}')
    client.until(client.create()['id'], 'available')
    invariants.check(cloud)


def _answers(client):
    try:
        return client.volumes() is not None
    except requests.ConnectionError:
        return False


def test_start_without_a_database(make_cloud, database, bus):
    """Services that start before their database wait for it; the schema may come later, too."""
    cloud = make_cloud(database, bus, {'one': backends.Files})
    nowhere = {'database': {'connection': f'mysql+pymysql://nobody:x@127.0.0.1:{servers.free_port()}/nothing'}}
    process = cloud.start('volume', settings=nowhere, wait=False)
    polling.until(lambda: process.says('Waiting for the database') or process.says('cannot be served yet'), 30,
                  lambda: f'wait for the database:\n{process.tail()}')
    assert process.terminate(20) == 0


def test_configuration_that_cannot_work_is_refused_in_one_line(make_cloud, database, bus):
    cloud = make_cloud(database, bus, {'one': backends.Files})
    conf = cloud.write_configuration('wrong', {'DEFAULT': {'osapi_volume_listen_port': 'eighty'}})
    began = time.monotonic()
    done = subprocess.run([processes.command('blockctl-api'), '--config-file', str(conf)], timeout=30, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL)
    assert done.returncode not in (0, None)
    assert 'osapi_volume_listen_port' in done.stderr
    assert 'Traceback' not in done.stderr
    assert time.monotonic() - began < 20

# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage as it is installed, beside a running installation."""

import json


def manage(cloud, *words, status=0):
    """What a program reads of a command's answer: its logs are elsewhere."""
    return json.loads(cloud.manage(*words, '--format', 'json', status=status))


def test_what_there_is(cloud, client):
    volume_id = client.create()['id']
    client.until(volume_id, 'available')
    services = {row['Binary'] for row in manage(cloud, 'service', 'list') if row['State'] == 'up'}
    assert services == {'cinder-scheduler', 'cinder-volume'}
    assert manage(cloud, 'db', 'version')[0]['Database'] == manage(cloud, 'db', 'version')[0]['Release']
    assert {row['Left'] for row in manage(cloud, 'db', 'online_data_migrations')} == {0}
    assert manage(cloud, 'db', 'purge', '--age-in-days', '1') == [
        {'Table': table, 'Rows removed': 0} for table in ('history', 'jobs', 'messages')]
    secret, = manage(cloud, 'config', 'list', 'connection')
    assert (secret['Section'], secret['Value']) == ('database', '****')
    assert manage(cloud, 'quota', 'check', '--project-id', client.project) == []


def test_a_service_that_is_up_is_not_forgotten(cloud):
    row = next(row for row in manage(cloud, 'service', 'list') if row['State'] == 'up')
    cloud.manage('service', 'remove', row['Binary'], row['Host'], status=2)
    assert row['Host'] in {each['Host'] for each in manage(cloud, 'service', 'list')}


def test_volume_delete(cloud, client):
    volume_id = client.create()['id']
    client.until(volume_id, 'available')
    assert manage(cloud, 'volume', 'delete', volume_id) == [{'Volume': volume_id, 'Result': 'accepted'}]
    client.until(volume_id, None)

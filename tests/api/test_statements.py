# SPDX-License-Identifier: Apache-2.0
"""The number of statements of show, list and create does not depend on the number of rows."""

import datetime
import importlib.util
import json
import pathlib
import sys
import uuid

import pytest
import sqlalchemy as sa
import webob

from blockctl.db import tables


def _fixture():
    if 'api_fixture' not in sys.modules:
        spec = importlib.util.spec_from_file_location('api_fixture', pathlib.Path(__file__).parent / 'fixture.py')
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules['api_fixture']


@pytest.fixture
def stage():
    stage = _fixture().Stage(quota_volumes=-1, quota_gigabytes=-1)
    yield stage
    stage.close()


def count(stage, method, path, body=None):
    statements = []

    def note(conn, cursor, statement, parameters, context, executemany):
        statements.append(statement)

    request = webob.Request.blank(path, method=method, headers={'OpenStack-API-Version': 'volume 3.71'})
    if body is not None:
        request.body, request.content_type = json.dumps(body).encode(), 'application/json'
    sa.event.listen(stage.app.db.engine, 'before_cursor_execute', note)
    try:
        answer = request.get_response(stage.wsgi)
    finally:
        sa.event.remove(stage.app.db.engine, 'before_cursor_execute', note)
    assert answer.status_int < 300, answer.text
    return len([statement for statement in statements if not statement.startswith('BEGIN')])


def fill(stage, number):
    for _ in range(number):
        stage.volume('some', metadata={'a': 'b', 'c': 'd'}, image_metadata={'os': 'linux'})


def test_lists(stage):
    paths = ('/v3/volumes', '/v3/volumes/detail', '/v3/volumes/detail?with_count=1&limit=100')
    fill(stage, 2)
    few = [count(stage, 'GET', path) for path in paths]
    fill(stage, 30)
    assert [count(stage, 'GET', path) for path in paths] == few == [1, 2, 3]


def test_a_page_behind_a_marker(stage):
    fill(stage, 3)
    marker = stage.volume('first', created_at=datetime.datetime(2027, 1, 1))
    assert count(stage, 'GET', f'/v3/volumes/detail?marker={marker}') == 3


def test_show(stage):
    fill(stage, 3)
    assert count(stage, 'GET', f'/v3/volumes/{stage.volume("one", metadata={"a": "b", "c": "d"})}') == 2


def test_create(stage):
    """The type and its specs; then in one unit of work specs, limits, four of usage, row, metadata, job; the row."""
    body = {'volume': {'size': 1, 'metadata': {'a': 'b', 'c': 'd'}}}
    first = count(stage, 'POST', '/v3/volumes', body)  # the first puts the rows of usage there
    again = count(stage, 'POST', '/v3/volumes', body)
    fill(stage, 30)
    assert count(stage, 'POST', '/v3/volumes', body) == again == 11
    assert first <= again + 8


def test_create_of_another_volume(stage):
    """Beside those of a plain create: the source, whether its backend is frozen, its metadata for the new one, its lock
    and its hold; one less for the metadata that is not given.
    """
    host = 'stage@one#pool'
    source = stage.volume('source', host=host, image_metadata={'os': 'linux', 'arch': 'x86_64'})
    plain, body = {'volume': {'size': 1}}, {'volume': {'source_volid': source}}
    count(stage, 'POST', '/v3/volumes', plain)
    least = count(stage, 'POST', '/v3/volumes', plain)
    assert count(stage, 'POST', '/v3/volumes', body) == least + 5
    fill(stage, 30)
    assert count(stage, 'POST', '/v3/volumes', body) == least + 5


def test_extend(stage):
    """The volume; then in one unit of work limits, two of usage, the type's extra specs, the pool, the volume and the
    job; and whether its backend is frozen.
    """
    host = 'stage@one#pool'
    stage.insert(tables.pools, name=host, backend='stage@one', claimed=2, claimed_at_report=2, bound=None, foreign=0,
                 report={}, sequence=1, changed_at=datetime.datetime(2026, 1, 1))
    body = {'os-extend': {'new_size': 2}}
    first, second = (stage.volume('some', host=host) for _ in range(2))
    count(stage, 'POST', f'/v3/volumes/{first}/action', body)
    fill(stage, 30)
    assert count(stage, 'POST', f'/v3/volumes/{second}/action', body) == 9


def test_attach_and_detach(stage):
    """The volume, its lock, its attachments, its move, its notes, the new one's row, twice.

    Then the attachment; the volume's lock, its attachments, the live job of the one that goes, that, the volume's move.
    """
    volume_id = stage.volume('some', host='stage@one#pool')
    body = {'attachment': {'volume_uuid': volume_id}}
    assert count(stage, 'POST', '/v3/attachments', body) == 7
    with stage.app.db.connection(write=False) as conn:
        attachment_id = conn.execute(sa.select(tables.attachments.c.id)).scalar_one()
    assert count(stage, 'DELETE', f'/v3/attachments/{attachment_id}') == 6


def attach(stage, number):
    for _ in range(number):
        volume_id = stage.volume('used', status='in-use', attach_status='attached')
        stage.insert(tables.attachments, id=str(uuid.uuid4()), volume_id=volume_id, project_id='admin',
                     attach_status='attached', created_at=datetime.datetime(2026, 1, 1))


def test_lists_of_what_is_attached(stage):
    """One statement more for volumes that are attached, however many they are."""
    paths = ('/v3/volumes/detail', '/v3/attachments', '/v3/attachments/detail?limit=100')
    attach(stage, 2)
    few = [count(stage, 'GET', path) for path in paths]
    attach(stage, 30)
    assert [count(stage, 'GET', path) for path in paths] == few == [3, 1, 1]


def snapshots(stage, number):
    """So many snapshots of a volume; its id."""
    volume_id = stage.volume('some', host='stage@one#pool')
    for _ in range(number):
        snapshot_id = str(uuid.uuid4())
        stage.insert(tables.snapshots, id=snapshot_id, project_id=_fixture().PROJECT, volume_id=volume_id,
                     volume_size=1, status='available', use_quota=False, created_at=datetime.datetime(2026, 1, 1))
        stage.insert(tables.snapshot_metadata, snapshot_id=snapshot_id, key='a', value='b')
    return volume_id


def test_snapshot_lists(stage):
    paths = ('/v3/snapshots', '/v3/snapshots/detail', '/v3/snapshots/detail?with_count=1&limit=100')
    snapshots(stage, 2)
    few = [count(stage, 'GET', path) for path in paths]
    snapshots(stage, 30)
    assert [count(stage, 'GET', path) for path in paths] == few == [2, 2, 3]


def test_take_a_snapshot(stage):
    """The volume twice, whether its backend is frozen; limits, four of usage, the volume's lock, row, metadata, the
    row, job and hold.
    """
    body = {'snapshot': {'volume_id': snapshots(stage, 2), 'metadata': {'a': 'b', 'c': 'd'}}}
    count(stage, 'POST', '/v3/snapshots', body)  # the first puts the rows of usage there
    again = count(stage, 'POST', '/v3/snapshots', body)
    snapshots(stage, 30)
    assert count(stage, 'POST', '/v3/snapshots', body) == again == 14


def test_delete_a_volume_with_its_snapshots(stage):
    few = count(stage, 'DELETE', f'/v3/volumes/{snapshots(stage, 2)}?cascade=true')
    assert count(stage, 'DELETE', f'/v3/volumes/{snapshots(stage, 30)}?cascade=true') == few

# SPDX-License-Identifier: Apache-2.0
"""The number of statements of show, list and create does not depend on the number of rows."""

import datetime
import importlib.util
import json
import pathlib
import sys

import pytest
import sqlalchemy as sa
import webob


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

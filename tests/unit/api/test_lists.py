# SPDX-License-Identifier: Apache-2.0
"""What a query string asks of a list."""

import datetime
import json
import types

import pytest
import webob

from blockctl import conf as configuration
from blockctl import exceptions
from blockctl import microversions
from blockctl.api import app
from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api import request
from blockctl.db import pages
from blockctl.db.conditions import NOTHING
from blockctl.db.conditions import Wanted


class Caller:
    """Stands in for a Context."""

    def __init__(self, admin=False, **options):
        self.is_admin = admin
        self.conf = configuration.load([], files=[])
        for name, value in options.items():
            self.conf.set_override(name, value)


def call(query, at='3.71'):
    return request.Call(webob.Request.blank(f'/v3/p/volumes?{query}'), microversions.parse(at), '/volumes', '/p')


def page(query, **options):
    return pagination.page(Caller(**options), call(query), {'name', 'size', 'created_at'})


def read(query, at='3.71', admin=True, **options):
    return filters.read(Caller(admin, **options), call(query, at), 'volume')


# --- pages
def test_a_page_without_words():
    assert page('') == pages.Page(limit=1000)


def test_the_largest_page_is_the_operators():
    assert page('limit=50', osapi_max_limit=20).limit == 20
    assert page('', osapi_max_limit=20).limit == 20


def test_a_page_in_full():
    assert page('limit=5&marker=m&offset=2&sort=name:asc,size&with_count=1') == pages.Page(
        5, 'm', 2, (('name', 'asc'), ('size', 'desc')), with_count=True)


def test_a_key_twice_counts_once():
    assert page('sort=name:asc,name:desc').sorts == (('name', 'asc'),)


def test_the_next_page_keeps_the_rest():
    found = pages.Found([type('Row', (), {'id': 'last'})], more=True)
    asked = call('limit=1&offset=3&marker=m&name=a%26b&sort=name:asc')
    assert pagination.next_url(asked, found) == (
        'http://localhost/v3/p/volumes?limit=1&name=a%26b&sort=name%3Aasc&marker=last')


def test_no_next_page():
    assert pagination.next_url(call('limit=2'), pages.Found([], more=False)) is None


def test_too_many_words():
    with pytest.raises(exceptions.InvalidRequest):
        page('&'.join(f'a{number}=1' for number in range(200)))


# --- filters
@pytest.mark.parametrize(('query', 'at', 'wanted'), [
    ('name=a', '3.0', {'name': Wanted('eq', 'a')}),
    ('name~=a', '3.0', {'name': Wanted('like', 'a')}),
    ('size=7', '3.0', {'size': Wanted('eq', 7)}),
    ('size=99999999999999', '3.0', {'size': NOTHING}),
    ('status=é', '3.0', {'status': NOTHING}),
    ('snapshot_id=null', '3.0', {'snapshot_id': Wanted('eq', None)}),
    ('multiattach=yes', '3.0', {'multiattach': Wanted('eq', True)}),
    ('bootable=perhaps', '3.1', {'bootable': NOTHING}),
    ('group_id=g', '3.9', {}),
    ('group_id=g', '3.10', {'group_id': Wanted('eq', 'g')}),
    ('metadata={"a":"b"}', '3.0', {'metadata': Wanted('pairs', {'a': 'b'})}),
    ("metadata={'a': 'b'}", '3.0', {'metadata': Wanted('pairs', {'a': 'b'})}),
    ('created_at=2026-01-02', '3.59', {'created_at': Wanted('eq', datetime.datetime(2026, 1, 2))}),
    ('created_at=gt:2026-01-02T01:00:00%2B02:00', '3.60',
     {'created_at': Wanted('all', [Wanted('gt', datetime.datetime(2026, 1, 1, 23))])}),
    ('created_at=gt:2026-01-02,lt:2026-01-03', '3.60',
     {'created_at': Wanted('all', [Wanted('gt', datetime.datetime(2026, 1, 2)),
                                   Wanted('lt', datetime.datetime(2026, 1, 3))])}),
    ('nonsense=1', '3.71', {'nonsense': NOTHING}),
    ('limit=1&sort=name&all_tenants=1&with_count=1', '3.45', {}),
])
def test_what_is_wanted(query, at, wanted):
    assert read(query, at) == wanted


@pytest.mark.parametrize('query', [
    'size=x', 'size=-1', 'size=1.0', 'bootable=x', 'multiattach=x', 'metadata=x', 'metadata=[1]', 'metadata={"a":1}',
    'metadata=' + '[' * 5000, "metadata={'a': __import__('os')}", 'metadata={"a":"\\u0000"}',
    'metadata={"a":"\\ud800"}', 'created_at=2026-01-01',
    'created_at=gt:', 'created_at=after:2026-01-01', 'updated_at=gt:2026-13-01'])
def test_what_makes_no_sense_names_the_filter(query):
    with pytest.raises(exceptions.InvalidField, match=query.partition('=')[0]):
        read(query)


def test_users_may_what_the_operator_says(tmp_path):
    path = tmp_path / 'filters.json'
    path.write_text(json.dumps({'volume': ['host', 'name~']}), encoding='utf-8')
    options = {'admin': False, 'resource_query_filters_file': str(path)}
    assert read('host=h&name~=n', **options) == {'host': Wanted('eq', 'h'), 'name': Wanted('like', 'n')}
    with pytest.raises(exceptions.InvalidRequest, match='name'):
        read('name=n', **options)


@pytest.mark.parametrize('text', ['', '[]', '{"volume": "name"}', '{"volume": [1]}', None])
def test_a_file_of_filters_that_is_none_is_told_at_start(tmp_path, text):
    path = tmp_path / 'filters.json'
    if text is not None:
        path.write_text(text)
    conf = types.SimpleNamespace(resource_query_filters_file=str(path), auth_strategy='keystone')
    with pytest.raises(exceptions.ConfigurationError, match='resource_query_filters_file'):
        app.make_app(types.SimpleNamespace(conf=conf))


def test_users_lose_other_filters_before_331():
    assert read('host=h&name=n', at='3.30', admin=False) == {'name': Wanted('eq', 'n')}
    with pytest.raises(exceptions.InvalidRequest, match='host'):
        read('host=h&name=n', at='3.31', admin=False)

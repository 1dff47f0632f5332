# SPDX-License-Identifier: Apache-2.0
"""The WSGI application as a whole, with authentication as the embedded default has it."""

import io
import json
import logging
import types

import pytest
import webob

import stand_in
from blockctl import exceptions
from blockctl import policy
from blockctl.api import app as api
from blockctl.api import dispatch
from blockctl.api import faults


@pytest.fixture
def parts(tmp_path):
    app = stand_in.make_app(f'sqlite:///{tmp_path}/test.sqlite', auth_strategy='noauth',
                            osapi_volume_listen='127.0.0.1')
    app.policy = policy.Policy(app.conf)
    yield app
    app.db.dispose()


@pytest.fixture
def ask(parts):
    wsgi = api.make_app(parts)

    def ask(method, path, body=None, **headers):
        request = webob.Request.blank(path, base_url='http://127.0.0.1:8776', method=method)
        for name, value in headers.items():
            request.headers[name.replace('_', '-')] = value
        if body is not None:
            request.body = body if isinstance(body, bytes) else json.dumps(body).encode()
            request.content_type = 'application/json'
        return request.get_response(wsgi)

    return ask


def test_everybody_is_an_administrator_of_the_project_in_the_url(ask):
    made = ask('POST', '/v3/some-project/volumes', {'volume': {'size': 1}})
    assert made.status_int == 202
    shown = ask('GET', f'/v3/some-project/volumes/{made.json["volume"]["id"]}')
    assert shown.json['volume']['os-vol-tenant-attr:tenant_id'] == 'some-project'
    assert ask('GET', '/v3/volumes').json['volumes'] == []


def test_the_version_document_is_also_where_the_endpoint_is(ask):
    assert ask('GET', '/v3/admin').json['versions'][0]['id'] == 'v3.0'
    assert ask('GET', '/v3/admin/').json['versions'][0]['id'] == 'v3.0'


@pytest.mark.parametrize('host', ['127.0.0.1', '127.0.0.1:8776', 'localhost', 'LOCALHOST:80', '[::1]:8776'])
def test_this_machine_may_ask(ask, host):
    assert ask('GET', '/healthcheck', Host=host).status_int == 200


@pytest.mark.parametrize('host', ['example.org', '127.0.0.1.example.org', 'localhost.example.org:8776', '', '10.0.0.1',
                                  '127.0.0.1:8776@example.org', '127.0.0.1:x'])
@pytest.mark.parametrize('path', ['/healthcheck', '/', '/v3/volumes'])
def test_no_other_host_is_answered(ask, host, path):
    answer = ask('GET', path, Host=host)
    assert (answer.status_int, 'Host' in answer.json['badRequest']['message']) == (400, True)


def test_nor_a_web_page(ask):
    assert ask('GET', '/v3/volumes', Origin='http://example.org').status_int == 403
    assert ask('GET', '/v3/volumes', Origin='null').status_int == 403
    assert ask('GET', '/v3/volumes', Origin='http://localhost:3000').status_int == 200


def test_without_authentication_only_this_machine_is_listened_to(parts):
    parts.conf.set_override('osapi_volume_listen', '0.0.0.0')
    with pytest.raises(exceptions.ConfigurationError):
        api.make_app(parts)


@pytest.mark.parametrize(('path', 'status'), [
    ('/v3/volumes/%C3%A9', 404), ('/v3/volumes/%FF', 400), ('/v3/volumes/a%00', 400), ('/v3/volumes//', 404),
    ('/v3/%C3%A9/volumes', 404), ('/v4/volumes', 404), ('/v3volumes', 404), ('/v3/volumes/' + 'x' * 5000, 404),
    ('/v3/a/b/volumes', 404)])
def test_paths(ask, path, status):
    answer = ask('GET', path)
    assert answer.status_int == status
    assert answer.json


def test_a_project_is_told_from_a_resource():
    assert dispatch.split('/v3/volumes/detail') == (None, '/volumes/detail')
    assert dispatch.split('/v3/detail/volumes') == ('detail', '/volumes')
    assert dispatch.split('/v3/a1-b2/volumes/detail') == ('a1-b2', '/volumes/detail')


@pytest.mark.parametrize('size', [114_689, 1_000_000])
def test_large_bodies(ask, size):
    answer = ask('POST', '/v3/volumes', b'x' * size)
    assert (answer.status_int, answer.json['overLimit']['code']) == (413, 413)


def test_a_body_at_the_limit_is_read(ask):
    assert ask('POST', '/v3/volumes', b' ' * 114_688).status_int == 400


def _raw(parts, body, **environ):
    request = webob.Request.blank('/v3/volumes', base_url='http://127.0.0.1', method='POST',
                                  content_type='application/json')
    request.environ.update(environ)
    request.environ['wsgi.input'] = io.BytesIO(body)
    return webob.Request(request.environ).get_response(api.make_app(parts))


def test_large_bodies_that_do_not_say_so(parts):
    answer = _raw(parts, b'x' * 200_000, CONTENT_LENGTH='', HTTP_TRANSFER_ENCODING='chunked')
    assert answer.status_int == 413


def test_a_body_in_chunks(parts):
    answer = _raw(parts, b'{"volume": {"size": 1}}', CONTENT_LENGTH='', HTTP_TRANSFER_ENCODING='chunked')
    assert answer.status_int == 202


def test_a_length_that_is_none(parts):
    assert _raw(parts, b'{}', CONTENT_LENGTH='-5').status_int == 400


@pytest.mark.parametrize('body', [
    b'{"volume":' + b'[' * 50_000, b'{"volume":{"metadata":' + b'[' * 40 + b']' * 40 + b'}}',
    b'[' * 900 + b']' * 900, b'9' * 5000])
def test_bodies_nested_deep(ask, body):
    assert ask('POST', '/v3/volumes', body).status_int == 400


def test_the_request_is_named(ask):
    first, second = ask('GET', '/v3/volumes'), ask('GET', '/v3/volumes/x')
    for answer in (first, second):
        assert answer.headers['x-openstack-request-id'].startswith('req-')
        assert answer.headers['x-openstack-request-id'] == answer.headers['x-compute-request-id']
    assert first.headers['x-openstack-request-id'] != second.headers['x-openstack-request-id']


@pytest.mark.parametrize(('inbound', 'kept'), [
    ('req-12345678-1234-1234-1234-123456789abc', True), ('req-1', False),
    ('12345678-1234-1234-1234-123456789abc', False),
    ('req-12345678-1234-1234-1234-123456789abc\n', False)])
def test_the_callers_name_for_it_goes_on(parts, inbound, kept):
    seen = []

    def note(application, app):
        def noting(environ, start_response):
            seen.append(environ.get('openstack.global_request_id'))
            return webob.Response()(environ, start_response)
        return noting

    request = webob.Request.blank('/v3/volumes', base_url='http://127.0.0.1')
    request.environ['HTTP_X_OPENSTACK_REQUEST_ID'] = inbound
    request.get_response(api.make_app(parts, authenticate=note))
    assert seen == [inbound if kept else None]


def test_an_unknown_error_is_a_500_without_its_text(parts, caplog):
    def broken(application, app):
        def breaking(environ, start_response):
            raise ValueError('a secret')
        return breaking

    wsgi = api.make_app(parts, authenticate=broken)
    with caplog.at_level(logging.ERROR):
        answer = webob.Request.blank('/v3/volumes', base_url='http://127.0.0.1').get_response(wsgi)
    assert answer.status_int == 500
    assert answer.json == {'computeFault': {'code': 500, 'message': faults.INTERNAL_TEXT}}
    assert 'a secret' in caplog.text


def test_a_backends_error_is_never_shown():
    assert 'rbd' not in faults.response(exceptions.BackendError(reason='rbd pool one')).text


def test_the_database_is_away(parts, ask):
    def away(write):
        raise exceptions.DatabaseUnavailable()

    parts.db = types.SimpleNamespace(connection=away, dispose=parts.db.dispose)
    answer = ask('GET', '/v3/volumes')
    assert (answer.status_int, answer.headers['Retry-After']) == (503, '5')
    assert answer.json['serviceUnavailable']['code'] == 503


def test_health_can_be_switched_off(parts, tmp_path):
    parts.conf.set_override('healthcheck_disable_file', str(tmp_path / 'off'))
    wsgi = api.make_app(parts)

    def ask():
        return webob.Request.blank('/healthcheck', base_url='http://127.0.0.1').get_response(wsgi)

    assert (ask().status_int, ask().text) == (200, 'OK')
    (tmp_path / 'off').touch()
    assert ask().status_int == 503
    (tmp_path / 'off').unlink()
    assert ask().status_int == 200


def test_urls_are_as_the_operator_says(parts):
    parts.conf.set_override('public_endpoint', 'https://storage.example.org/block/')
    wsgi = api.make_app(parts)
    document = webob.Request.blank('/', base_url='http://127.0.0.1').get_response(wsgi).json
    assert document['versions'][0]['links'][1]['href'] == 'https://storage.example.org/block/v3/'

# SPDX-License-Identifier: Apache-2.0
"""What is said to the compute service, to a small server in its place (Nova itself cannot run here)."""

import http.server
import json
import threading
import types

import pytest

from blockctl import conf as configuration
from blockctl import exceptions
from blockctl.compute import nova

EVENTS = '/os-server-external-events'


class Server(http.server.ThreadingHTTPServer):
    """Remembers requests; answers each with ``answers[path]``: (status, document)."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.requests = []
        self.answers = {}

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server_port}'


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path in self.server.answers:
            self.server.requests.append((self.path, dict(self.headers), None))
        self._answer(*self.server.answers.get(self.path, (200, {'versions': []})))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        self.server.requests.append((self.path, dict(self.headers), body))
        self._answer(*self.server.answers[self.path])

    def _answer(self, status, document):
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        """Nothing to standard error."""


@pytest.fixture
def server():
    made = Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def client(tmp_path, *lines):
    """A Nova of a file whose section [nova] has these lines."""
    path = tmp_path / 'blockctl.conf'
    path.write_text('\n'.join(('[nova]', *lines, '')))
    return nova.Nova(configuration.load([], files=[str(path)]))


@pytest.fixture
def compute(tmp_path, server):
    return client(tmp_path, 'auth_type = none', f'endpoint = {server.url}')


def event(server_id, code=200):
    return {'name': 'volume-extended', 'server_uuid': server_id, 'tag': 'v', 'status': 'completed', 'code': code}


def test_without_auth_type_there_is_none(tmp_path):
    made = client(tmp_path)
    assert not made.configured
    with pytest.raises(exceptions.BackendUnavailable):
        made.volume_extended(['s1'], 'v')


def test_servers_are_told(server, compute):
    server.answers[EVENTS] = 200, {'events': [event('s1'), event('s2')]}
    assert compute.configured
    assert compute.volume_extended(['s1', 's2'], 'v', 'req-1') == []
    [(path, headers, body)] = server.requests
    assert path == EVENTS
    assert body == {'events': [{'name': 'volume-extended', 'server_uuid': server_id, 'tag': 'v'}
                               for server_id in ('s1', 's2')]}
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers['openstack-api-version'] == 'compute 2.51'
    assert headers['x-openstack-request-id'] == 'req-1'


def test_those_that_take_no_note_are_named(server, compute):
    server.answers[EVENTS] = 207, {'events': [event('s1'), event('s2', 422), event('s3', 404)]}
    assert compute.volume_extended(['s1', 's2', 's3'], 'v') == ['s2', 's3']


def test_none_is_known(server, compute):
    server.answers[EVENTS] = 404, {'itemNotFound': {'message': 'no'}}
    assert compute.volume_extended(['s1'], 'v') == ['s1']


@pytest.mark.parametrize('status', [400, 403, 500, 503])
def test_any_other_answer_is_tried_again_later(server, compute, status):
    server.answers[EVENTS] = status, {}
    with pytest.raises(exceptions.BackendUnavailable, match=str(status)):
        compute.volume_extended(['s1'], 'v')


def test_nobody_answers(tmp_path, server):
    made = client(tmp_path, 'auth_type = none', 'endpoint = http://127.0.0.1:9')
    with pytest.raises(exceptions.BackendUnavailable):
        made.volume_extended(['s1'], 'v')


# --- whether a server uses a volume
ATTACHMENT = '/servers/s1/os-volume_attachments/v1'


def asker(server=None, kind='compute', **more):
    """Who asks, with a token of his own and a catalog as keystonemiddleware hands it on."""
    catalog = [{'type': kind, 'endpoints': [{'region': 'one', 'publicURL': server.url}]}] if server else None
    return types.SimpleNamespace(catalog=catalog and json.dumps(catalog), auth_token='his', global_request_id=None,
                                 **more)


@pytest.mark.parametrize(('attachment', 'used'), [('a1', True), ('a2', False)])
def test_a_server_uses_a_volume_by_one_attachment(server, compute, attachment, used):
    server.answers[ATTACHMENT] = 200, {'volumeAttachment': {'volumeId': 'v1', 'attachment_id': 'a1'}}
    assert compute.uses(asker(), 's1', 'v1', attachment) is used
    [(_, headers, _)] = server.requests
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers['openstack-api-version'] == 'compute 2.89'


def test_a_server_that_is_not_there_uses_nothing(server, compute):
    server.answers[ATTACHMENT] = 404, {}
    assert compute.uses(asker(), 's1', 'v1', 'a1') is False


@pytest.mark.parametrize('answer', [(500, {}), (401, {}), (406, {}), (200, {}), (200, []),
                                    (200, {'volumeAttachment': {'volumeId': 'v1'}})])
def test_what_cannot_be_known_is_no_no(server, compute, answer):
    server.answers[ATTACHMENT] = answer
    with pytest.raises(exceptions.BackendUnavailable):
        compute.uses(asker(), 's1', 'v1', 'a1')


def test_without_an_account_the_callers_token_serves(tmp_path, server):
    server.answers[ATTACHMENT] = 200, {'volumeAttachment': {'volumeId': 'v1', 'attachment_id': 'a1'}}
    made = client(tmp_path)
    assert made.uses(asker(server), 's1', 'v1', 'a1') is True
    assert {name.lower(): value for name, value in server.requests[0][1].items()}['x-auth-token'] == 'his'
    assert client(tmp_path, 'region_name = one').uses(asker(server), 's1', 'v1', 'a1') is True


def test_no_compute_service_in_the_catalog(tmp_path, server):
    made = client(tmp_path)
    assert made.uses(asker(), 's1', 'v1', 'a1') is False
    assert made.uses(asker(server, kind='image'), 's1', 'v1', 'a1') is False
    assert client(tmp_path, 'region_name = two').uses(asker(server), 's1', 'v1', 'a1') is False
    assert client(tmp_path, 'interface = internal').uses(asker(server), 's1', 'v1', 'a1') is False
    assert server.requests == []


def test_a_compute_service_that_does_not_answer(tmp_path, server):
    gone = types.SimpleNamespace(url='http://127.0.0.1:9')
    with pytest.raises(exceptions.BackendUnavailable):
        client(tmp_path).uses(asker(gone), 's1', 'v1', 'a1')


# --- where a server runs
@pytest.mark.parametrize(('answer', 'host'), [
    ((200, {'server': {'OS-EXT-SRV-ATTR:host': 'node1'}}), 'node1'), ((404, {}), None),
    ((200, {'server': {}}), None), ((200, {'server': {'OS-EXT-SRV-ATTR:host': None}}), None)])
def test_the_machine_of_a_server(server, compute, answer, host):
    server.answers['/servers/s1'] = answer
    assert compute.host_of('s1', 'req-1') == host
    [(_path, headers, _body)] = server.requests
    assert headers['X-OpenStack-Request-ID'] == 'req-1'


@pytest.mark.parametrize('answer', [(503, {}), (403, {}), (200, {'servers': []}), (200, [])])
def test_the_machine_of_a_server_cannot_be_found_out(server, compute, answer):
    server.answers['/servers/s1'] = answer
    with pytest.raises(exceptions.BackendUnavailable):
        compute.host_of('s1')

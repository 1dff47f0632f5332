# SPDX-License-Identifier: Apache-2.0
"""tools/compare: request files, masks, differences, and a run against two small servers."""

import http.server
import json
import pathlib
import sys
import threading

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[3] / 'tools'
sys.path.insert(0, str(TOOLS))

from comparing import cli  # noqa: E402 - found beside tools/compare only
from comparing import differences  # noqa: E402
from comparing import masking  # noqa: E402
from comparing import scripts  # noqa: E402
from comparing import sides  # noqa: E402

REQUESTS = TOOLS.parent / 'tests' / 'conformance' / 'requests'
ID = '3f0c54a4-94b6-4d7e-9f43-1d5b1ed1f3a1'
OTHER = 'a4a1b8f3-0a6b-44c5-8f4c-58a1a94a3a52'


def script(*steps, **more):
    return scripts.parse('x', {'steps': list(steps), **more})


class TestScripts:
    @pytest.mark.parametrize('path', sorted(REQUESTS.glob('*.yaml')), ids=lambda path: path.stem)
    def test_ours_can_be_read(self, path):
        assert scripts.load(path).steps

    def test_defaults(self):
        [step] = script({'name': 'a', 'GET': '/volumes'}).steps
        assert (step.method, step.user, step.version) == ('GET', 'admin', '3.71')
        assert (step.compare, step.cleanup) == ('all', False)

    @pytest.mark.parametrize(('steps', 'says'), [
        ([], 'a list of steps'),
        ([{'GET': '/x'}], 'name: it is missing'),
        ([{'name': 'a'}], 'exactly one of'),
        ([{'name': 'a', 'GET': '/x', 'PUT': '/x'}], 'exactly one of'),
        ([{'name': 'a', 'GET': 'x'}], 'begins with /'),
        ([{'name': 'a', 'GET': '/x', 'version': 3.71}], 'in quotes'),
        ([{'name': 'a', 'GET': '/x', 'user': 'king'}], 'user: one of'),
        ([{'name': 'a', 'GET': '/x', 'color': 1}], 'unknown: color'),
        ([{'name': 'a', 'GET': '/x', 'wait': {'path': '/x'}}], 'either gone, or'),
        ([{'name': 'a', 'GET': '/x'}, {'name': 'a', 'GET': '/x'}], 'another step'),
        ([{'name': 'a', 'GET': '/${volume}'}], 'nothing saves volume'),
        ([{'name': 'a', 'GET': '/x', 'allow': ['body']}], 'PATH: REASON'),
    ])
    def test_what_is_refused(self, steps, says):
        with pytest.raises(scripts.ScriptError, match=says):
            script(*steps)

    def test_fill(self):
        known = {'n': 5, 'w': 'word'}
        filled = scripts.fill({'a': '${n}', 'b': ['x-${n}-${w}'], 'c': None}, known)
        assert filled == {'a': 5, 'b': ['x-5-word'], 'c': None}
        with pytest.raises(KeyError):
            scripts.fill('${z}', known)

    def test_look_up(self):
        assert scripts.look_up({'a': [{'b:c': 1}]}, 'a.0.b:c') == 1
        for path in ('a.1.b', 'z', 'a.0.b:c.d'):
            with pytest.raises(LookupError):
                scripts.look_up({'a': [{'b:c': 1}]}, path)

    @pytest.mark.parametrize(('pattern', 'path', 'covered'), [
        ('body.volume', 'body.volume.links[0].href', True),
        ('body.volumes[*].id', 'body.volumes[3].id', True),
        ('body.volumes[0]', 'body.volumes[0].id', True),
        ('body.volumes[0]', 'body.volumes[1].id', False),
        ('status', 'body.status', False),
    ])
    def test_allowed(self, pattern, path, covered):
        [row] = script({'name': 'a', 'GET': '/x', 'allow': [{pattern: 'why'}]}).allowed
        assert row.covers('a', path) == covered
        assert not row.covers('b', path)


class TestMask:
    MASK = masking.Mask(('http://h:1/v3', 'http://h:1'), {'volume': ID, 'run': 'abc'})

    @pytest.mark.parametrize(('text', 'masked'), [
        (f'Volume {ID} of {OTHER}', 'Volume <volume> of <id>'),
        (f'http://h:1/v3/volumes/{ID}', '<endpoint>/volumes/<volume>'),
        ('http://h:1/volumes', '<endpoint>/volumes'),
        (f'req-{OTHER}', '<request id>'),
        ('2026-11-21T10:00:00.123456', '0000-00-00T00:00:00.000000'),
        ('2026-11-21T10:00:00Z', '0000-00-00T00:00:00Z'),
        ('no pool on node-1@rbd1#pool', 'no pool on <host@backend#pool>'),
        ('node-1@rbd1', '<host@backend>'),
        ('0123456789abcdef0123456789abcdef', '<id>'),
        ('available', 'available'),
    ])
    def test_text(self, text, masked):
        assert self.MASK.text(text) == masked

    def test_values(self):
        value = {'host': 'node-1', 'name': 'node-1', 'n': 5, 'list': [ID, None], ID: True}
        assert self.MASK.value(value) == {'host': '<host>', 'name': 'node-1', 'n': 5, 'list': ['<volume>', None],
                                          '<volume>': True}


class TestDifferences:
    MASKS = (masking.Mask((), {}), masking.Mask((), {}))

    def between(self, left, right, status=(200, 200), how='all', **more):
        step = scripts.parse_step({'name': 'a', 'GET': '/x', 'compare': how}, 'a')
        answers = [sides.Answer(step, 'GET /x', code, {}, body)
                   for code, body in zip(status, (left, right), strict=True)]
        return [(one.kind, one.path) for one in differences.between(*answers, self.MASKS, **more)]

    @pytest.mark.parametrize(('left', 'right', 'found'), [
        ({'a': 1}, {'a': 1}, []),
        ({'a': 1}, {'a': 2}, [('value', 'body.a')]),
        ({'a': 1}, {'a': '1'}, [('type', 'body.a')]),
        ({'a': True}, {'a': 1}, [('type', 'body.a')]),
        ({'a': None}, {'a': {}}, [('type', 'body.a')]),
        ({'a': 1, 'b': 1}, {'b': 1, 'c': 1}, [('missing', 'body.a'), ('extra', 'body.c')]),
        ([{'a': 1}], [{'a': 2}, {}], [('length', 'body'), ('value', 'body[0].a')]),
        ({'a': ID}, {'a': OTHER}, []),
    ])
    def test_values(self, left, right, found):
        assert self.between(left, right) == found

    @pytest.mark.parametrize(('left', 'right', 'found'), [
        ({'a': 1}, {'a': 2}, []),
        ({'a': 1}, {'a': 'x'}, [('type', 'body.a')]),
        ({'a': None}, {'a': 'x'}, []),
        ([{'a': 1}], [{'a': 2}, {'b': 1}], [('extra', 'body[].b')]),
        ([], [{'a': 1}], []),
    ])
    def test_types_only(self, left, right, found):
        assert self.between(left, right, how='types') == found

    def test_texts_of_faults_have_a_kind_of_their_own(self):
        assert self.between({'m': 'a'}, {'m': 'b'}, (400, 400)) == [('text', 'body.m')]
        assert self.between({'m': 'a'}, {'m': 'a'}, (400, 409)) == [('status', 'status')]

    def test_status_only(self):
        assert self.between({'m': 'a'}, {'z': 'b'}, (400, 409), how='status') == [('status', 'status')]

    def test_headers(self):
        step = scripts.parse_step({'name': 'a', 'GET': '/x'}, 'a')
        left = sides.Answer(step, '', 200, {'etag': '"a"', 'date': 'now'})
        right = sides.Answer(step, '', 200, {'etag': '"b"', 'date': 'then'})
        assert [one.path for one in differences.between(left, right, self.MASKS)] == ['headers.etag']

    def test_asked_on_one_side_only(self):
        step = scripts.parse_step({'name': 'a', 'GET': '/x'}, 'a')
        skipped = sides.Answer(step, skipped='volume was not answered')
        [one] = differences.between(sides.Answer(step, '', 200), skipped, self.MASKS)
        assert one.kind == 'asked'
        assert list(differences.between(skipped, skipped, self.MASKS)) == []


class Api(http.server.BaseHTTPRequestHandler):
    """The least of an API: one volume, whose name is the server's own."""

    name = 'same'

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        self.seen.append((self.headers['OpenStack-API-Version'], body))
        self.answer(202, {'volume': {'id': self.volume_id, 'status': 'creating', 'name': self.name}})

    def do_GET(self):
        if self.seen[-1] == 'gone':
            self.answer(404, {'itemNotFound': {'code': 404, 'message': f'No {self.volume_id}.'}})
        else:
            self.answer(200, {'volume': {'id': self.volume_id, 'status': 'available', 'name': self.name}})

    def do_DELETE(self):
        self.seen.append('gone')
        self.answer(202, None)

    def answer(self, status, body):
        data = json.dumps(body).encode() if body is not None else b''
        self.send_response(status)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """Starts servers; called with attributes of Api, returns (URL, what it was asked)."""
    running = []

    def serve(**attributes):
        handler = type('Handler', (Api,), {'seen': [], **attributes})
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
        thread.start()
        running.append((server, thread))
        return f'http://127.0.0.1:{server.server_port}/v3', handler.seen

    yield serve
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


FILE = """
steps:
  - name: create
    POST: /volumes
    body: {volume: {size: 1}}
    save: {volume: volume.id}
    wait: {path: "/volumes/${volume}", field: volume.status, values: [available]}
  - {name: show, GET: "/volumes/${volume}"}
  - {name: away, DELETE: "/volumes/${volume}", cleanup: true, wait: {path: "/volumes/${volume}", gone: true}}
"""


class TestRun:
    def run(self, path, text, left, right, *options):
        path.write_text(text)
        return cli.main(['--left', left, '--left-noauth', '--right', right, '--right-noauth', *options, str(path)])

    def test_alike(self, serve, tmp_path, capsys):
        (left, seen), (right, _) = serve(volume_id=ID), serve(volume_id=OTHER)
        assert self.run(tmp_path / 'f.yaml', FILE, left, right) == 0
        assert '2 steps alike, 0 differ' in capsys.readouterr().out
        assert seen == [('volume 3.71', {'volume': {'size': 1}}), 'gone']

    def test_different(self, serve, tmp_path, capsys):
        (left, _), (right, _) = serve(volume_id=ID), serve(volume_id=OTHER, name='other')
        assert self.run(tmp_path / 'f.yaml', FILE, left, right) == 1
        out = capsys.readouterr().out
        assert '0 steps alike, 2 differ' in out
        assert 'wait.body.volume.name: value' in out
        assert '        < "same"\n        > "other"' in out

    def test_different_but_allowed(self, serve, tmp_path, capsys):
        (left, _), (right, _) = serve(volume_id=ID), serve(volume_id=OTHER, name='other')
        text = 'allow: [{"*.name": names are their own}, {"body.color": never}]\n' + FILE
        assert self.run(tmp_path / 'f.yaml', text, left, right) == 0
        out = capsys.readouterr().out
        assert '3 differences allowed' in out
        assert 'allowed but not seen: body.color (never)' in out

    def test_kinds_are_left_out(self, serve, tmp_path):
        (left, _), (right, _) = serve(volume_id=ID), serve(volume_id=OTHER, name='other')
        assert self.run(tmp_path / 'f.yaml', FILE, left, right, '--without', 'value') == 0

    def test_show(self, serve, tmp_path, capsys):
        left, _ = serve(volume_id=ID)
        (tmp_path / 'f.yaml').write_text(FILE)
        assert cli.main(['--left', left, '--left-noauth', '--show', str(tmp_path / 'f.yaml')]) == 0
        out = capsys.readouterr().out
        assert '== create (admin, 3.71)' in out
        assert '-- after waiting: GET' in out
        assert ID in out

    def test_a_wait_ends_with_error(self, serve, tmp_path):
        text = FILE.replace('values: [available]', 'values: [in-use], timeout: 600')
        text = text.replace('volume.status', 'volume.name')
        left, _ = serve(volume_id=ID, name='error')
        right, _ = serve(volume_id=OTHER, name='in-use')
        assert self.run(tmp_path / 'f.yaml', text, left, right, '--without', 'value') == 1

    def test_nobody_there(self, tmp_path, capsys):
        nobody = 'http://127.0.0.1:1/v3'
        assert self.run(tmp_path / 'f.yaml', FILE, nobody, nobody) == 2
        assert 'POST /v3/' in capsys.readouterr().err

    def test_what_neither_could_be_asked_is_told(self, serve, tmp_path, capsys):
        (left, _), (right, _) = serve(volume_id=ID), serve(volume_id=OTHER)
        text = FILE.replace('volume: volume.id', 'volume: nothing.id')
        assert self.run(tmp_path / 'f.yaml', text, left, right) == 0
        assert '1 steps alike, 0 differ, 1 asked of neither' in capsys.readouterr().out

    @pytest.mark.parametrize('arguments', [
        ['--left', 'http://h/v3', '--left-noauth'], ['--show'], ['--left', 'http://h/v3', '--show']])
    def test_what_does_not_go_together(self, tmp_path, arguments, monkeypatch):
        for name in ('OS_AUTH_URL', 'OS_USERNAME'):
            monkeypatch.delenv(name, raising=False)
        (tmp_path / 'f.yaml').write_text(FILE)
        assert cli.main([*arguments, str(tmp_path / 'f.yaml')]) == 2

    def test_accounts(self):
        assert cli.parse_account('member=u:p:a:b') == ('member', ('u', 'p', 'a:b'))
        with pytest.raises(cli.argparse.ArgumentTypeError):
            cli.parse_account('king=u:p')

# SPDX-License-Identifier: Apache-2.0
"""tools/quickstart, all but its pip: the venvs are stood in for by links to the programs of this one."""

import hashlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Quickstart:
    """A checkout of its own, without the source, which the installed programs have."""

    def __init__(self, folder):
        self.state = folder / 'a state'
        self.tool = folder / 'tools' / 'quickstart'
        self.tool.parent.mkdir()
        self.tool.symlink_to(ROOT / 'tools' / 'quickstart')
        programs = pathlib.Path(sys.executable).parent
        wanted = hashlib.sha256()
        for name in ('requirements.txt', 'setup.cfg'):
            (folder / name).symlink_to(ROOT / name)
            wanted.update((ROOT / name).read_bytes())
        for venv, names in (('.venv', ('python', 'blockctl-standalone')), ('.venv-client', ('openstack',))):
            (folder / venv / 'bin').mkdir(parents=True)
            for name in names:
                (folder / venv / 'bin' / name).symlink_to(programs / name)
        (folder / '.venv' / 'installed').write_text(f'{wanted.hexdigest()}  -\n')

    def run(self, *arguments, port=0, status=0):
        """What it says; ``port`` in the environment if not 0."""
        environment = {**os.environ, 'BLOCKCTL_STATE': str(self.state), 'OS_CLOUD': 'another',
                       'http_proxy': 'http://127.0.0.1:9'} | ({'BLOCKCTL_PORT': str(port)} if port else {})
        done = subprocess.run([self.tool, *arguments], env=environment, stdin=subprocess.DEVNULL, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == status, done.stdout
        return done.stdout

    @property
    def pid(self):
        return int((self.state / 'blockctl.pid').read_text())


@pytest.fixture
def quickstart(tmp_path):
    made = Quickstart(tmp_path)
    yield made
    made.run('--stop')


@pytest.fixture
def port():
    with socket.create_server(('127.0.0.1', 0)) as taken:
        return taken.getsockname()[1]


def _lives(pid):
    try:
        return bool(pathlib.Path(f'/proc/{pid}/cmdline').read_bytes())  # a zombie has none
    except OSError:
        return False


def _call(port, path, body=None):
    request = urllib.request.Request(f'http://127.0.0.1:{port}/v3/demo{path}', method='POST' if body else 'GET',
                                     data=body and json.dumps(body).encode(),
                                     headers={'Content-Type': 'application/json'})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return json.load(answer)


def test_makes_a_volume_and_keeps_what_there_is(quickstart, port):
    said = quickstart.run(port=port)
    assert re.search(r'# first-\d+: (creating )*available', said)
    assert re.search(r'# renamed-\d+: (deleting )*gone', said)
    assert said.rstrip().endswith('quickstart --stop')
    assert f'OS_ENDPOINT=http://127.0.0.1:{port}/v3/demo' in said
    mine = _call(port, '/volumes', {'volume': {'size': 1, 'name': 'mine'}})['volume']['id']

    pid = quickstart.pid
    assert f'runs already (process {pid})' in quickstart.run()
    assert quickstart.pid == pid

    assert 'Stopped' in quickstart.run('--stop')
    assert not _lives(pid)
    assert 'does not run' in quickstart.run('--stop')
    quickstart.run(port=port)
    assert [volume['id'] for volume in _call(port, '/volumes')['volumes']] == [mine]


def test_says_that_the_port_is_taken(quickstart):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        assert f'port {port} is taken' in quickstart.run(port=port, status=1)
    assert not (quickstart.state / 'blockctl.pid').exists()


def test_refuses_what_it_does_not_know(quickstart):
    assert quickstart.run('--start', status=2).startswith('usage:')

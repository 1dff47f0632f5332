# SPDX-License-Identifier: Apache-2.0
"""What reads the source and runs none of it."""

import importlib.machinery
import importlib.util
import pathlib
import shutil
import stat
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = '# SPDX-License-Identifier: Apache-2.0'


def _check_layers():
    path = ROOT / 'tools' / 'check_layers'
    loader = importlib.machinery.SourceFileLoader('check_layers', str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('check_layers', loader))
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # or tools/ gets a check_layersc
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
    return module


check_layers = _check_layers()


def sources():
    """Every file of ours that is a program, by what git would take."""
    names = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=ROOT, capture_output=True,
                           check=False, text=True).stdout.split('\0')
    paths = [ROOT / name for name in names if name] or [
        path for top in ('blockctl', 'tests', 'tools') for path in (ROOT / top).rglob('*')
        if '__pycache__' not in path.parts]
    return [path for path in paths if path.is_file() and (path.suffix in ('.py', '.sh') or _is_script(path))]


def _is_script(path):
    with path.open('rb') as file:
        return file.read(2) == b'#!'


def test_ruff():
    ruff = shutil.which('ruff', path=str(pathlib.Path(sys.executable).parent)) or shutil.which('ruff')
    done = subprocess.run([ruff, 'check', '--no-cache', '--output-format', 'concise', '.'], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_layers():
    findings = check_layers.check(ROOT)
    assert not findings, '\n'.join(map(str, findings))


def test_every_source_names_its_licence():
    missing = [str(path.relative_to(ROOT)) for path in sources()
               if HEADER not in path.read_text(encoding='utf-8').split('\n')[:2]]
    assert missing == []


def test_every_script_can_be_run():
    plain = [str(path.relative_to(ROOT)) for path in sources()
             if _is_script(path) and not path.stat().st_mode & stat.S_IXUSR]
    assert plain == []


@pytest.mark.parametrize(('path', 'source', 'says'), [
    ('db/volumes.py', 'import webob', 'imports webob, which is allowed in: api'),
    ('db/volumes.py', 'def f():\n    from webob import exc', 'imports webob'),
    ('api/app.py', 'import sqlalchemy.orm', 'imports sqlalchemy'),
    ('flows/a.py', 'import rbd', 'imports rbd'),
    ('jobs/a.py', 'import eventlet', 'allowed in: nowhere'),
    ('db/a.py', 'from blockctl import flows', 'db must not know flows'),
    ('drivers/a.py', 'from blockctl.db import tables', 'drivers must not know db'),
    ('flows/a.py', 'from blockctl.drivers.rbd import driver', 'flows must not know drivers.rbd'),
    ('scheduler/a.py', 'import blockctl.volume.service', 'scheduler must not know volume.service'),
    ('flows/a.py', 'from ..api import faults', 'flows must not know api.faults'),
    ('states.py', 'from blockctl import context', 'states must not know context'),
    ('__init__.py', 'from blockctl import db', 'must not know db'),
    ('db/utils.py', '', 'says nothing'),
    ('widgets/a.py', '', 'widgets is in no layer'),
    ('db/a.py', 'def f():\n    global x', 'global state'),
    ('db/a.py', 'from oslo_config import cfg\ncfg.CONF.host', 'ConfigOpts of its own'),
    ('db/a.py', "row.status == 'error'", "spells the status 'error'"),
    ('db/a.py', "row.status in ('error', 'x')", "spells the status 'error'"),
    ('db/a.py', "update(status='available')", "spells the status 'available'"),
    ('db/a.py', "{'status': 'available'}", "spells the status 'available'"),
])
def test_layers_finds(tmp_path, path, source, says):
    _tree(tmp_path, path, source)
    findings = [str(finding) for finding in check_layers.check(tmp_path) if path in str(finding)]
    assert len(findings) == 1
    assert says in findings[0]


@pytest.mark.parametrize(('path', 'source'), [
    ('api/a.py', 'import webob\nimport routes'),
    ('db/a.py', 'import sqlalchemy\nfrom blockctl import exceptions, states'),
    ('flows/a.py', 'from blockctl.drivers import interface\nfrom blockctl.db import jobs'),
    ('db/a.py', 'import typing\nif typing.TYPE_CHECKING:\n    from blockctl import flows'),
    ('db/a.py', "words = ['error']\nrow.status == 'up'"),
    ('cmd/a.py', 'from blockctl.api import app\nfrom blockctl.volume import service'),
])
def test_layers_allows(tmp_path, path, source):
    _tree(tmp_path, path, source)
    assert [str(finding) for finding in check_layers.check(tmp_path) if path in str(finding)] == []


def _tree(root, path, source):
    for name, text in (('states.py', (ROOT / 'blockctl' / 'states.py').read_text()), (path, source)):
        file = root / 'blockctl' / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

# SPDX-License-Identifier: Apache-2.0
"""etc/ and doc/ say what the code says. `tools/gen_samples` writes the samples anew."""

import configparser
import pathlib
import re
import subprocess
import sys

import pytest

from blockctl.conf import process

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / 'etc' / 'blockctl'
UNITS = sorted((ROOT / 'etc' / 'systemd').glob('*.service'))


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A directory with samples as the code has them now."""
    folder = tmp_path_factory.mktemp('samples')
    subprocess.run([sys.executable, '-W', 'ignore', ROOT / 'tools' / 'gen_samples', folder], check=True, timeout=60)
    return folder


def test_policy(made):
    assert (SAMPLES / 'policy.yaml.sample').read_text() == (made / 'policy.yaml.sample').read_text()


def test_options(made):
    """Only ours: the libraries' change with the libraries."""
    assert _ours(SAMPLES / 'blockctl.conf.sample') == _ours(made / 'blockctl.conf.sample')


def _ours(path):
    """Section -> what it says of blockctl's own options."""
    sections = re.split(r'^\[(\w+)\]$', path.read_text(), flags=re.MULTILINE)[1:]
    ours = {}
    for name, text in zip(sections[::2], sections[1::2], strict=True):
        whose = re.split(r'^#\n# From ([\w.]+)\n#$', text, flags=re.MULTILINE)
        ours[name] = [said for owner, said in zip(whose[1::2], whose[2::2], strict=True) if owner == 'blockctl']
    return ours


def test_states(tmp_path):
    """tools/gen_states writes the page anew."""
    page = tmp_path / 'states.rst'
    subprocess.run([sys.executable, '-W', 'ignore', ROOT / 'tools' / 'gen_states', page], check=True, timeout=60)
    assert (ROOT / 'doc' / 'source' / 'reference' / 'states.rst').read_text() == page.read_text()


def test_commands(tmp_path):
    """tools/gen_commands writes the page anew."""
    page = tmp_path / 'commands.rst'
    subprocess.run([sys.executable, '-W', 'ignore', ROOT / 'tools' / 'gen_commands', page], check=True, timeout=60)
    assert (ROOT / 'doc' / 'source' / 'reference' / 'commands.rst').read_text() == page.read_text()


@pytest.mark.parametrize('path', UNITS, ids=lambda path: path.stem)
def test_unit(path):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(path)
    service = unit['Service']
    assert service['ExecStart'].startswith(f'/usr/local/bin/{path.stem} ')
    assert service['Type'] == 'notify'
    grace = next(option.default for option in process.OPTIONS if option.name == 'graceful_shutdown_timeout')
    assert int(service['TimeoutStopSec']) > grace


def test_there_is_a_unit_for_each_service():
    assert {path.stem for path in UNITS} == {'blockctl-api', 'blockctl-scheduler', 'blockctl-volume'}

# SPDX-License-Identifier: Apache-2.0
"""The tables of tests/conformance/clients name every command there is; ``tools/clients`` looks again when it runs."""

import pathlib
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / 'tools'
sys.path.insert(0, str(TOOLS))

from client_calls import page  # noqa: E402 - found beside tools/clients only
from client_calls import surface  # noqa: E402
from client_calls import tables  # noqa: E402

PACKAGES = {'openstack': 'openstackclient', 'cinder': 'cinderclient', 'sdk': 'openstack'}


@pytest.mark.parametrize('client', tables.CLIENTS)
def test_nothing_is_forgotten(client):
    pytest.importorskip(PACKAGES[client])
    assert tables.forgotten(tables.load(client), surface.SURFACES[client]()) == ([], [])


@pytest.mark.parametrize('client', tables.CLIENTS)
def test_no_command_is_there_twice(client):
    """YAML lets the second one win without a word."""
    lines = (tables.FOLDER / f'{client}.yaml').read_text().splitlines()
    commands = [line.partition(':')[0] for line in lines if line and line[0] not in ' #']
    assert sorted(commands) == sorted(set(commands))


def test_the_page_has_every_command():
    text = page.PAGE.read_text()
    missing = [row.command for client in tables.CLIENTS for row in tables.load(client)
               if f'``{row.command}``' not in text]
    assert missing == []

# SPDX-License-Identifier: Apache-2.0
"""Fault tests: ``pytest tests/faults``; ``-m 'not slow'`` is the slice of every change; ``-n 4`` runs four at once.

``--kill-table FILE`` writes what became of the volumes at each point, as a table for doc/.
"""

import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parent)]

from harness.plugin import make_cloud, private, pytest_runtest_makereport, shared_rabbitmq  # noqa: E402, F401

import kill_table  # noqa: E402


def pytest_addoption(parser):
    parser.addoption('--kill-table', metavar='FILE', help='write the table of points and outcomes (reStructuredText)')


def pytest_configure(config):
    config.addinivalue_line('markers', 'slow: not in the slice that every change runs')
    path = config.getoption('--kill-table')
    if path and not hasattr(config, 'workerinput'):
        config.pluginmanager.register(kill_table.Writer(path))


@pytest.fixture
def told(request):
    """Gives the kill table its entry about this test: a dict of database, point, action and result."""
    def tell(entry):
        request.node.user_properties.append(('kill', entry))

    return tell

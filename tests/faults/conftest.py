# SPDX-License-Identifier: Apache-2.0
"""Fault tests: ``pytest tests/faults``; ``-m 'not slow'`` is the slice of every change; ``-n 3`` runs three at once.

``--kill-table FILE`` writes what became of the volumes at each point, as a table for doc/.
"""

import pytest

from tests.faults import kill_table
from tests.harness.plugin import make_cloud, private, pytest_runtest_makereport, shared_rabbitmq  # noqa: F401


def pytest_addoption(parser):
    parser.addoption('--kill-table', metavar='FILE', help='write the table of points and outcomes (reStructuredText)')


def pytest_configure(config):
    path = config.getoption('--kill-table', default=None)
    if path and not hasattr(config, 'workerinput'):
        config.pluginmanager.register(kill_table.Writer(path))


@pytest.fixture
def told(request):
    """Gives the kill table its entry about this test: a dict of database, point, action and result."""
    def tell(entry):
        request.node.user_properties.append(('kill', entry))

    return tell

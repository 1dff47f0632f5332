# SPDX-License-Identifier: Apache-2.0
"""The database is killed, or stands still, while volumes are made: refused in time, and nothing is lost."""

import time

import pytest

from tests.harness import backends
from tests.harness import invariants
from tests.harness import load
from tests.harness import polling
from tests.harness import servers

# Seconds within which a request is answered while the database is unreachable, and while it hangs (issue 2), and what
# a machine with other things to do adds to that.
UNREACHABLE, HUNG, SLACK = 5, 20, 3


@pytest.fixture(params=['mariadb', pytest.param('postgresql', marks=pytest.mark.slow)])
def kind(request):
    return request.param


@pytest.fixture
def server(kind, private):
    return private(kind)


@pytest.fixture
def cloud(kind, server, make_cloud):
    made = make_cloud(lambda directory: servers.Database(server.url(kind), directory), servers.RefusedBus,
                      {'one': backends.Files})
    made.start_one_of_each()
    return made


def test_killed(kind, server, cloud):
    with load.Creates(cloud) as creates:
        creates.reach(accepted=10)
        server.kill(kind)
        creates.reach(refused=8)
        server.up()
        creates.reach(accepted=len(creates.accepted) + 20)
    _was_refused_within(creates, UNREACHABLE)
    _nothing_is_lost(cloud, creates)


@pytest.mark.parametrize('seconds', [10, pytest.param(25, marks=pytest.mark.slow)])
def test_paused(kind, server, cloud, seconds):
    with load.Creates(cloud) as creates:
        creates.reach(accepted=10)
        server.pause(kind)
        end = time.monotonic() + seconds
        polling.until(lambda: time.monotonic() > end, seconds + 1, 'end of the pause')
        server.resume(kind)
        creates.reach(accepted=len(creates.accepted) + 20)
    _was_refused_within(creates, HUNG)
    if seconds > HUNG:
        assert creates.refused
    _nothing_is_lost(cloud, creates)


def _was_refused_within(creates, seconds):
    for refused in creates.refused:
        assert refused.code == 503, refused
        assert int(refused.headers['Retry-After']) > 0
        assert refused.seconds < seconds + SLACK


def _nothing_is_lost(cloud, creates):
    """Whatever was answered 202 becomes available; what was refused is there and available, or was never stored."""
    assert not creates.broken
    cloud.until_all(creates.accepted, 'available')
    cloud.until_all(cloud.volumes(), 'available')
    invariants.check(cloud)
    assert all(process.status is None for process in cloud.processes)
    assert not cloud.complaints()
    cloud.stop()

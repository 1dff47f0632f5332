# SPDX-License-Identifier: Apache-2.0
"""The message bus is refused, silent, or killed: requests are answered at once, and sweeps find every job."""

import time

import pytest

from tests.harness import backends
from tests.harness import invariants
from tests.harness import load
from tests.harness import plugin
from tests.harness import polling
from tests.harness import servers

AT_ONCE = 3  # seconds, on a machine with other things to do; an unanswered bus would take 30 and more


@pytest.mark.parametrize('bus', [servers.RefusedBus, servers.SilentBus])
def test_bus_that_does_not_serve(bus, make_cloud):
    cloud = make_cloud(plugin.database('mariadb'), bus, {'one': backends.Files})
    cloud.start_one_of_each()
    with load.Creates(cloud, most=10) as creates:
        creates.join(60)
    assert not creates.refused
    assert max(creates.accepted.values()) < AT_ONCE
    cloud.until_all(creates.accepted, 'available')
    client = cloud.client()
    for volume_id in creates.accepted:
        client.delete(volume_id)
    polling.until(lambda: not cloud.volumes(), 40, 'end of the volumes')
    invariants.check(cloud)
    cloud.stop()


@pytest.mark.parametrize('outage', [5, pytest.param(20, marks=pytest.mark.slow)])
def test_rabbitmq_killed_in_the_middle_of_creates(outage, make_cloud, private):
    rabbitmq = private('rabbitmq')
    cloud = make_cloud(plugin.database('mariadb'), rabbitmq.bus, {'one': backends.Files})
    cloud.start_one_of_each()
    with load.Creates(cloud, most=40) as creates:
        creates.reach(accepted=20)
        rabbitmq.kill('rabbitmq')
        back_at = time.monotonic() + outage
        creates.join(60)
    assert not creates.refused
    assert len(creates.accepted) == 40
    assert max(creates.accepted.values()) < AT_ONCE
    cloud.until_all(creates.accepted, 'available')
    polling.until(lambda: time.monotonic() > back_at, outage + 1, 'end of the outage')
    rabbitmq.up()
    _heard_again(cloud)
    invariants.check(cloud)
    assert not cloud.complaints()
    cloud.stop()


def _heard_again(cloud):
    """The API finds the bus again by itself, and so do the listeners: no process has to be started anew."""
    [api] = cloud.living('api')
    client = cloud.client()

    def rings():
        cloud.until(client.create()['id'], 'available')
        return api.says('The message bus can be reached again')

    polling.until(rings, 150, 'message over the bus that is back')

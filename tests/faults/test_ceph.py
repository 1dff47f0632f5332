# SPDX-License-Identifier: Apache-2.0
"""The Ceph cluster serves nobody for a while, with creates under way."""

import time

import pytest

from tests.harness import backends
from tests.harness import invariants
from tests.harness import load
from tests.harness import plugin
from tests.harness import polling


@pytest.mark.parametrize('seconds', [15, pytest.param(60, marks=pytest.mark.slow)])
def test_paused_cluster(seconds, make_cloud, private, request):
    ceph = private('ceph')
    cloud = make_cloud(plugin.database('mariadb'), plugin.bus_for('mariadb', request),
                       {'one': lambda name, directory: backends.Rbd(name, ceph.url('ceph'))})
    cloud.start_one_of_each()
    backend = cloud.backends['one']
    with load.Creates(cloud, most=40) as creates:
        creates.reach(accepted=10)
        backend.ceph('osd', 'pause')
        try:
            end = time.monotonic() + seconds
            creates.join(60)
            polling.until(lambda: time.monotonic() > end, seconds + 1, 'end of the pause')
        finally:
            backend.ceph('osd', 'unpause')
    assert len(creates.accepted) == 40
    assert not creates.refused
    cloud.until_all(creates.accepted, 'available', seconds=90)
    invariants.check(cloud)
    assert not cloud.complaints()
    cloud.stop()

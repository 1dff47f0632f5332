# SPDX-License-Identifier: Apache-2.0
"""Services of this machine with their storage, and a host, in the guest of tools/storage_vm."""

import contextlib

import pytest

from tests.harness import cloud as clouds
from tests.harness import plugin
from tests.harness.plugin import pytest_runtest_makereport  # noqa: F401
from tests.lvm import machines

#: A command in the guest takes seconds; nothing here is about how long things take.
SLOW = {'DEFAULT': {'report_interval': 2, 'quota_volumes': -1, 'quota_gigabytes': -1, 'rpc_response_timeout': 200},
        'jobs': {'lease': 200, 'sweep_interval': 1, 'step_timeout': 300}}


@pytest.fixture(scope='session')
def guest():
    return machines.Guest()


@pytest.fixture(scope='session')
def host(guest):
    made = machines.Host(guest)
    yield made
    made.end()


@pytest.fixture(scope='session')
def make_cloud(guest):
    """with make_cloud(**options of the backend ``disks``) as cloud: all services in one process."""
    @contextlib.contextmanager
    def make(**options):
        cloud = clouds.Cloud(plugin.database('sqlite'), lambda: plugin.SharedBus('embedded://'),
                             {'disks': machines.Group(guest, **options)}, SLOW, quick=False)
        try:
            cloud.ready(cloud.start('standalone', wait=False), 200)
            yield cloud
        finally:
            cloud.close()

    return make

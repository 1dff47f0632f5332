# SPDX-License-Identifier: Apache-2.0
"""Functional tests: the services as they are installed, asked by REST, by openstacksdk and by the openstack command.

``installation`` is one after another: everything in one process; separate processes over RabbitMQ and MariaDB; the same
over RabbitMQ and PostgreSQL.  The separate ones work on Ceph where there is one, else on files.
"""

import openstack.connection
import pytest

from tests.harness import backends
from tests.harness import cloud as clouds
from tests.harness import plugin
from tests.harness import servers
from tests.harness.plugin import make_cloud, private, pytest_runtest_makereport, shared_rabbitmq  # noqa: F401

#: Of encrypted volumes: the one key there is.
FIXED_KEY = '17' * 32

#: The default quota of a project stands, but for sizes: tests ask for more than any pool has. Keys are the fixed one.
LIMITS = {'DEFAULT': {'quota_volumes': 10, 'quota_gigabytes': -1, 'per_volume_size_limit': -1},
          'key_manager': {'backend': 'cinder.keymgr.conf_key_mgr.ConfKeyManager', 'fixed_key': FIXED_KEY}}


@pytest.fixture(scope='session', params=['embedded', 'mariadb', 'postgresql'])
def installation(request):
    """A Cloud in which nobody is killed; each test has a project of its own."""
    made = embedded() if request.param == 'embedded' else separate(request.param)
    yield made
    made.close()


def embedded():
    made = clouds.Cloud(plugin.database('sqlite'), lambda: plugin.SharedBus('embedded://'), {'files': backends.Files},
                        LIMITS)
    made.start('standalone')
    return made


def separate(kind):
    """Two of each process, two backends in each volume service."""
    maker = plugin.rbd() if servers.given('ceph') else backends.Files
    made = clouds.Cloud(plugin.database(kind), plugin.rabbitmq(), {'one': maker, 'two': maker}, LIMITS)
    made.start_all(*({'kind': kind} for kind in ('api', 'scheduler', 'volume') for _ in range(2)))
    return made


@pytest.fixture
def cloud(installation, request):
    """The installation, for a test that leaves it as it was."""
    request.node.clouds = [installation]
    return installation


@pytest.fixture
def project(request):
    """A project's id that no other test has."""
    return f'{abs(hash(request.node.nodeid)):032x}'[:32]


@pytest.fixture
def client(cloud, project):
    made = cloud.client(project=project)
    yield made
    for volume in made.volumes():
        made.delete(volume['id'])
    for volume in made.volumes():
        made.until(volume['id'], None)


@pytest.fixture
def sdk(client):
    """The block storage part of openstacksdk, unmodified, for the client's project."""
    connection = openstack.connection.Connection(
        auth_type='none', auth={'endpoint': f'{client.url}/v3/{client.project}'}, block_storage_api_version='3',
        block_storage_default_microversion='3.71')
    yield connection.block_storage
    connection.close()


@pytest.fixture
def database():
    """The database of tests that need any: MariaDB, PostgreSQL, or SQLite, whichever there is."""
    return plugin.database(next((kind for kind in ('mariadb', 'postgresql') if servers.given(kind)), 'sqlite'))


@pytest.fixture
def bus(request):
    """RabbitMQ, or nothing but sweeps where there is none."""
    return plugin.bus_for('mariadb', request)

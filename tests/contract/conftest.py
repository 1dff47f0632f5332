# SPDX-License-Identifier: Apache-2.0
"""``stand``: each driver in turn on its backend, or those only that a mark of the test asks for."""

import json
import os

import pytest

from blockctl.drivers import interface

from . import other_process
from . import stands


def pytest_configure(config):
    config.addinivalue_line('markers', 'ability(name): runs on the drivers with this ability of the interface')
    config.addinivalue_line('markers', 'drivers(*names): runs on these drivers only')


def pytest_generate_tests(metafunc):
    if 'stand' in metafunc.fixturenames:
        abilities = [getattr(interface, mark.args[0]) for mark in metafunc.definition.iter_markers('ability')]
        chosen = [set(mark.args) for mark in metafunc.definition.iter_markers('drivers')]
        names = [name for name in stands.NAMES
                 if all(issubclass(stands.DRIVERS[name], ability) for ability in abilities)
                 and all(name in names for names in chosen)]
        # In its guest a test takes half a minute: what every change runs on LVM is in tests/lvm.
        metafunc.parametrize('stand', [pytest.param(name, marks=pytest.mark.slow) if name.startswith('lvm') else name
                                       for name in names], indirect=True)


@pytest.fixture
def stand(request, tmp_path):
    if request.param == 'file':
        made = stands.FileStand(tmp_path / 'images')
    elif request.param == 'fake':
        made = stands.FakeStand()
    elif request.param.startswith('lvm'):
        made = request.getfixturevalue('lvm_stand')(request.param)
    elif request.param.startswith('nfs'):
        made = stands.NFSStand(request.param, tmp_path / 'mnt')
    else:
        made = stands.RBDStand(*request.getfixturevalue('cluster'))
    yield made
    made.stop()


@pytest.fixture
def other(stand):
    """Another process with the driver on the same backend."""
    process = other_process.Other(stand)
    yield process
    process.end()


@pytest.fixture(scope='session')
def lvm_stand(tmp_path_factory):
    """See stands.lvm_stands."""
    with stands.lvm_stands(tmp_path_factory.mktemp('lvm')) as give:
        yield give


@pytest.fixture(scope='session')
def cluster():
    """(the tests' own librados client, a pool made for them)"""
    import rados
    import rbd
    cluster = rados.Rados(conffile=stands.CEPH_CONF, conf={
        'rados_osd_op_timeout': '20', 'rados_mon_op_timeout': '20', 'client_mount_timeout': '20'})
    cluster.connect()
    # A memstore passes for a slow disk, and then two removed snapshots' objects in 5 s are all that is cleared away.
    cluster.mon_command(json.dumps({'prefix': 'config set', 'who': 'osd', 'name': 'osd_snap_trim_sleep_hdd',
                                    'value': '0'}), b'')
    pool = f'contract-{os.getpid()}'
    cluster.create_pool(pool)
    with cluster.open_ioctx(pool) as ioctx:
        rbd.RBD().pool_init(ioctx, True)
    yield cluster, pool
    cluster.delete_pool(pool)
    cluster.shutdown()

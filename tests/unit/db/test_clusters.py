# SPDX-License-Identifier: Apache-2.0
"""Clusters, and the backends that services serve together, on each kind of database."""

import uuid

import pytest
import sqlalchemy as sa
import stand_in

from blockctl import exceptions
from blockctl.db import backends
from blockctl.db import clusters
from blockctl.db import jobs
from blockctl.db import pools
from blockctl.db import services
from blockctl.db import tables
from blockctl.db.columns import utcnow

VOLUME = 'cinder-volume'
PAIR = 'pair@deep'
POOL = f'{PAIR}#ocean'


@pytest.fixture
def ctx(any_app):
    return stand_in.make_context(any_app)


def process(name, machine='m'):
    return {'incarnation': name, 'machine': machine, 'boot': 'b', 'pid': 1, 'started': 1, 'version': '1'}


@pytest.fixture
def pair(ctx):
    """left@deep and right@deep, served by the processes 'left' and 'right', and alone@deep by itself."""
    with ctx.writing():
        services.register(ctx, VOLUME, 'left@deep', 'nova', process('left'), PAIR)
        services.register(ctx, VOLUME, 'right@deep', 'nova', process('right', 'other'), PAIR)
        services.register(ctx, VOLUME, 'alone@deep', 'nova', process('alone'))
        pools.report(ctx, PAIR, POOL, 1, 0, 100, 0, {})


def claims(ctx):
    """Whether a pool of the cluster takes new work, as the statement that decides it says."""
    with ctx.writing():
        taken = pools.claim(ctx, POOL, 1)
        if taken:
            pools.release(ctx, POOL, 1)
    with ctx.reading():
        assert services.taking(ctx, 60).get(PAIR) in (taken, False)
    return taken


def volume(ctx, **values):
    volume_id = str(uuid.uuid4())
    with ctx.writing() as conn:
        conn.execute(sa.insert(tables.volumes).values(**{
            'id': volume_id, 'project_id': 'p1', 'size': 1, 'status': 'available', 'created_at': utcnow(),
            'host': POOL, 'cluster_name': POOL, **values}))
    return volume_id


def stop(ctx, *names):
    with ctx.writing():
        for name in names:
            services.leave(ctx, name)


def test_a_service_makes_its_cluster(ctx, pair):
    with ctx.reading():
        row, = clusters.everything(ctx)
        assert (row.binary, row.name, row.disabled, row.frozen) == (VOLUME, PAIR, False, False)
        assert clusters.get(ctx, VOLUME, PAIR) == row
        assert {row.host: (row.cluster_name, row.backend) for row in services.everything(ctx)} == {
            'alone@deep': (None, 'alone@deep'), 'left@deep': (PAIR, PAIR), 'right@deep': (PAIR, PAIR)}


def test_its_services_serve_one_backend(ctx, pair):
    with ctx.reading():
        assert services.alive(ctx, VOLUME, 60) == {PAIR, 'alone@deep'}
        assert [row.incarnation for row in services.others_elsewhere(ctx, VOLUME, PAIR, 'm', 60)] == ['right']
    stop(ctx, 'left')
    with ctx.reading():
        assert PAIR in services.alive(ctx, VOLUME, 60)


def test_a_service_that_leaves_its_cluster_serves_its_own(ctx, pair):
    with ctx.writing():
        services.register(ctx, VOLUME, 'left@deep', 'nova', process('left2'))
    with ctx.reading():
        assert services.alive(ctx, VOLUME, 60) == {PAIR, 'left@deep', 'alone@deep'}


def test_a_disabled_cluster_takes_nothing_new(ctx, pair):
    assert claims(ctx)
    with ctx.writing():
        clusters.set_disabled(ctx, VOLUME, PAIR, True, 'why not')
    assert not claims(ctx)
    with ctx.reading():
        assert services.taking(ctx, 60) == {PAIR: False, 'alone@deep': True}
        assert clusters.get(ctx, VOLUME, PAIR).disabled_reason == 'why not'
    with ctx.writing():
        clusters.set_disabled(ctx, VOLUME, PAIR, False)
    assert claims(ctx)


def test_one_enabled_service_is_enough(ctx, pair):
    with ctx.writing():
        services.set_disabled(ctx, VOLUME, 'left@deep', True)
    assert claims(ctx)
    with ctx.writing():
        services.set_disabled(ctx, VOLUME, 'right@deep', True)
    assert not claims(ctx)


def test_what_there_is_grows_nevertheless(ctx, pair):
    with ctx.writing():
        clusters.set_disabled(ctx, VOLUME, PAIR, True)
        assert pools.claim(ctx, POOL, 1, disabled_too=True)


def test_frozen_as_a_whole(ctx, pair):
    with ctx.writing():
        assert backends.freeze(ctx, PAIR, True, 'frozen')
        assert not backends.freeze(ctx, PAIR, True, 'frozen')
        assert backends.is_frozen(ctx, PAIR)
        assert not backends.is_frozen(ctx, 'alone@deep')
    assert not claims(ctx)
    with ctx.writing():
        services.register(ctx, VOLUME, 'third@deep', 'nova', process('third'), PAIR)
    assert not claims(ctx)  # one that comes later does not open it
    with ctx.writing():
        clusters.set_disabled(ctx, VOLUME, PAIR, False)
        for host in ('left@deep', 'right@deep', 'third@deep'):
            services.set_disabled(ctx, VOLUME, host, False)
    assert not claims(ctx)  # nor does enabling it
    with ctx.writing():
        assert backends.freeze(ctx, PAIR, False)
        assert not backends.is_frozen(ctx, PAIR)
    assert claims(ctx)


def test_contents(ctx, pair):
    first = volume(ctx)
    volume(ctx, size=3)
    volume(ctx, host=f'{PAIR}er#ocean')
    volume(ctx, project_id='p2')
    with ctx.writing() as conn:
        conn.execute(sa.insert(tables.snapshots).values(
            id=str(uuid.uuid4()), project_id='p1', volume_id=first, volume_size=2, status='available',
            created_at=utcnow()))
    with ctx.reading():
        assert backends.contents(ctx, PAIR) == {'p1': backends.Content(2, 4, 1, 2), 'p2': backends.Content(1, 1)}


def test_no_such_cluster(ctx, pair):
    for what in (lambda: clusters.get(ctx, VOLUME, 'nothing'),
                 lambda: clusters.set_disabled(ctx, 'cinder-backup', PAIR, True),
                 lambda: clusters.remove(ctx, VOLUME, 'nothing', 60),
                 lambda: clusters.rename(ctx, 'nothing', 'new', 60)):
        with pytest.raises(exceptions.NoSuchCluster), ctx.writing():
            what()


def test_remove(ctx, pair):
    with pytest.raises(exceptions.ClusterInUse, match='2 services'), ctx.writing():
        clusters.remove(ctx, VOLUME, PAIR, 60)
    with pytest.raises(exceptions.ClusterInUse, match='process'), ctx.writing():
        clusters.remove(ctx, VOLUME, PAIR, 60, with_services=True)
    stop(ctx, 'left', 'right')
    with ctx.writing():
        clusters.remove(ctx, VOLUME, PAIR, 60, with_services=True)
    with ctx.reading():
        assert clusters.everything(ctx) == []
        assert [row.host for row in services.everything(ctx)] == ['alone@deep']
        assert pools.everything(ctx) == []


def test_rename(ctx, pair):
    volume_id, other = volume(ctx), volume(ctx, host='alone@deep#ocean', cluster_name=None)
    with ctx.writing():
        assert pools.claim(ctx, POOL, 1)
    with pytest.raises(exceptions.ClusterInUse, match='process'), ctx.writing():
        clusters.rename(ctx, 'pair', 'couple', 60)
    stop(ctx, 'left', 'right')
    with ctx.writing():
        job_id = jobs.post(ctx, 'volume.delete', volume_id, PAIR, {})
    with pytest.raises(exceptions.ClusterInUse, match=job_id), ctx.writing():
        clusters.rename(ctx, 'pair', 'couple', 60)
    with ctx.writing():
        jobs.supersede(ctx, volume_id)
    with ctx.writing():
        assert clusters.rename(ctx, 'pair', 'couple', 60) == {
            'clusters': 1, 'services': 2, 'pools': 1, 'volumes': 1, 'volume_moves': 0, 'groups': 0}
    with ctx.reading() as conn:
        places = {row.id: (row.host, row.cluster_name) for row in conn.execute(sa.select(tables.volumes))}
        assert places == {volume_id: ('couple@deep#ocean', 'couple@deep#ocean'), other: ('alone@deep#ocean', None)}
        assert [row.backend for row in pools.everything(ctx)] == ['couple@deep']
        assert {row.backend for row in services.everything(ctx)} == {'couple@deep', 'alone@deep'}
        assert pools.drift(ctx) == []


def test_rename_to_what_is_there(ctx, pair):
    stop(ctx, 'left', 'right')
    with ctx.writing():
        clusters.register(ctx, VOLUME, 'couple@deep')
    with pytest.raises(exceptions.ClusterInUse, match='couple@deep'), ctx.writing():
        clusters.rename(ctx, 'pair', 'couple', 60)

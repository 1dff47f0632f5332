# SPDX-License-Identifier: Apache-2.0
"""What a scheduler knows of the pools of its database, and when."""

import uuid

import pytest
import sqlalchemy as sa

from blockctl import conf as configuration
from blockctl.db import pools as db_pools
from blockctl.db import tables
from blockctl.db import volumes
from blockctl.db.columns import utcnow
from blockctl.drivers import interface
from blockctl.scheduler import pick
from blockctl.scheduler import pools
from blockctl.volume import reports

VOLUME = '11111111-2222-3333-4444-55555555555'


@pytest.fixture
def stage(ctx):
    """Two backends that are up, a and b, with a pool of 100 GiB each, and a scheduler's view of them."""
    for name in 'ab':
        serve(ctx, f'h@{name}')
        report(ctx, f'h@{name}')
    return pools.Pools()


def serve(ctx, backend, disabled=False):
    with ctx.writing() as conn:
        service_id = str(uuid.uuid4())
        conn.execute(sa.insert(tables.services).values(
            id=service_id, binary='cinder-volume', host=backend, availability_zone='nova', disabled=disabled,
            frozen=False, created_at=utcnow()))
        conn.execute(sa.insert(tables.processes).values(
            incarnation=str(uuid.uuid4()), service_id=service_id, machine='m', boot='b', pid=1, started=1, version='1',
            beat_at=utcnow(), created_at=utcnow()))


def report(ctx, backend, sequence=1, bound=100, **document):
    with ctx.writing():
        assert db_pools.report(ctx, backend, f'{backend}#p', sequence, 0, bound, 0,
                               {'availability_zone': 'nova', **document})


def claim(ctx, backend, size):
    with ctx.writing():
        assert db_pools.claim(ctx, f'{backend}#p', size)


def rooms(fleet, ctx, **options):
    return {pool.name: pool.room for pool in fleet.look(ctx, **options).usable}


def test_what_changes_is_seen(ctx, stage):
    assert rooms(stage, ctx) == {'h@a#p': 100, 'h@b#p': 100}
    before = {pool.name: pool for pool in stage.look(ctx).usable}
    claim(ctx, 'h@a', 30)
    assert rooms(stage, ctx, anew=True) == {'h@a#p': 70, 'h@b#p': 100}
    after = {pool.name: pool for pool in stage.look(ctx).usable}
    assert after['h@b#p'] is before['h@b#p']  # nothing of it was made anew
    assert after['h@a#p'].report is before['h@a#p'].report
    report(ctx, 'h@b', sequence=2, bound=50, disk='ssd')
    assert rooms(stage, ctx, anew=True) == {'h@a#p': 70, 'h@b#p': 50}
    assert stage.look(ctx).usable[1].report['disk'] == 'ssd'


def test_what_is_known_serves_for_a_moment(ctx, stage, monkeypatch):
    monkeypatch.setattr(pools, 'FRESH', 60)
    assert stage.look(ctx).fresh
    claim(ctx, 'h@a', 30)
    assert not stage.look(ctx).fresh
    assert rooms(stage, ctx) == {'h@a#p': 100, 'h@b#p': 100}


def test_nothing_fits_is_never_said_of_what_was(ctx, stage, monkeypatch):
    monkeypatch.setattr(pools, 'FRESH', 60)
    claim(ctx, 'h@a', 100)
    claim(ctx, 'h@b', 100)
    picker = pick.Picker(ctx.conf, stage)
    assert not picker.pick(ctx, {'size': 1})
    with ctx.writing():
        db_pools.release(ctx, 'h@b#p', 5)
    assert [pool.name for pool in picker.pick(ctx, {'size': 5})] == ['h@b#p']


def test_services_come_and_go(ctx, stage):
    with ctx.writing() as conn:
        conn.execute(sa.update(tables.services).where(tables.services.c.host == 'h@a').values(disabled=True))
    report(ctx, 'h@down')
    look = stage.look(ctx)
    assert [[pool.name for pool in pools] for pools in look[:3]] == [['h@b#p'], ['h@down#p'], ['h@a#p']]
    with ctx.writing() as conn:
        conn.execute(sa.update(tables.services).where(tables.services.c.host == 'h@a').values(disabled=False))
    assert [pool.name for pool in stage.look(ctx, anew=True).usable] == ['h@a#p', 'h@b#p']


def insert(ctx, number, host, project_id='p1'):
    with ctx.writing():
        volumes.insert(ctx, {}, id=f'{VOLUME}{number}', project_id=project_id, size=1, status='available', host=host)
        db_pools.count_in(ctx, host, 1)


def test_volumes_are_counted_where_that_is_asked_for(ctx, stage):
    for number in range(3):
        insert(ctx, number, 'h@a#p')
    assert [pool.volumes for pool in stage.look(ctx).usable] == [None, None]
    assert [pool.volumes for pool in stage.look(ctx, counting=True).usable] == [3, 0]
    insert(ctx, 3, 'h@b#p')
    assert [pool.volumes for pool in stage.look(ctx, anew=True, counting=True).usable] == [3, 1]
    ctx.conf.set_override('scheduler_driver', 'simple')
    picker = pick.Picker(ctx.conf, pools.Pools())
    assert [pool.name for pool in picker.pick(ctx, {'size': 1})] == ['h@b#p', 'h@a#p']


@pytest.mark.parametrize(('hints', 'expected'), [
    ({}, 'ab'), ({'different_host': VOLUME + '0'}, 'b'), ({'different_host': [VOLUME + '0', VOLUME + '1']}, ''),
    ({'same_host': VOLUME + '0'}, 'a'), ({'same_host': [VOLUME + '0', VOLUME + '1']}, 'ab'),
    ({'same_host': VOLUME + '9'}, ''), ({'different_host': VOLUME + '9'}, 'ab'),
    ({'same_host': VOLUME + '2'}, ''), ({'different_host': VOLUME + '2'}, 'ab'),  # another project's
    ({'same_host': VOLUME + '3'}, ''),  # it is nowhere yet
    ({'different_host': {'a': 1}}, 'ab'), ({'same_host': 'b' * 100}, ''), ({'same_host': [5, None]}, ''),
    ({'same_host': [VOLUME + '0', VOLUME + '1'], 'different_host': VOLUME + '0'}, 'b')])
def test_with_and_without_other_volumes(ctx, stage, hints, expected):
    insert(ctx, 0, 'h@a#p')
    insert(ctx, 1, 'h@b#p')
    insert(ctx, 2, 'h@a#p', project_id='p2')
    insert(ctx, 3, None)
    ctx.conf.set_override('scheduler_default_filters', ['DifferentBackendFilter', 'SameBackendFilter'])
    choice = pick.Picker(ctx.conf, stage).pick(ctx, {'size': 1, 'scheduler_hints': hints, 'project_id': 'p1'})
    assert sorted(pool.name for pool in choice) == [f'h@{name}#p' for name in expected]


def test_qos_of_the_type_is_known_to_functions(ctx, stage):
    report(ctx, 'h@a', sequence=2, filter_function='qos.maxIOPS < 500 and qos.consumer == "back-end"')
    report(ctx, 'h@b', sequence=2, filter_function='qos.maxIOPS > 500')
    with ctx.writing() as conn:
        conn.execute(sa.insert(tables.qos_specs).values(
            id='q1', name='q', consumer='back-end', created_at=utcnow()))
        conn.execute(sa.insert(tables.qos_spec_values).values(qos_specs_id='q1', key='maxIOPS', value='300'))
        conn.execute(sa.insert(tables.volume_types).values(
            id='t1', name='t', is_public=True, qos_specs_id='q1', created_at=utcnow()))
    ctx.conf.set_override('scheduler_default_filters', ['DriverFilter'])
    spec = {'size': 1, 'volume_type': {'id': 't1', 'name': 't'}, 'project_id': 'p1'}
    assert [pool.name for pool in pick.Picker(ctx.conf, stage).pick(ctx, spec)] == ['h@a#p']


def test_a_claim_may_have_a_limit_of_its_own(ctx, stage):
    claim(ctx, 'h@a', 40)
    with ctx.writing():
        assert not db_pools.claim(ctx, 'h@a#p', 11, limit=50)
        assert db_pools.claim(ctx, 'h@a#p', 10, limit=50)
        assert db_pools.claim(ctx, 'h@a#p', 50)


# --- what backends report
class Driver:
    """Stands in for a driver: what it sees when it looks."""

    def __init__(self, *found, **capabilities):
        self._stats = interface.BackendStats('v', '1', 'fake', found, capabilities)

    def stats(self):
        return self._stats


def stored(ctx, driver, **options):
    """(row, Pool) of the first pool after a report."""
    section = configuration.backend_group(ctx.conf, 'one', ())
    ctx.conf.set_override('backend_host', 'h', 'one')
    for name, value in options.items():
        ctx.conf.set_override(name, value, 'one')
    reports.store(ctx, section, None, driver)
    with ctx.reading():
        row = db_pools.everything(ctx)[0]
    return row, pools.made(row.name, row.report, row.claimed, row.foreign, bound=row.bound,
                           claimed_at_report=row.claimed_at_report)


@pytest.mark.parametrize(('found', 'options', 'bound', 'ratio'), [
    (interface.PoolStats('p', 100, 100), {}, 2000, 20.0),
    (interface.PoolStats('p', 100, 100, thin=False, thick=True), {}, 100, 20.0),
    (interface.PoolStats('p', 100, 40), {'max_over_subscription_ratio': '2'}, 80, 2.0),
    (interface.PoolStats('p', 100, 40, foreign=10), {'max_over_subscription_ratio': '2'}, 90, 2.0),
    (interface.PoolStats('p', 100, 40), {'max_over_subscription_ratio': '2', 'reserved_percentage': 10}, 60, 2.0),
    (interface.PoolStats('p', 100, 60), {'max_over_subscription_ratio': 'auto'}, 1200, 20.0),
    # 81 GiB provisioned, 40 (and one) used of them: 1 + 81 / 41
    (interface.PoolStats('p', 100, 60, foreign=81), {'max_over_subscription_ratio': 'auto'}, 259, 2.98),
    (interface.PoolStats('p', None, None), {'max_over_subscription_ratio': 'auto'}, None, 20.0),
    (interface.PoolStats('p', float('inf'), float('inf')), {}, None, 20.0)])
def test_what_a_pool_may_be_promised(ctx, found, options, bound, ratio):
    row, _pool = stored(ctx, Driver(found), **options)
    assert (row.bound, row.report['max_over_subscription_ratio']) == (bound, ratio)


def test_words_for_what_is_no_number(ctx):
    row, _ = stored(ctx, Driver(interface.PoolStats('p', float('inf'), None)))
    assert (row.report['total_capacity_gb'], row.report['free_capacity_gb']) == ('infinite', 'unknown')


def test_rows_that_name_a_pool_before_its_first_report_have_their_room(ctx):
    insert(ctx, 0, 'h@one#p')
    row, pool = stored(ctx, Driver(interface.PoolStats('p', 100, 10, thin=False)))
    assert (row.claimed, row.bound, pool.room) == (1, 11, 10)


def test_the_operators_functions_go_before_the_drivers(ctx):
    driver = Driver(interface.PoolStats('p', 100, 100), filter_function='1', goodness_function='50')
    row, _ = stored(ctx, driver, filter_function='volume.size < 5')
    assert (row.report['filter_function'], row.report['goodness_function']) == ('volume.size < 5', '50')


def test_further_capabilities_are_a_json_object(ctx):
    row, _ = stored(ctx, Driver(interface.PoolStats('p', 100, 100)), extra_capabilities='{"tier": 1, "of": {"a": "b"}}')
    assert (row.report['tier'], row.report['of']) == (1, {'a': 'b'})
    for wrong in ('[]', '{', '5'):
        with pytest.raises(ValueError, match='JSON|Expecting'):
            ctx.conf.set_override('extra_capabilities', wrong, 'one')

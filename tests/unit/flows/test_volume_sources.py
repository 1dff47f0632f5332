# SPDX-License-Identifier: Apache-2.0
"""Volumes made of volumes and snapshots, on a backend of files: data, place, the hold, and what goes wrong."""

import types
import uuid

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl import exceptions
from blockctl.db import jobs
from blockctl.db import tables
from blockctl.db.columns import utcnow
from blockctl.db.transition import transition
from blockctl.flows import driver_values
from blockctl.flows import volume_create
from blockctl.flows import volume_delete
from blockctl.states import VOLUME

DATA = b'what was written before'


@pytest.fixture
def bench(app, tmp_path):
    return workbench.Bench(app, tmp_path)


@pytest.fixture
def source(bench):
    """The id of a volume with data."""
    volume_id = bench.create(1)
    bench.write(volume_id, DATA, 4096)
    return volume_id


def snapshot_of(bench, volume_id):
    """A snapshot as it would be after some work."""
    snapshot_id = str(uuid.uuid4())
    row = bench.row(volume_id)
    with bench.ctx.writing() as conn:
        conn.execute(sa.insert(tables.snapshots).values(
            id=snapshot_id, project_id=row.project_id, volume_id=volume_id, volume_size=row.size, status='available',
            use_quota=False, volume_type_id=row.volume_type_id, created_at=utcnow()))
        taken = conn.execute(sa.select(tables.snapshots)).one()
    effect = types.SimpleNamespace(epoch=1, identity='', check=lambda: None, progress=lambda done: None)
    bench.driver.create_snapshot(driver_values.snapshot(bench.ctx, taken, row), effect)
    return volume_create.Source('snapshot', snapshot_id, row.size, row)


def held(bench, volume_id):
    try:
        with bench.ctx.writing():
            transition(bench.ctx, VOLUME, volume_id, 'readonly')
    except exceptions.InvalidState:
        return True
    return False


@pytest.mark.parametrize('size', [1, 3])
def test_of_a_volume(bench, source, size):
    clone = bench.ask(size, bench.source_of(source))
    assert held(bench, source)
    bench.schedule()
    assert held(bench, source)
    bench.work()
    row = bench.row(clone)
    assert (row.status, row.source_volid, row.snapshot_id, row.host) == ('available', source, None, workbench.POOL)
    assert bench.read(clone, len(DATA), 4096) == DATA
    assert bench.images()[f'volume-{clone}'] == size
    assert not held(bench, source)
    bench.all_is_well()


def test_of_a_snapshot(bench, source):
    snapshot = snapshot_of(bench, source)
    bench.write(source, b'something else entirely', 4096)
    made = bench.create(2, snapshot)
    row = bench.row(made)
    assert (row.snapshot_id, row.source_volid) == (snapshot.id, None)
    assert bench.read(made, len(DATA), 4096) == DATA
    bench.all_is_well()


def test_image_metadata_and_bootable_come_along(bench, source):
    with bench.ctx.writing() as conn:
        conn.execute(sa.insert(tables.volume_image_metadata).values(volume_id=source, key='os', value='linux'))
        conn.execute(sa.update(tables.volumes).values(bootable=True))
    clone = bench.ask(1, bench.source_of(source))
    assert bench.row(clone).bootable is True
    assert bench.count(tables.volume_image_metadata, tables.volume_image_metadata.c.volume_id == clone) == 1


@pytest.mark.parametrize('status', ['creating', 'error', 'extending', 'deleting', 'maintenance'])
def test_a_source_in_another_state_leaves_nothing(bench, source, status):
    seen = bench.source_of(source)
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.volumes).values(status=status))
    with pytest.raises(exceptions.InvalidState, match='clone'):
        bench.ask(1, seen)
    assert bench.count(tables.volumes) == 1
    assert bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 0
    assert bench.count(tables.holds) == 0


@pytest.mark.parametrize('change', [{'size': 2}, {'host': 'node@other#p'}])
def test_a_source_that_changed_since_it_was_seen_is_refused(bench, source, change):
    seen = bench.source_of(source)
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.volumes).values(**change))
    with pytest.raises(exceptions.InvalidState):
        bench.ask(1, seen)
    assert bench.count(tables.volumes) == 1


def test_it_goes_nowhere_else_when_the_pool_is_full(bench, source):
    clone = bench.ask(200, bench.source_of(source))
    bench.add_backend('node@more', 1000)
    bench.schedule()
    assert (bench.row(clone).status, bench.row(clone).host) == ('error', None)
    with bench.ctx.reading() as conn:
        message = conn.execute(sa.select(tables.messages)).one()
    assert 'elsewhere than its source: 1, CapacityFilter: 1' in message.user_message
    assert not held(bench, source)
    bench.all_is_well()


def test_what_the_backend_refuses_ends_in_error_at_once(bench, source):
    clone = bench.ask(1, bench.source_of(source))
    bench.schedule()
    bench.work(workbench.Broken(bench.driver, clone=exceptions.BackendError(reason='no')))
    assert (bench.row(clone).status, bench.row(clone).host) == ('error', None)
    assert bench.messages() == [(clone, 'VOLUME_VOLUME_008_012')]
    assert not held(bench, source)
    bench.all_is_well()


def test_a_driver_that_cannot_says_so(bench, source):
    clone = bench.ask(1, bench.source_of(source))
    bench.schedule()

    class Plain:
        """A double of a driver without abilities: each of the real ones has them."""

        conf = bench.driver.conf
        delete = bench.driver.delete

    bench.work(Plain())
    assert bench.row(clone).status == 'error'
    assert bench.messages() == [(clone, 'VOLUME_VOLUME_008_101')]
    bench.all_is_well()


def test_the_same_again_after_a_death(bench, source):
    """The worker died with the image made, its row not yet written: the next one finds it and goes on."""
    clone = bench.ask(2, bench.source_of(source))
    bench.schedule()
    work = bench.claim(workbench.BACKEND, bench.driver)
    bench.driver.clone(driver_values.volume(bench.ctx, bench.row(clone)),
                       driver_values.volume(bench.ctx, bench.row(source)), work.effect())
    with bench.ctx.writing():
        jobs.put_back(bench.ctx, work.job, 0, failed=False)
    bench.work()
    assert bench.row(clone).status == 'available'
    assert bench.read(clone, len(DATA), 4096) == DATA
    bench.all_is_well()


def test_a_backend_that_goes_before_it_began(bench, source):
    clone = bench.ask(1, bench.source_of(source))
    bench.schedule()
    bench.unserved()
    assert (bench.row(clone).status, bench.row(clone).host) == ('error', None)
    assert bench.messages() == [(clone, 'VOLUME_VOLUME_008_111')]
    assert bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 0
    bench.all_is_well()


def test_a_backend_that_goes_after_it_began_lets_the_source_go(bench, source):
    clone = bench.ask(1, bench.source_of(source))
    bench.schedule()
    work = bench.claim(workbench.BACKEND, bench.driver)
    volume_create.strand(bench.ctx, work.job)
    assert bench.row(clone).status == 'error'
    assert not held(bench, source)
    bench.work()
    assert bench.row(clone).host is None
    bench.all_is_well()


def test_deleting_the_source_or_cloning_it(any_app, tmp_path):
    """At the same time: one of the two is refused, and nothing of it stays."""
    bench = workbench.Bench(any_app, tmp_path)
    for _ in range(5):
        source = bench.create(1)
        seen, row = bench.source_of(source), bench.row(source)
        outcomes = workbench.race(lambda seen=seen: bench.ask(1, seen),
                                  lambda row=row: volume_delete.delete_volume(stand_in.make_context(any_app), row))
        assert [isinstance(outcome, exceptions.InvalidState | exceptions.NotFound)
                for outcome in outcomes].count(True) == 1, outcomes
        if bench.row(source).status == 'deleting':
            bench.work()
        else:
            bench.schedule()
            bench.work()
        bench.all_is_well()

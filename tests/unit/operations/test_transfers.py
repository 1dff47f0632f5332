# SPDX-License-Identifier: Apache-2.0
"""Transfers: what changes hands, what is kept of the key, and that one of several who are at it at once wins."""

import functools
import hashlib
import uuid

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl import exceptions
from blockctl.db import quotas
from blockctl.db import snapshots as db_snapshots
from blockctl.db import tables
from blockctl.db.transition import reset
from blockctl.flows import snapshot_create
from blockctl.flows import snapshot_delete
from blockctl.flows import volume_delete
from blockctl.flows import volume_extend
from blockctl.operations import attachments
from blockctl.operations import transfers
from blockctl.operations import volumes
from blockctl.states import VOLUME

#: What who comes too late is told.
TOO_LATE = (exceptions.TransferNotFound, exceptions.VolumeNotFound, exceptions.InvalidState, exceptions.ResourceBusy,
            exceptions.CannotTransfer)


def make_bench(app, tmp_path):
    app.policy = stand_in.Anybody()
    return workbench.Bench(app, tmp_path)


@pytest.fixture
def bench(app, tmp_path):
    return make_bench(app, tmp_path)


@pytest.fixture
def any_bench(any_app, tmp_path):
    return make_bench(any_app, tmp_path)


def take(bench, volume_id):
    """A snapshot that is available; its id."""
    snapshot_id = snapshot_create.create_snapshot(
        stand_in.make_context(bench.app), snapshot_create.CreateSnapshot(volume=bench.row(volume_id))).id
    bench.work()
    return snapshot_id


def offer(bench, volume_id, **options):
    return transfers.create(stand_in.make_context(bench.app), volume_id, **options)


def accept(bench, row, key, project='p2'):
    return transfers.accept(stand_in.make_context(bench.app, project), row.id, key)


def used(bench, project):
    """{resource: amount} that is not 0, without those of types."""
    with bench.ctx.reading():
        found = quotas.usages(bench.ctx, project)
    return {name: amount for name, amount in found.items() if amount and '_' not in name}


def one_wins(outcomes):
    """Which of the calls won. The others were too late."""
    lost = [each for each in outcomes if isinstance(each, Exception)]
    assert all(isinstance(each, TOO_LATE) for each in lost), outcomes
    winner, = (number for number, each in enumerate(outcomes) if not isinstance(each, Exception))
    return winner


# --- what changes hands
def test_the_volume_its_snapshots_and_their_quota(any_bench):
    bench = any_bench
    volume = bench.create(2)
    snapshot = take(bench, volume)
    row, key = offer(bench, volume)
    assert bench.row(volume).status == 'awaiting-transfer'
    assert used(bench, 'p1') == {'volumes': 1, 'gigabytes': 4, 'snapshots': 1}
    accept(bench, row, key)
    assert (bench.row(volume).status, bench.row(volume).project_id) == ('available', 'p2')
    with bench.ctx.reading():
        assert db_snapshots.get(bench.ctx, snapshot).project_id == 'p2'
    assert (used(bench, 'p1'), used(bench, 'p2')) == ({}, {'volumes': 1, 'gigabytes': 4, 'snapshots': 1})
    assert bench.count(tables.transfers) == 0
    assert [event for event, _ in bench.app.notifier.events if 'transfer' in event] == [
        'volume.transfer.create.start', 'volume.transfer.create.end', 'volume.transfer.accept.start',
        'volume.transfer.accept.end']
    bench.all_is_well()


def test_snapshots_may_stay(bench):
    volume = bench.create(1)
    take(bench, volume)
    accept(bench, *offer(bench, volume, with_snapshots=False))
    assert (used(bench, 'p1'), used(bench, 'p2')) == ({'gigabytes': 1, 'snapshots': 1}, {'volumes': 1, 'gigabytes': 1})
    for options in ({}, {'cascade': True}):
        with pytest.raises(exceptions.VolumeMustStay):
            volumes.delete(stand_in.make_context(bench.app, 'p2'), volume, **options)
    bench.all_is_well()


def test_what_counts_for_nobody_counts_for_nobody(bench):
    volume = bench.create(1)
    with bench.ctx.writing() as conn:
        quotas.give_back(bench.ctx, 'p1', quotas.volume_deltas(1, bench.row(volume).volume_type_id))
        conn.execute(sa.update(tables.volumes).values(use_quota=False))
        quotas.set_limits(bench.ctx, 'p2', {'volumes': 0})
    accept(bench, *offer(bench, volume))
    assert (used(bench, 'p1'), used(bench, 'p2')) == ({}, {})
    bench.all_is_well()


def test_the_own_offer(bench):
    volume = bench.create(1)
    with bench.ctx.writing():
        quotas.set_limits(bench.ctx, 'p1', {'volumes': 1, 'gigabytes': 1})
    accept(bench, *offer(bench, volume), project='p1')
    assert used(bench, 'p1') == {'volumes': 1, 'gigabytes': 1}
    bench.all_is_well()


@pytest.mark.parametrize('limits', [{'volumes': 0}, {'gigabytes': 3}, {'snapshots': 0}, {'per_volume_gigabytes': 1}])
def test_over_quota_changes_nothing(bench, limits):
    volume = bench.create(2)
    take(bench, volume)
    with bench.ctx.writing():
        quotas.set_limits(bench.ctx, 'p2', limits)
    row, key = offer(bench, volume)
    with pytest.raises(exceptions.OverQuota):
        accept(bench, row, key)
    assert (bench.row(volume).status, bench.row(volume).project_id) == ('awaiting-transfer', 'p1')
    assert (used(bench, 'p1'), used(bench, 'p2')) == ({'volumes': 1, 'gigabytes': 4, 'snapshots': 1}, {})
    bench.all_is_well()


def test_a_snapshot_that_is_on_its_way(bench):
    volume = bench.create(1)
    snapshot = take(bench, volume)
    row, key = offer(bench, volume)
    with bench.ctx.reading():
        snapshot_row = db_snapshots.get(bench.ctx, snapshot)
    snapshot_delete.delete_snapshot(stand_in.make_context(bench.app), snapshot_row)
    with pytest.raises(exceptions.CannotTransfer, match=snapshot):
        accept(bench, row, key)
    bench.work()
    accept(bench, row, key)
    assert (used(bench, 'p1'), used(bench, 'p2')) == ({}, {'volumes': 1, 'gigabytes': 1})
    bench.all_is_well()


# --- the key
def test_only_a_salted_hash_of_the_key_is_kept(bench):
    row, key = offer(bench, bench.create(1))
    other, other_key = offer(bench, bench.create(1))
    with bench.ctx.reading() as conn:
        kept = [str(value) for line in conn.execute(sa.select(tables.transfers)) for value in line]
    assert len(key) == 16 and key != other_key
    assert not [value for value in kept if key in value or hashlib.sha256(key.encode()).hexdigest() in value]
    assert row.salt != other.salt and row.key_hash != other.key_hash
    for wrong in (other_key, key[:-1], '', key.upper() + ' '):
        with pytest.raises(exceptions.InvalidTransferKey):
            accept(bench, row, wrong)


# --- ends that nobody wanted
def test_a_volume_that_is_forced_to_go_takes_its_offer_along(bench):
    volume = bench.create(1)
    row, key = offer(bench, volume)
    volume_delete.delete_volume(bench.ctx, bench.row(volume), force=True)
    with pytest.raises(exceptions.InvalidState):
        accept(bench, row, key)
    bench.work()
    assert (bench.count(tables.volumes), bench.count(tables.transfers)) == (0, 0)
    bench.all_is_well()


def test_withdrawing_leaves_what_an_administrator_said(bench):
    volume = bench.create(1)
    row, _ = offer(bench, volume)
    with bench.ctx.writing():
        assert reset(bench.ctx, VOLUME, volume, 'error')
    transfers.delete(bench.ctx, row.id)
    assert (bench.row(volume).status, bench.count(tables.transfers)) == ('error', 0)


def test_a_right_that_has_gone_with_the_volume(bench):
    """What the giver's requests saw before it was taken does not hold after it."""
    volume = bench.create(1)
    seen = bench.row(volume)
    accept(bench, *offer(bench, volume))
    ctx = stand_in.make_context(bench.app)
    for late in (lambda: volume_extend.extend_volume(ctx, seen, 2, False),
                 lambda: volume_delete.delete_volume(ctx, seen),
                 lambda: snapshot_create.create_snapshot(ctx, snapshot_create.CreateSnapshot(volume=seen)),
                 lambda: volumes._change(ctx, seen, {'name': 'mine'}, None)):
        with pytest.raises((exceptions.InvalidState, exceptions.VolumeNotFound)):
            late()
    assert bench.row(volume).name is None
    bench.all_is_well()


# --- at the same time
def test_two_who_accept(any_bench):
    bench = any_bench
    volume = bench.create(1)
    row, key = offer(bench, volume)
    winner = one_wins(workbench.race(*(functools.partial(accept, bench, row, key, project)
                                       for project in ('p2', 'p3', 'p4'))))
    assert bench.row(volume).project_id == ('p2', 'p3', 'p4')[winner]
    assert used(bench, ('p2', 'p3', 'p4')[winner]) == {'volumes': 1, 'gigabytes': 1}
    bench.all_is_well()


def test_accepting_and_withdrawing(any_bench):
    bench = any_bench
    volume = bench.create(1)
    row, key = offer(bench, volume)
    winner = one_wins(workbench.race(
        lambda: accept(bench, row, key), lambda: transfers.delete(stand_in.make_context(bench.app), row.id)))
    assert (bench.row(volume).status, bench.row(volume).project_id) == ('available', ('p2', 'p1')[winner])
    bench.all_is_well()


def test_accepting_and_a_forced_end(any_bench):
    bench = any_bench
    volume = bench.create(1)
    row, key = offer(bench, volume)
    seen = bench.row(volume)
    winner = one_wins(workbench.race(
        lambda: accept(bench, row, key),
        lambda: volume_delete.delete_volume(stand_in.make_context(bench.app), seen, force=True)))
    if winner == 1:
        bench.work()
    assert bench.count(tables.volumes) == 1 - winner
    bench.all_is_well()


def test_offering_and_attaching(any_bench):
    bench = any_bench
    volume = bench.create(1)
    ctx = stand_in.make_context(bench.app)
    winner = one_wins(workbench.race(
        lambda: offer(bench, volume),
        lambda: attachments.create(ctx, attachments.NewAttachment(volume_id=volume, instance_id=str(uuid.uuid4())))))
    assert bench.row(volume).status == ('awaiting-transfer', 'reserved')[winner]
    assert (bench.count(tables.transfers), bench.count(tables.attachments)) == (1 - winner, winner)
    bench.all_is_well()


def test_accepting_and_deleting_a_snapshot(any_bench):
    bench = any_bench
    volume = bench.create(1)
    snapshot = take(bench, volume)
    row, key = offer(bench, volume)
    with bench.ctx.reading():
        snapshot_row = db_snapshots.get(bench.ctx, snapshot)
    winner = one_wins(workbench.race(
        lambda: accept(bench, row, key),
        lambda: snapshot_delete.delete_snapshot(stand_in.make_context(bench.app), snapshot_row)))
    if winner == 1:
        bench.work()
    bench.all_is_well()

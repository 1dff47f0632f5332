# SPDX-License-Identifier: Apache-2.0
"""Putting a volume back to its latest snapshot, on a backend of files: data, states, deaths and races."""

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl import exceptions
from blockctl.db import jobs
from blockctl.db import snapshots
from blockctl.db import tables
from blockctl.drivers import interface
from blockctl.flows import snapshot_create
from blockctl.flows import snapshot_delete
from blockctl.flows import volume_delete
from blockctl.flows import volume_revert
from blockctl.operations import volume_status

THEN, SINCE = b'as it was then', b'what came since'


class Broken(workbench.Broken, interface.Reverts):
    """A driver whose revert fails; a double, for the real one fails at no word of ours."""

    def __init__(self, driver, error):
        super().__init__(driver)
        self._error = error

    def revert(self, volume, snapshot, effect):
        raise self._error


@pytest.fixture
def bench(app, tmp_path):
    app.policy = stand_in.Anybody()
    return workbench.Bench(app, tmp_path)


@pytest.fixture
def volume(bench):
    """The id of a volume with data."""
    volume_id = bench.create(1)
    bench.write(volume_id, THEN)
    return volume_id


@pytest.fixture
def snapshot(bench, volume):
    """The id of a snapshot of it; the data have changed since."""
    snapshot_id = take(bench, volume)
    bench.write(volume, SINCE)
    return snapshot_id


def take(bench, volume_id):
    ctx = stand_in.make_context(bench.app)
    row = snapshot_create.create_snapshot(ctx, snapshot_create.CreateSnapshot(volume=bench.row(volume_id)))
    bench.work()
    return row.id


def revert(bench, volume_id, snapshot_id):
    """In a thread of its own, ``volume_id`` is the row."""
    volume_row = bench.row(volume_id) if isinstance(volume_id, str) else volume_id
    volume_revert.revert_volume(stand_in.make_context(bench.app), volume_row, snapshot_id)


def states(bench, volume_id, snapshot_id):
    with bench.ctx.reading():
        return bench.row(volume_id).status, snapshots.get(bench.ctx, snapshot_id).status



def test_all_the_way(bench, volume, snapshot):
    revert(bench, volume, snapshot)
    assert states(bench, volume, snapshot) == ('reverting', 'restoring')
    bench.all_is_well()
    bench.work()
    assert states(bench, volume, snapshot) == ('available', 'available')
    assert bench.read(volume, len(THEN)) == THEN
    events = [event for event, _ in bench.app.notifier.events if 'revert' in event]
    assert events == ['volume.revert.start', 'snapshot.revert.start', 'volume.revert.end', 'snapshot.revert.end']
    bench.all_is_well()


@pytest.mark.parametrize('moment', ['before_effect', 'effected', 'before_commit'])
def test_a_death(bench, volume, snapshot, moment):
    class Killed(BaseException):
        """The process died here."""

    def die(name):
        if name == f'volume.revert.volume.{moment}':
            raise Killed

    revert(bench, volume, snapshot)
    real, bench.app.points = bench.app.points, die
    with pytest.raises(Killed):
        bench.work()
    bench.app.points = real
    with bench.ctx.writing():
        jobs.expire(bench.ctx, 'me')
    assert states(bench, volume, snapshot) == ('reverting', 'restoring')
    bench.all_is_well()
    bench.work()
    assert states(bench, volume, snapshot) == ('available', 'available')
    assert bench.read(volume, len(THEN)) == THEN
    bench.all_is_well()


def test_only_to_the_latest(bench, volume, snapshot):
    latest = take(bench, volume)
    with pytest.raises(exceptions.InvalidRequest, match='not the latest'):
        revert(bench, volume, snapshot)
    assert states(bench, volume, snapshot) == ('available', 'available')
    revert(bench, volume, latest)
    bench.work()
    assert bench.read(volume, len(SINCE)) == SINCE


@pytest.mark.parametrize('table', ['volumes', 'snapshots'])
def test_another_state_leaves_all_as_it_is(bench, volume, snapshot, table):
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(getattr(tables, table)).values(status='error'))
    before = states(bench, volume, snapshot)
    with pytest.raises(exceptions.InvalidState):
        revert(bench, volume, snapshot)
    assert states(bench, volume, snapshot) == before
    assert bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 0


def test_a_volume_that_has_grown_since_it_was_seen(bench, volume, snapshot):
    seen = bench.row(volume)
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.volumes).values(size=2))
    with pytest.raises(exceptions.InvalidState):
        volume_revert.revert_volume(bench.ctx, seen, snapshot)


def test_what_the_backend_refuses(bench, volume, snapshot):
    revert(bench, volume, snapshot)
    bench.work(Broken(bench.driver, exceptions.BackendError(reason='no')))
    assert states(bench, volume, snapshot) == ('error', 'available')
    assert bench.messages() == [(volume, 'VOLUME_VOLUME_105_107')]
    bench.all_is_well()


def test_a_driver_that_cannot_changes_nothing(bench, volume, snapshot):
    revert(bench, volume, snapshot)
    bench.work(workbench.Broken(bench.driver))  # it is not one that reverts
    assert states(bench, volume, snapshot) == ('available', 'available')
    assert bench.messages() == [(volume, 'VOLUME_VOLUME_105_101')]
    assert bench.read(volume, len(SINCE)) == SINCE
    bench.all_is_well()


def test_a_backend_that_goes_and_comes_back(bench, volume, snapshot):
    revert(bench, volume, snapshot)
    bench.unserved()
    assert states(bench, volume, snapshot) == ('error', 'restoring')
    bench.all_is_well()
    bench.work()
    assert states(bench, volume, snapshot) == ('available', 'available')
    bench.all_is_well()


def test_all_may_go_while_the_backend_is_away(bench, volume, snapshot):
    revert(bench, volume, snapshot)
    bench.unserved()
    with bench.ctx.reading():
        row = snapshots.get(bench.ctx, snapshot)
    with pytest.raises(exceptions.InvalidState):
        snapshot_delete.delete_snapshot(bench.ctx, row)
    volume_delete.delete_volume(bench.ctx, bench.row(volume), cascade=True)
    bench.work()
    assert (bench.count(tables.volumes), bench.count(tables.snapshots)) == (0, 0)
    bench.all_is_well()


def test_an_administrator_ends_it(bench, volume, snapshot):
    revert(bench, volume, snapshot)
    volume_status.reset(bench.ctx, volume, status='available')
    assert states(bench, volume, snapshot) == ('available', 'available')
    assert bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 0
    bench.all_is_well()


def test_taking_one_and_going_back(any_app, tmp_path):
    """Whichever is first, a volume goes back to its latest snapshot only."""
    bench = workbench.Bench(any_app, tmp_path)
    for _ in range(5):
        volume_id = bench.create(1)
        first = take(bench, volume_id)
        request = snapshot_create.CreateSnapshot(volume=bench.row(volume_id))
        outcomes = workbench.race(
            lambda request=request: snapshot_create.create_snapshot(stand_in.make_context(any_app), request),
            lambda seen=request.volume, first=first: revert(bench, seen, first))
        refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert [isinstance(each, (exceptions.InvalidState, exceptions.InvalidRequest)) for each in refused] == [True]
        bench.work()
        bench.all_is_well()


def test_going_back_twice(any_app, tmp_path):
    bench = workbench.Bench(any_app, tmp_path)
    volume_id = bench.create(1)
    first = take(bench, volume_id)
    row = bench.row(volume_id)
    outcomes = workbench.race(*[lambda: revert(bench, row, first)] * 2)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ['InvalidState', 'NoneType']
    bench.work()
    bench.all_is_well()

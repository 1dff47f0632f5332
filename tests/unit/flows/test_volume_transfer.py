# SPDX-License-Identifier: Apache-2.0
"""An encrypted volume that is taken by another project: whatever dies or refuses, one of them has it, and one key."""

import functools

import pytest
import sqlalchemy as sa
from castellan.common import exception

import memory_keys
import stand_in
import workbench
from blockctl import exceptions
from blockctl.conf.key_manager import FIXED_KEY_ID
from blockctl.db import jobs
from blockctl.db import quotas
from blockctl.db import snapshots as db_snapshots
from blockctl.db import tables
from blockctl.flows import handlers
from blockctl.flows import snapshot_create
from blockctl.flows import volume_create
from blockctl.flows import volume_transfer
from blockctl.flows import work_fence
from blockctl.operations import transfers
from blockctl.operations import volume_status
from blockctl.rpc import transport

GIVER, TAKER = 'p1', 'p2'

BEFORE = ('claimed', 'before_key', 'key_made', 'before_commit')


class Cast:
    """An encrypted volume, its type, its offer and what became of them."""

    def __init__(self, app, tmp_path):
        app.policy = stand_in.Anybody()
        transport.response_timeout(app.conf)  # registers it
        self.bench = workbench.Bench(app, tmp_path)
        self.app, self.ctx = app, self.bench.ctx
        self.manager = memory_keys.put_in(app)
        self.kind = memory_keys.make_type(self.bench)
        self.volume_id = self.bench.create(1, volume_type=self.kind)
        self.former = self.bench.row(self.volume_id).encryption_key_id
        self.secret = self.manager.keys[GIVER, self.former].get_encoded()
        self.manager.asked.clear()

    def offer(self, **options):
        self.row, self.key = transfers.create(stand_in.make_context(self.app), self.volume_id, **options)

    def accept(self, project=TAKER):
        return transfers.accept(stand_in.make_context(self.app, project), self.row.id, self.key)

    def ask(self, project=TAKER):
        """Accept, and do not wait for it."""
        self.app.conf.set_override('rpc_response_timeout', 0)
        with pytest.raises(exceptions.StillUnderWay):
            self.accept(project)

    def answered(self, *acts):
        """Have the volume service be there, doing ``acts`` (its work): requests that wait get their answer."""
        acts = iter(acts or [self.bench.work])

        def ring(topic, operation, job_id):
            if operation == 'transfer_volume':
                next(acts)()
        self.app.doorbell.ring = ring

    def meanwhile(self, point, act):
        """Have ``act()`` happen when a process comes to the point, once."""
        real = self.app.points

        def come(name):
            if name == point:
                self.app.points = real
                act()
        self.app.points = come

    def withdraw(self):
        transfers.delete(stand_in.make_context(self.app), self.row.id)

    def reset(self):
        volume_status.reset(stand_in.make_context(self.app), self.volume_id, status='awaiting-transfer')

    def force(self):
        volume_status.force_delete(stand_in.make_context(self.app), self.volume_id)

    def give_up(self):
        work = self.bench.claim(workbench.BACKEND)
        handlers.BACKEND[work.job.kind].give_up(work, 'for a test')

    def settle(self):
        """Do all that is left to do, in any order."""
        while True:
            with self.ctx.writing() as conn:
                conn.execute(sa.update(tables.jobs).values(not_before=None))
                found = jobs.due(self.ctx, workbench.BACKEND, 1)
            if not found:
                break
            with self.ctx.writing():
                job = jobs.claim(self.ctx, found[0], [workbench.BACKEND], 'me', 60, '')
            handlers.BACKEND[job.kind].run(self.bench.made_work(job, self.bench.driver))
        assert self.bench.count(tables.jobs, tables.jobs.c.outcome.is_(None)) == 0
        self.bench.all_is_well()

    def owners(self):
        """[(project, id)] of all keys; each opens the volume."""
        assert {key.get_encoded() for key in self.manager.keys.values()} <= {self.secret}
        return sorted(self.manager.keys)

    def is_given(self):
        row = self.bench.row(self.volume_id)
        assert (row.status, row.project_id) == ('available', TAKER)
        assert self.owners() == [(TAKER, row.encryption_key_id)]
        assert row.encryption_key_id != self.former
        assert self.bench.count(tables.transfers) == 0
        assert self.used(GIVER) == {}
        assert self.used(TAKER)['volumes'] == 1

    def is_kept(self, status='awaiting-transfer', offers=1):
        row = self.bench.row(self.volume_id)
        assert (row.status, row.project_id, row.encryption_key_id) == (status, GIVER, self.former)
        assert self.owners() == [(GIVER, self.former)]
        assert self.bench.count(tables.transfers) == offers
        assert self.used(TAKER) == {}

    def used(self, project):
        with self.ctx.reading():
            found = quotas.usages(self.ctx, project)
        return {name: amount for name, amount in found.items() if amount and '_' not in name}

    def snapshot(self):
        snapshot_id = snapshot_create.create_snapshot(
            stand_in.make_context(self.app),
            snapshot_create.CreateSnapshot(volume=self.bench.row(self.volume_id))).id
        self.bench.work()
        return snapshot_id

    def snapshot_row(self, snapshot_id):
        with self.ctx.reading() as conn:
            return conn.execute(sa.select(tables.snapshots).where(tables.snapshots.c.id == snapshot_id)).one()


@pytest.fixture
def cast(app, tmp_path):
    return Cast(app, tmp_path)


@pytest.fixture
def any_cast(any_app, tmp_path):
    return Cast(any_app, tmp_path)


# --- what changes hands
def test_the_volume_with_a_copy_of_its_key(any_cast):
    cast = any_cast
    cast.answered()
    cast.offer()
    cast.accept()
    assert cast.owners() != [(GIVER, cast.former)]
    cast.settle()
    cast.is_given()
    key, = cast.manager.keys.values()
    assert key.name.startswith(f'volume-{cast.volume_id}.')
    assert [event for event, _ in cast.app.notifier.events if 'accept' in event] == [
        'volume.transfer.accept.start', 'volume.transfer.accept.end']


def test_it_can_come_back_and_go(cast):
    cast.answered(cast.bench.work, cast.bench.work)
    cast.offer()
    cast.accept()
    cast.settle()
    row, key = transfers.create(stand_in.make_context(cast.app, TAKER), cast.volume_id)
    transfers.accept(stand_in.make_context(cast.app, GIVER), row.id, key)
    cast.settle()
    assert cast.owners() == [(GIVER, cast.bench.row(cast.volume_id).encryption_key_id)]
    cast.force()
    cast.settle()
    assert cast.owners() == []


@pytest.mark.parametrize(('goes', 'project'), [(True, TAKER), (False, GIVER)])
def test_its_snapshots_know_its_key(cast, goes, project):
    snapshot_id = cast.snapshot()
    cast.answered()
    cast.offer(with_snapshots=goes)
    cast.accept()
    cast.settle()
    row = cast.bench.row(cast.volume_id)
    snapshot = cast.snapshot_row(snapshot_id)
    assert (snapshot.project_id, snapshot.encryption_key_id) == (project, row.encryption_key_id)
    assert cast.owners() == [(TAKER, row.encryption_key_id)]


def of_snapshot(cast, snapshot_id):
    """A volume that the giver has made of a snapshot; its id, before any work on it."""
    with cast.ctx.reading():
        snapshot = db_snapshots.get(cast.ctx, snapshot_id)
    volume_id = cast.bench.ask(
        1, volume_create.Source('snapshot', snapshot.id, 1, cast.bench.row(cast.volume_id)), volume_type=cast.kind)
    cast.bench.schedule()
    return volume_id


def test_who_kept_a_snapshot_can_use_it(cast):
    snapshot_id = cast.snapshot()
    cast.answered()
    cast.offer(with_snapshots=False)
    cast.accept()
    cast.settle()
    made = of_snapshot(cast, snapshot_id)
    cast.settle()
    rows = [cast.bench.row(each) for each in (made, cast.volume_id)]
    assert [row.status for row in rows] == ['available', 'available']
    assert cast.owners() == [(row.project_id, row.encryption_key_id) for row in rows]


def test_also_when_it_is_using_it_just_then(cast):
    snapshot_id = cast.snapshot()
    cast.offer(with_snapshots=False)
    made = of_snapshot(cast, snapshot_id)
    work = cast.bench.claim(workbench.BACKEND, cast.bench.driver)
    real = cast.manager.get

    def get(*args, **options):
        cast.manager.get = real
        cast.answered()
        cast.accept()
        cast.bench.work()
        return real(*args, **options)

    cast.manager.get = get
    handlers.BACKEND[work.job.kind].run(work)
    cast.settle()
    rows = [cast.bench.row(each) for each in (made, cast.volume_id)]
    assert cast.owners() == [(row.project_id, row.encryption_key_id) for row in rows]


# --- what needs no copy
@pytest.mark.parametrize(('key_id', 'project'), [(FIXED_KEY_ID, TAKER), (None, GIVER)])
def test_a_key_that_all_share_and_the_own_offer(cast, key_id, project):
    if key_id:
        with cast.ctx.writing() as conn:
            conn.execute(sa.update(tables.volumes).values(encryption_key_id=key_id))
    cast.offer()
    cast.accept(project)
    row = cast.bench.row(cast.volume_id)
    assert (row.status, row.project_id, row.encryption_key_id) == ('available', project, key_id or cast.former)
    assert cast.manager.asked == []


def test_what_is_encrypted_and_has_no_key_is_not_offered(cast):
    with cast.ctx.writing() as conn:
        conn.execute(sa.update(tables.volumes).values(encryption_key_id=None))
    with pytest.raises(exceptions.CannotTransfer, match='no key'):
        cast.offer()


def test_nor_what_nobody_asked_to_be(cast):
    with pytest.raises(exceptions.CannotTransfer, match='it is encrypted'):
        cast.offer(encrypted=False)
    assert cast.bench.row(cast.volume_id).status == 'available'


# --- deaths
@pytest.mark.parametrize('moment', [*BEFORE, 'committed'])
def test_a_death_while_it_is_taken(any_cast, moment):
    cast = any_cast
    cast.offer()
    cast.ask()
    kill(cast, moment)
    cast.settle()
    cast.is_given()


def kill(cast, moment):
    if moment == 'claimed':
        cast.bench.claim(workbench.BACKEND)
        with cast.ctx.writing():
            jobs.expire(cast.ctx, 'me')
    else:
        cast.bench.kill_at(f'volume.transfer.volume.{moment}')


@pytest.mark.parametrize('moment', BEFORE)
def test_a_death_and_then_it_is_given_up(cast, moment):
    cast.offer()
    cast.ask()
    kill(cast, moment)
    cast.give_up()
    cast.settle()
    cast.is_kept()
    assert cast.bench.messages() == [(cast.volume_id, 'VOLUME_VOLUME_111_115')]
    cast.ask()
    cast.settle()
    cast.is_given()


@pytest.mark.parametrize('moment', BEFORE)
def test_a_death_and_then_nothing_serves_the_backend(cast, moment):
    cast.offer()
    cast.ask()
    kill(cast, moment)
    cast.bench.unserved()
    assert cast.bench.messages() == [(cast.volume_id, 'VOLUME_VOLUME_111_111')]
    cast.settle()
    cast.is_kept()


@pytest.mark.parametrize('moment', BEFORE)
def test_a_death_and_then_it_is_withdrawn(cast, moment):
    cast.offer()
    cast.ask()
    kill(cast, moment)
    cast.withdraw()
    cast.settle()
    cast.is_kept('available', offers=0)


@pytest.mark.parametrize('moment', BEFORE)
def test_a_death_and_then_an_administrator_speaks(cast, moment):
    cast.offer()
    cast.ask()
    kill(cast, moment)
    cast.reset()
    cast.settle()
    cast.is_kept()


@pytest.mark.parametrize('moment', BEFORE)
def test_a_death_and_then_it_is_forced_to_go(cast, moment):
    cast.offer()
    cast.ask()
    kill(cast, moment)
    cast.force()
    cast.settle()
    assert (cast.owners(), cast.bench.images()) == ([], {})
    assert (cast.used(GIVER), cast.used(TAKER)) == ({}, {})


@pytest.mark.parametrize('moment', ['before_effect', 'effected', 'before_commit', 'committed'])
def test_a_death_while_the_former_key_goes(cast, moment):
    cast.answered()
    cast.offer()
    cast.accept()
    cast.bench.kill_at(f'key.clear.volume.{moment}')
    cast.settle()
    cast.is_given()


@pytest.mark.parametrize('moment', ['before_settle_commit', 'settled'])
def test_a_death_while_it_is_refused(cast, moment):
    limit(cast)
    cast.offer()
    cast.ask()
    cast.bench.kill_at(f'volume.transfer.volume.{moment}')
    cast.settle()
    cast.is_kept()


# --- refusals
def limit(cast):
    with cast.ctx.writing():
        quotas.set_limits(cast.ctx, TAKER, {'volumes': 0})


def test_over_quota(cast):
    limit(cast)
    cast.answered()
    cast.offer()
    with pytest.raises(exceptions.OverQuota, match='Quota exceeded for resource volumes'):
        cast.accept()
    assert len(cast.owners()) == 2
    cast.settle()
    cast.is_kept()
    assert cast.bench.messages() == [(cast.volume_id, 'VOLUME_VOLUME_111_115')]


def test_too_large(cast):
    with cast.ctx.writing():
        quotas.set_limits(cast.ctx, TAKER, {'per_volume_gigabytes': 0})
    cast.answered()
    cast.offer()
    with pytest.raises(exceptions.VolumeSizeExceedsLimit):
        cast.accept()
    cast.settle()
    cast.is_kept()


@pytest.mark.parametrize('fails', [[exception.Forbidden()], [None, exception.Forbidden()],
                                   [exception.ManagedObjectNotFoundError(uuid='x')]])
def test_a_key_manager_that_refuses(cast, fails):
    cast.answered()
    cast.offer()
    cast.manager.fails = fails
    with pytest.raises(exceptions.CannotTransfer, match='its key could not be copied'):
        cast.accept()
    cast.settle()
    cast.is_kept()
    cast.answered()
    cast.accept()
    cast.settle()
    cast.is_given()


def test_a_key_manager_that_is_away_is_waited_for(cast):
    cast.offer()
    cast.ask()
    work = cast.bench.claim(workbench.BACKEND)
    cast.manager.fails = [None, exception.KeyManagerError(reason='for a test')]
    with pytest.raises(exceptions.KeyManagerUnavailable):
        handlers.BACKEND[work.job.kind].run(work)
    with cast.ctx.writing():
        jobs.put_back(cast.ctx, work.job, 0, failed=True)
    with pytest.raises(exceptions.ResourceBusy):
        cast.accept()
    cast.settle()
    cast.is_given()


def test_a_former_key_that_cannot_go_yet(cast):
    cast.answered()
    cast.offer()
    cast.accept()
    cast.manager.fails = [exception.Forbidden()]
    cast.bench.work()
    assert len(cast.owners()) == 2
    cast.bench.unserved()
    cast.settle()
    cast.is_given()


def test_copies_that_nobody_was_told_of_go_too(cast):
    cast.offer()
    cast.ask()
    cast.bench.kill_at('volume.transfer.volume.key_made')
    (_, made), = set(cast.manager.keys) - {(GIVER, cast.former)}
    copy = cast.manager.keys[TAKER, made]
    cast.manager.keys[TAKER, 'z'] = type(copy)('aes', 256, cast.secret, copy.name, id='z')  # its answer was lost
    cast.settle()
    cast.is_given()


# --- at the same time
@pytest.mark.parametrize('point', ['before_key', 'key_made'])
def test_withdrawn_while_its_key_is_copied(cast, point):
    cast.answered()
    cast.offer()
    cast.meanwhile(f'volume.transfer.volume.{point}', cast.withdraw)

    def work():
        with pytest.raises(exceptions.LeaseLost):
            cast.bench.work()
    cast.answered(work)
    with pytest.raises(exceptions.TransferNotFound):
        cast.accept()
    assert cast.owners() == [(GIVER, cast.former)]
    cast.settle()
    cast.is_kept('available', offers=0)


@pytest.mark.parametrize('point', ['before_key', 'key_made'])
def test_an_administrator_speaks_while_its_key_is_copied(cast, point):
    cast.offer()
    cast.meanwhile(f'volume.transfer.volume.{point}', cast.reset)

    def work():
        with pytest.raises(exceptions.LeaseLost):
            cast.bench.work()
    cast.answered(work)
    with pytest.raises(exceptions.ResourceBusy):
        cast.accept()
    cast.settle()
    cast.is_kept()


@pytest.mark.parametrize('point', ['before_key', 'key_made'])
def test_a_worker_that_is_overtaken(cast, point):
    cast.offer()
    cast.ask()
    work = cast.bench.claim(workbench.BACKEND)

    def overtake():
        with cast.ctx.writing():
            jobs.expire(cast.ctx, 'me')
        cast.settle()

    cast.meanwhile(f'volume.transfer.volume.{point}', overtake)
    with pytest.raises(exceptions.Error):  # LeaseLost, or the key it was to copy is gone
        handlers.BACKEND[work.job.kind].run(work)
    cast.settle()
    cast.is_given()


def test_withdrawing_ends_no_other_work(cast):
    cast.offer()
    cast.ask()
    cast.bench.claim(workbench.BACKEND)
    cast.reset()
    cast.withdraw()
    assert cast.bench.count(tables.jobs, tables.jobs.c.kind == work_fence.KIND, tables.jobs.c.outcome.is_(None)) == 1
    cast.settle()
    cast.is_kept('available', offers=0)


def test_several_who_take_it(any_cast):
    cast = any_cast
    cast.offer()
    cast.app.conf.set_override('rpc_response_timeout', 0)
    outcomes = workbench.race(*(functools.partial(cast.accept, project) for project in (TAKER, 'p3', 'p4')))
    winner, = (number for number, each in enumerate(outcomes) if isinstance(each, exceptions.StillUnderWay))
    assert sum(isinstance(each, exceptions.ResourceBusy) for each in outcomes) == 2
    cast.settle()
    row = cast.bench.row(cast.volume_id)
    assert row.project_id == (TAKER, 'p3', 'p4')[winner]
    assert cast.owners() == [(row.project_id, row.encryption_key_id)]


def test_taking_and_withdrawing(any_cast):
    cast = any_cast
    cast.offer()
    cast.app.conf.set_override('rpc_response_timeout', 0)
    _, withdrawn = workbench.race(cast.accept, cast.withdraw)
    assert withdrawn is None
    cast.settle()
    cast.is_kept('available', offers=0)


def test_handing_over_and_withdrawing(any_cast):
    cast = any_cast
    cast.offer()
    cast.ask()
    _, withdrawn = workbench.race(cast.bench.work, cast.withdraw)
    cast.settle()
    if withdrawn is None:
        cast.is_kept('available', offers=0)
    else:
        assert isinstance(withdrawn, exceptions.TransferNotFound)
        cast.is_given()


# --- what is told of it
def test_secrets_are_nowhere_but_in_the_key_manager(cast, caplog):
    caplog.set_level(0)
    cast.answered()
    cast.offer()
    cast.accept()
    with cast.ctx.reading() as conn:
        told = ''.join(str(tuple(each)) for table in tables.metadata.sorted_tables
                       for each in conn.execute(sa.select(table))) + caplog.text
    assert volume_transfer.KIND in told
    assert cast.secret.hex() not in told
    assert str(cast.secret) not in told

# SPDX-License-Identifier: Apache-2.0
"""DESIGN.md section 4, invariant 2, at the edge of a quota: 32 at once take, give back and move what is counted."""

import collections
import contextlib
import random
import threading
import time

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl import exceptions
from blockctl.db import jobs
from blockctl.db import quota_repair
from blockctl.db import quotas
from blockctl.db import tables
from blockctl.db import volume_types
from blockctl.flows import handlers
from blockctl.flows import volume_create
from blockctl.jobs import lease
from blockctl.jobs import runner
from blockctl.operations import snapshots
from blockctl.operations import transfers
from blockctl.operations import volume_extend
from blockctl.operations import volume_retype
from blockctl.operations import volumes
from blockctl.rpc import transport

PROJECTS = ('p1', 'p2')
THREADS = 32
ROUNDS = 6
WORKERS = 2

#: What a refusal may be: it does not fit, or somebody else was faster.
REFUSED = {exceptions.Kind.INVALID, exceptions.Kind.NOT_FOUND, exceptions.Kind.CONFLICT, exceptions.Kind.OVER_LIMIT}


class Edge:
    """Two projects with little room, two types of which there is even less."""

    def __init__(self, bench):
        self.bench = bench
        self.types = ('one', 'two')
        self.limits = {'volumes': 8, 'gigabytes': 14, 'snapshots': 3}
        self.outcomes = collections.Counter()
        self.counting = threading.Lock()
        ctx = bench.ctx
        with ctx.writing():
            for name in self.types:
                volume_types.insert_type(ctx, name * 12, name, None, True, {})
                self.limits |= {f'volumes_{name * 12}': 5, f'gigabytes_{name * 12}': 9, f'snapshots_{name * 12}': 2}
            for project in PROJECTS:
                quotas.set_limits(ctx, project, self.limits)
        with ctx.reading():
            self.kinds = [volume_types.named(ctx, name) for name in self.types]

    # --- what the 32 do
    def act(self, seed):
        chance = random.Random(seed)
        what = chance.choice((self.create, self.create, self.delete, self.extend, self.retype, self.transfer,
                              self.snapshot))
        outcome = 'done'
        try:
            what(stand_in.make_context(self.bench.app, chance.choice(PROJECTS)), chance)
        except exceptions.Error as error:
            assert error.kind in REFUSED, repr(error)
            outcome = type(error).__name__
        with self.counting:
            self.outcomes[what.__name__, outcome] += 1

    def pick(self, ctx, chance):
        """The id of some volume of the project."""
        with ctx.reading() as conn:
            ids = list(conn.execute(sa.select(tables.volumes.c.id).where(
                tables.volumes.c.project_id == ctx.project_id)).scalars())
        if not ids:
            raise exceptions.VolumeNotFound(volume_id=None)
        return chance.choice(ids)

    def create(self, ctx, chance):
        volume_create.create_volume(ctx, volume_create.CreateVolume(
            size=chance.choice((1, 1, 2)), availability_zone='nova', volume_type=chance.choice(self.kinds)))

    def delete(self, ctx, chance):
        volumes.delete(ctx, self.pick(ctx, chance), cascade=True)

    def extend(self, ctx, chance):
        volume_extend.extend(ctx, self.pick(ctx, chance), chance.choice((2, 3)))

    def retype(self, ctx, chance):
        volume_retype.retype(ctx, self.pick(ctx, chance), chance.choice(self.types))

    def snapshot(self, ctx, chance):
        snapshots.create(ctx, snapshots.NewSnapshot(volume_id=self.pick(ctx, chance)))

    def transfer(self, ctx, chance):
        offer, key = transfers.create(ctx, self.pick(ctx, chance), with_snapshots=chance.random() < 0.8)
        other = next(project for project in PROJECTS if project != ctx.project_id)
        try:
            transfers.accept(stand_in.make_context(self.bench.app, other), offer.id, key)
        except exceptions.Error:
            with contextlib.suppress(exceptions.TransferNotFound):
                transfers.delete(ctx, offer.id)
            raise

    # --- the services
    def serve(self, topic, handlers_, driver, stop):
        """Work off the jobs of a topic until nobody posts any more and there are none."""
        while True:
            last = stop.is_set()
            ctx = stand_in.make_context(self.bench.app)
            with ctx.reading():
                ids = jobs.due(ctx, topic, 20)
            random.shuffle(ids)  # so that several workers do not all want the first one
            for job_id in ids:
                self._work(ctx, topic, job_id, handlers_, driver)
            if not ids and last:
                return
            time.sleep(0.01)

    def _work(self, ctx, topic, job_id, handlers_, driver):
        with ctx.writing():
            job = jobs.claim(ctx, job_id, [topic], threading.current_thread().name, 60, '')
        if job is None:
            return
        work = runner.Work(runner.job_context(self.bench.app, job), job,
                           lease.Lease(job, time.monotonic() + 60, 60), driver)
        try:
            handlers_[job.kind].run(work)
        except runner.LATER:
            with ctx.writing():
                jobs.put_back(ctx, job, 0, False)

    # --- what must hold all the time
    def watch(self, stop, seen):
        """Note what is over its limit, or counted wrong, at any commit that is looked at."""
        ctx = stand_in.make_context(self.bench.app)
        while not stop.wait(0.05):
            for project in PROJECTS:
                seen.extend(quota_repair.differences(ctx, project))
                with ctx.reading():
                    used = quotas.usages(ctx, project)
                seen.extend((project, name, amount) for name, amount in used.items()
                            if not 0 <= amount <= self.limits[name])


@pytest.fixture
def edge(any_app, tmp_path):
    any_app.policy = stand_in.Anybody()
    return Edge(workbench.Bench(any_app, tmp_path, bound=1000))


def run(edge, number):
    """One round: 32 requests at once, and what the services make of them. What was seen wrong meanwhile."""
    bench, posted, watched, seen = edge.bench, threading.Event(), threading.Event(), []
    watcher = threading.Thread(target=edge.watch, args=(watched, seen))
    services = [threading.Thread(target=edge.serve, name=f'{topic}-{number}', args=(topic, served, driver, posted))
                for number in range(WORKERS) for topic, served, driver in (
                    (transport.SCHEDULER, handlers.scheduler(bench.picker), None),
                    (workbench.BACKEND, handlers.BACKEND, bench.driver))]
    for thread in (watcher, *services):
        thread.start()
    try:
        failed = [each for each in workbench.race(*(
            lambda seed=seed: edge.act(f'{number}.{seed}') for seed in range(THREADS))) if each is not None]
    finally:
        posted.set()
        for thread in services:
            thread.join(60)
        watched.set()
        watcher.join(60)
    assert failed == []
    return seen


def test_never_one_over_and_never_one_drifted(edge):
    for number in range(ROUNDS):
        assert run(edge, number) == []
        edge.bench.all_is_well()
    done = {what for what, outcome in edge.outcomes if outcome == 'done'}
    assert done == {'create', 'delete', 'extend', 'retype', 'transfer', 'snapshot'}, edge.outcomes
    assert ('create', 'OverQuota') in edge.outcomes, edge.outcomes

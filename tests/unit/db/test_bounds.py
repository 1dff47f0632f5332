# SPDX-License-Identifier: Apache-2.0
"""Quota and claims: the bound holds however many ask at once, and usage equals what was granted."""

import concurrent.futures
import uuid

import pytest
import stand_in
from oslo_db import api as db_api

from blockctl import exceptions
from blockctl.db import checks
from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db import volumes

POOL = 'node@rbd#volumes'
THREADS = 8


def report(ctx, sequence=1, bound=100, foreign=0, claimed=0):
    with ctx.writing():
        return pools.report(ctx, 'node@rbd', POOL, sequence, claimed, bound, foreign, {'pool_name': 'volumes'})


def make_volume(ctx, size=1, host=POOL):
    """As a create leaves it: quota, row and claim in one transaction. Returns its id, or None when it does not fit."""
    volume_id = str(uuid.uuid4())

    @db_api.wrap_db_retry(max_retries=20, retry_on_deadlock=True, retry_interval=0.01, max_retry_interval=0.1)
    def attempt():
        with ctx.writing():
            quotas.reserve(ctx, ctx.project_id, quotas.volume_deltas(size, None))
            if host and not pools.claim(ctx, host, size):
                raise exceptions.BackendFull(reason='claimed')
            volumes.insert(ctx, {}, id=volume_id, project_id=ctx.project_id, size=size, status='available', host=host)

    try:
        attempt()
    except (exceptions.OverQuota, exceptions.BackendFull):
        return None
    return volume_id


def in_threads(app, function, times):
    def one(_):
        return function(stand_in.make_context(app))

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(times)))


def test_quota_is_never_passed(any_app):
    any_app.conf.set_override('quota_volumes', 10)
    ctx = stand_in.make_context(any_app)
    report(ctx)
    made = in_threads(any_app, make_volume, 30)
    assert sum(volume is not None for volume in made) == 10
    with ctx.reading():
        assert quotas.usages(ctx, 'p1')['volumes'] == 10
        assert checks.claims(ctx) == []


def test_a_pool_is_never_promised_twice(any_app):
    any_app.conf.set_override('quota_volumes', -1)
    ctx = stand_in.make_context(any_app)
    report(ctx, bound=12, foreign=2)
    made = in_threads(any_app, make_volume, 30)
    assert sum(volume is not None for volume in made) == 10
    with ctx.reading():
        assert checks.claims(ctx) == []


def test_removing_gives_all_back_and_leaves_a_line_of_history(ctx):
    report(ctx)
    volume_id = make_volume(ctx, size=5)
    with ctx.writing():
        volumes.remove(ctx, volumes.get(ctx, volume_id))
    with ctx.reading():
        assert quotas.usages(ctx, 'p1')['gigabytes'] == 0
        assert checks.claims(ctx) == []
        assert not volumes.exists(ctx, volume_id)


@pytest.mark.parametrize(('limit', 'fits'), [(-1, True), (5, True), (4, False)])
def test_the_numbers_are_told(ctx, limit, fits):
    ctx.conf.set_override('quota_gigabytes', limit)
    try:
        with ctx.writing():
            quotas.reserve(ctx, 'p1', {'gigabytes': 5})
    except exceptions.OverQuota as error:
        assert not fits
        assert error.values == {'resource': 'gigabytes', 'requested': 5, 'limit': 4, 'used': 0}
    else:
        assert fits


def test_what_is_refused_leaves_nothing(ctx):
    ctx.conf.set_override('quota_gigabytes', 1)
    with pytest.raises(exceptions.OverQuota), ctx.writing():
        quotas.reserve(ctx, 'p1', {'volumes': 1, 'gigabytes': 2})
    with ctx.reading():
        assert quotas.usages(ctx, 'p1') == {}


def test_an_older_report_is_refused(ctx):
    assert report(ctx, sequence=10, bound=100)
    assert not report(ctx, sequence=9, bound=1)
    assert report(ctx, sequence=11, bound=50)
    with ctx.reading():
        (pool,), _ = pools.changed_since(ctx, None)
    assert (pool.bound, pool.sequence) == (50, 11)


def test_a_pool_reported_late_counts_the_rows_that_name_it(ctx):
    make_volume(ctx, size=3, host=None)
    with ctx.writing():
        volumes.insert(ctx, {}, id='v', project_id='p', size=7, status='available', host=POOL)
    report(ctx)
    with ctx.reading():
        (pool,), _ = pools.changed_since(ctx, None)
        assert pool.claimed == 7
        assert checks.claims(ctx) == []


def test_what_came_and_went_since_a_report_does_not_count_against_it(ctx):
    """A pool's physical free space is as old as its report; only what is claimed on balance since lowers it."""
    report(ctx)
    for _ in range(5):
        volume_id = make_volume(ctx, size=3)
        with ctx.writing():
            volumes.remove(ctx, volumes.get(ctx, volume_id))
    make_volume(ctx, size=2)
    with ctx.reading():
        (row,), _ = pools.changed_since(ctx, None)
    assert row.claimed - row.claimed_at_report == 2

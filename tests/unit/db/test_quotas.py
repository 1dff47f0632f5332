# SPDX-License-Identifier: Apache-2.0
"""Limits: where each comes from, on each kind of database."""

import pytest
import stand_in

from blockctl.db import quotas


@pytest.fixture
def ctx(any_app):
    return stand_in.make_context(any_app)


def test_a_limit_is_the_projects_or_the_class_s_or_the_options(ctx):
    ctx.conf.set_override('quota_snapshots', 7)
    with ctx.writing():
        quotas.set_class_limits(ctx, 'default', {'volumes': 20, 'gigabytes': 200})
        quotas.set_class_limits(ctx, 'special', {'volumes': 99})
        quotas.set_limits(ctx, 'p1', {'gigabytes': -1, 'volumes_abc': 4})
    with ctx.reading():
        own, others = quotas.limits(ctx, 'p1'), quotas.limits(ctx, 'p2')
        assert (own['snapshots'], own['volumes'], own['gigabytes'], own['volumes_abc']) == (7, 20, -1, 4)
        assert (others['volumes'], others['gigabytes'], others.get('volumes_abc')) == (20, 200, None)
        assert quotas.class_limits(ctx, 'default') == others
        assert quotas.class_limits(ctx, 'special')['volumes'] == 99
        assert set(quotas.NAMES) <= set(others)


def test_a_limit_may_be_set_again_and_forgotten(ctx):
    for limit in (5, 5, 2 ** 31 - 1, 0):
        with ctx.writing():
            quotas.set_limits(ctx, 'p1', {'volumes': limit})
            assert quotas.limits(ctx, 'p1')['volumes'] == limit
    with ctx.writing():
        quotas.set_limits(ctx, 'p2', {'volumes': 3})
        quotas.forget_limits(ctx, 'p1')
        assert quotas.limits(ctx, 'p1')['volumes'] == 10
        assert quotas.limits(ctx, 'p2')['volumes'] == 3

# SPDX-License-Identifier: Apache-2.0
"""Limits: where each comes from, on each kind of database."""

import pytest
import stand_in

from blockctl import exceptions
from blockctl.db import quotas
from blockctl.db import volume_types


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


def test_the_default_class_may_hold_for_nobody(ctx):
    with ctx.writing():
        quotas.set_class_limits(ctx, 'default', {'volumes': 20, 'volumes_abc': 3})
        quotas.set_limits(ctx, 'p1', {'gigabytes': 5})
    ctx.conf.set_override('use_default_quota_class', False)
    with ctx.reading():
        own = quotas.limits(ctx, 'p1')
        assert (own['volumes'], own['gigabytes'], own.get('volumes_abc')) == (10, 5, None)
        assert quotas.limits(ctx, 'p2') == quotas.defaults(ctx)
        assert quotas.defaults(ctx)['volumes'] == 10
        assert quotas.class_limits(ctx, 'default')['volumes'] == 20


@pytest.mark.parametrize(('deltas', 'told'), [
    (quotas.volume_deltas(1, 'a' * 36), 'volumes_gold'), ({'backup_gigabytes': 1}, 'backup_gigabytes')])
def test_a_refusal_names_the_type_not_its_id(ctx, deltas, told):
    with ctx.writing():
        volume_types.insert_type(ctx, 'a' * 36, 'gold', None, True, {})
        quotas.set_limits(ctx, 'p1', {f'volumes_{"a" * 36}': 0, 'backup_gigabytes': 0})
    with pytest.raises(exceptions.OverQuota, match=f'resource {told}:'), ctx.writing():
        quotas.reserve(ctx, 'p1', deltas)

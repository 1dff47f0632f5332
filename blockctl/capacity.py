# SPDX-License-Identifier: Apache-2.0
"""How much of a pool may be promised. Amounts are GiB."""

import math


def ratio(report):
    """What the total counts for: max_over_subscription_ratio for a thin pool, 1 for a thick one."""
    if not report.get('thin_provisioning_support'):
        return 1.0
    return max(1.0, float(report.get('max_over_subscription_ratio') or 1.0))


def bound(report):
    """What claimed + foreign may reach: total x ratio x (1 - reserved). None where the total is not known."""
    total = report.get('total_capacity_gb')
    if not isinstance(total, (int, float)):
        return None
    kept = 1 - report.get('reserved_percentage', 0) / 100
    return max(0, math.floor(total * ratio(report) * kept + 1e-6))


def virtual_free(pool):
    """What the physical free space, less its reserve, is good for, less what was claimed since it was measured."""
    reserve = (pool.total or 0) * pool.report.get('reserved_percentage', 0) / 100
    return max(0.0, max(0.0, pool.free - reserve) * ratio(pool.report) - pool.added)

# SPDX-License-Identifier: Apache-2.0
"""How much of a pool may be promised. Amounts are GiB.

A pool is full when claimed (the sizes of the rows that name it) and foreign (what else is there) reach its bound. The
claim (db/pools.py) decides by that bound and so does the CapacityFilter, so that the two never disagree.
"""

import math

#: The ratio of a thin pool whose max_over_subscription_ratio is 'auto', while nothing is provisioned on it.
AUTO = 'auto'
AUTO_AT_FIRST = 20.0

#: The extra spec that says how a volume's space is to be provisioned, and the value that asks for all of it at once.
PROVISIONING = 'provisioning:type'
THICK = 'thick'


def is_thick(extra_specs):
    """Whether a type asks for volumes that have all their space from the start, wherever they are."""
    return (extra_specs.get(PROVISIONING) or '').strip().lower() == THICK


def over_subscription(asked, provisioned, total, free):
    """The number for max_over_subscription_ratio as it was configured: text, a number or 'auto'.

    'auto' goes on as until now: what is provisioned against what is used of it (a GiB more, so that little use does not
    promise without end).
    """
    if asked != AUTO:
        return float(asked)
    if not provisioned or total is None or free is None:
        return AUTO_AT_FIRST
    return round(1 + provisioned / (max(0, total - free) + 1), 2)


def ratio(report, thick=False):
    """What the total counts for: max_over_subscription_ratio for thin volumes on a thin pool, else 1."""
    if thick or not report.get('thin_provisioning_support'):
        return 1.0
    return max(1.0, float(report.get('max_over_subscription_ratio') or 1.0))


def bound(report, claimed=0, foreign=0, thick=False):
    """What claimed + foreign may reach, or None where the backend cannot say.

    That is total x ratio x (1 - reserved); or, if less, what was there at the time of the report, with what the
    physical space that was free then, less its reserve, is good for.  ``claimed`` and ``foreign``: as they were then.
    """
    total, free = number(report.get('total_capacity_gb')), number(report.get('free_capacity_gb'))
    reserved = report.get('reserved_percentage', 0) / 100
    times = ratio(report, thick)
    bounds = []
    if total is not None:
        bounds.append(total * times * (1 - reserved))
    if free is not None:
        bounds.append(claimed + foreign + max(0.0, free - (total or 0) * reserved) * times)
    return max(0, math.floor(min(bounds) + 1e-6)) if bounds else None


def number(value):
    """``value``, or None where it is a word: a capacity is 'infinite' or 'unknown' as well."""
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None

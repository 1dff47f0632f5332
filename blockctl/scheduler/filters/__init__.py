# SPDX-License-Identifier: Apache-2.0
"""Which pools a request may have.

A filter is an entry point of ``blockctl.scheduler.filters``: a function ``make(conf)``, called once, that returns a
function ``prepare(request)`` (scheduler/request.py), called for each request. That returns a :class:`Test`, or None
when the request asks nothing of it.  ``prepare.counts = True`` says that the filter reads ``Pool.volumes``.
"""

import typing
from collections.abc import Callable


class Test(typing.NamedTuple):
    """What one request asks of pools (scheduler/pools.Pool).

    ``select(pools)``: a new list of those that pass, in their order.  ``why(pool)``: for administrators, of a pool that
    does not: what it has, and what is asked for.
    """

    select: Callable
    why: Callable


def each(passes, why):
    """The Test that asks ``passes(pool)`` of every pool."""
    return Test(lambda pools: [pool for pool in pools if passes(pool)], why)


def none(reason):
    """The Test that no pool passes."""
    return Test(lambda pools: [], lambda pool: reason)

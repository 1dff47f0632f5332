# SPDX-License-Identifier: Apache-2.0
"""CapabilitiesFilter: the pool reports what the type's extra specs ask for (blockctl/extra_specs.py).

What was found of a report is kept with it: the same type asks again and again, and reports change about once a minute.
"""

import functools
import itertools

from blockctl import extra_specs
from blockctl.scheduler.filters import Test


def make(conf):
    return prepare


def prepare(request):
    if not request.extra_specs:
        return None
    number, wanted = _read(frozenset(request.extra_specs.items()))
    if not wanted:
        return None

    def look(pool):
        verdict = pool.verdicts[number] = wanted.satisfied(pool.report)
        return verdict

    def select(pools):
        return [pool for pool in pools
                if (verdict := pool.verdicts.get(number)) or (verdict is None and look(pool))]

    return Test(select, lambda pool: wanted.lacking(pool.report))


_NUMBERS = itertools.count()


@functools.lru_cache(maxsize=1000)
def _read(pairs):
    """(a number for these extra specs, what they ask for)."""
    return next(_NUMBERS), extra_specs.Wanted(dict(pairs))

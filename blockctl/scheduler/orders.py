# SPDX-License-Identifier: Apache-2.0
"""What the weights are for: the order in which pools are tried.

An order is an entry point of ``blockctl.scheduler.orders``: a function ``order(weights)``, which yields the indexes of
all of them, the one to be tried first at first.
"""

import heapq
import math
import random

#: So many are looked for at first: a claim seldom fails, so the order of all pools is seldom needed.
AT_FIRST = 5


def by_weight(weights):
    """The heaviest first; of equals the first, which is the one whose name comes first."""
    edge = heapq.nlargest(AT_FIRST, weights)[-1] if len(weights) > AT_FIRST else -math.inf
    heavier = [index for index, weight in enumerate(weights) if weight > edge]
    # Sorting is stable, so equals stay in the order of their names.
    yield from sorted(heavier, key=lambda index: -weights[index])
    yield from (index for index, weight in enumerate(weights) if weight == edge)
    lighter = [index for index, weight in enumerate(weights) if weight < edge]
    yield from sorted(lighter, key=lambda index: -weights[index])


def by_lot(weights):
    """By chance: how heavy a pool is, less the lightest, is how likely it comes next. Equals are equally likely."""
    least = min(weights, default=0)
    shares = [weight - least for weight in weights]
    if not any(shares):
        shares = [1.0] * len(shares)
    # Whoever of several clocks rings first, does so with the share of its rate in all rates.
    yield from by_weight([-random.expovariate(share) if share else -math.inf for share in shares])

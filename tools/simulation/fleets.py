# SPDX-License-Identifier: Apache-2.0
"""Made installations: of a description and a seed, always the same."""

import dataclasses
import itertools
import random

from blockctl import capacity

from simulation.installations import Installation
from simulation.installations import PoolRecord
from simulation.installations import Wish

POOLS_OF_A_BACKEND = 5

#: Sizes of new volumes (GiB), and how often each is asked for: many small ones, few large.
SIZES = {1: 10, 5: 10, 10: 25, 20: 15, 50: 20, 100: 12, 500: 6, 1000: 2}

#: Each type but the first is for pools that report this of it.
TIER = 'tier'

#: Every so many types ask for thick volumes.
THICK_TYPES = 4


@dataclasses.dataclass(frozen=True)
class Description:
    """``thin``: share of the pools that are thin; ``totals``: GiB, of which each pool has one; ``fill``: how much of
    what may be promised is promised at first, on average; ``unknown``: share of the pools that do not tell their
    capacity.
    """

    pools: int = 100
    thin: float = 0.5
    zones: int = 1
    types: int = 4
    totals: tuple[int, ...] = (1000, 2000, 5000)
    ratio: float = 5.0
    fill: float = 0.0
    unknown: float = 0.0


def make(description, seed):
    """The Installation of a Description: types and zones in turn, everything else by lot."""
    lots = random.Random(f'fleet {seed}')
    types = {f'type{number}': _extra_specs(number) for number in range(description.types)}
    zones = [f'zone{number}' for number in range(description.zones)]
    tiers = list(types)[1:] or [None]
    records = [_pool(description, number, zones, tiers, lots) for number in range(description.pools)]
    # The first type is asked for most, then the second, and so on.
    wishes = {Wish(type_id, zone, size): often / place
              for (place, type_id), zone, (size, often) in itertools.product(
                  enumerate(types, 1), zones, SIZES.items())}
    return Installation(records, types, [], wishes)


def _extra_specs(number):
    specs = {} if number == 0 else {TIER: f'type{number}'}
    return specs | ({capacity.PROVISIONING: capacity.THICK} if number % THICK_TYPES == THICK_TYPES - 1 else {})


def _pool(description, number, zones, tiers, lots):
    backend, place = divmod(number, POOLS_OF_A_BACKEND)
    thin = lots.random() < description.thin
    total = lots.choice(description.totals)
    report = {'pool_name': f'p{place}', 'volume_backend_name': 'made', 'total_capacity_gb': total,
              'reserved_percentage': 5, 'thin_provisioning_support': thin, 'thick_provisioning_support': not thin,
              'max_over_subscription_ratio': description.ratio if thin else 1.0,
              'availability_zone': zones[backend % len(zones)], TIER: tiers[number % len(tiers)]}
    foreign = int(total * lots.uniform(0, 0.05))
    full = capacity.bound(report)
    claimed = max(0, int(full * min(1.0, description.fill * lots.uniform(0.5, 1.5))) - foreign)
    if lots.random() < description.unknown:
        report |= {'total_capacity_gb': 'unknown', 'free_capacity_gb': 'unknown'}
    else:
        report['free_capacity_gb'] = round(max(0.0, total - foreign - claimed / capacity.ratio(report)), 2)
    return PoolRecord(f'node{backend:05}@made#p{place}', report, claimed, foreign,
                      capacity.bound(report, claimed, foreign), claimed)

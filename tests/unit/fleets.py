# SPDX-License-Identifier: Apache-2.0
"""Small fleets, and what is chosen of them."""

import functools

from blockctl import conf as configuration
from blockctl.scheduler import pick
from blockctl.scheduler import pools


def pool(name, total=100, free=None, claimed=0, foreign=0, at_report=None, volumes=None, **report):
    """A pool of ``total`` GiB, thick unless ``thin`` is true; ``free``: the physical space at its report."""
    report = {'total_capacity_gb': total, 'free_capacity_gb': 'unknown' if free is None else free,
              'thin_provisioning_support': report.pop('thin', False), 'availability_zone': report.pop('zone', 'nova'),
              'max_over_subscription_ratio': report.pop('ratio', 1.0), **report}
    return pools.made(name, report, claimed, foreign, volumes=volumes,
                      claimed_at_report=claimed if at_report is None else at_report)


class Broken(pools.Fleet):
    """Some of its pools are of services that are down, or disabled."""

    def __init__(self, found, down=(), disabled=()):
        super().__init__([*found, *down, *disabled])
        self._states = {pool.name: None for pool in down} | {pool.name: False for pool in disabled}

    def _state(self, pool):
        return self._states.get(pool.name, True)


@functools.cache
def _defaults():
    return configuration.load([], files=[])


def picker(fleet, **options):
    """A Picker with these options; it reads them only when it is made."""
    conf = _defaults()
    for name, value in options.items():
        conf.set_override(name, value)
    try:
        return pick.Picker(conf, fleet)
    finally:
        for name in options:
            conf.clear_override(name)


def choose(spec, *found, ctx=None, **options):
    """What is chosen of these pools for a GiB, or what ``spec`` says."""
    return picker(pools.Fleet(found), **options).pick(ctx, {'size': 1, **spec})


def names(choice):
    return [pool.name for pool in choice]

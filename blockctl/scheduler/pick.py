# SPDX-License-Identifier: Apache-2.0
"""Choosing a pool: filters one after another, then weighers; pure functions of the request and the pools.

What a filter or weigher is: a function ``(spec, pools) -> pools that pass`` or ``(spec, pools) -> {pool: weight}``,
found by its name under ``blockctl.scheduler.filters`` and ``blockctl.scheduler.weighers``.
"""

from oslo_log import log as logging
from stevedore import named

from blockctl import exceptions

LOG = logging.getLogger(__name__)


class Choice:
    """The pools that fit, best first, and what became of the others.

    ``final``: nothing will change by waiting a little. (Else services that count as down had no chance to beat.)
    """

    def __init__(self, pools, refused, final=True):
        self.pools = pools
        self.refused = refused  # [(filter, how many pools it refused)], in order
        self.final = final

    def lost(self, pool):
        """Another request took the room of a pool between the look and the claim."""
        self.refused.append(('claim', 1))
        LOG.debug('Pool %s was full when it was to be claimed.', pool.name)

    def summary(self):
        """For tenants: filters and counts, no names."""
        merged = {}
        for name, count in self.refused:
            merged[name] = merged.get(name, 0) + count
        told = ', '.join(f'{name}: {count}' for name, count in merged.items() if count)
        return f'Pools refused by each filter: {told}.' if told else 'There are no pools.'


def _bound(spec):
    """The filter, that is not configured, for what is made of something: only that one's backend can make it."""
    backend = spec.get('resource_backend')
    return [('elsewhere than its source', lambda spec, pool: pool.backend == backend)] if backend else []


class Picker:
    """The configured filters and weighers over a :class:`~blockctl.scheduler.pools.Pools`."""

    def __init__(self, conf, pools, beat=None):
        """``beat``: tells whether services that do not beat are down (jobs/lease.py); None: they are."""
        self._pools = pools
        self._beat = beat
        self._filters = _load('filters', conf.scheduler_default_filters, conf)
        self._weighers = _load('weighers', conf.scheduler_default_weighers, conf)

    def pick(self, ctx, spec):
        """``spec``: the payload of a create job plus ``excluded`` and ``project_id``. Returns a :class:`Choice`."""
        pools, down, disabled = self._pools.usable(ctx)
        refused = [('service down', down), ('service disabled', disabled)]
        excluded = set(spec.get('excluded') or ())
        left = [pool for pool in pools if pool.name not in excluded]
        refused.append(('already tried', len(pools) - len(left)))
        for name, passes in (*_bound(spec), *self._filters):
            before = left
            left = [pool for pool in before if passes(spec, pool)]
            refused.append((name, len(before) - len(left)))
            if LOG.isEnabledFor(logging.DEBUG) and len(left) < len(before):
                gone = sorted({pool.name for pool in before} - {pool.name for pool in left})
                LOG.debug('%s refused %s', name, ', '.join(gone))
        final = not down or self._beat is None or self._beat.silence_counts
        return Choice(self._order(spec, left), refused, final)

    def _order(self, spec, pools):
        totals = {pool.name: 0.0 for pool in pools}
        for _name, weigh in self._weighers:
            multiplier, weights = weigh(spec, pools)
            for name, weight in _normalised(weights).items():
                totals[name] += multiplier * weight
        # The name decides between equals, so that the order of pools never does.
        return sorted(pools, key=lambda pool: (-totals[pool.name], pool.name))


def _normalised(weights):
    low, high = min(weights.values(), default=0), max(weights.values(), default=0)
    if low == high:
        return dict.fromkeys(weights, 0.0)
    return {name: (weight - low) / (high - low) for name, weight in weights.items()}


def _load(kind, names, conf):
    def missing(absent):
        raise exceptions.ConfigurationError(reason=f'scheduler_default_{kind} names {", ".join(sorted(absent))}, '
                                                   f'which no package provides')

    manager = named.NamedExtensionManager(
        f'blockctl.scheduler.{kind}', names, name_order=True, on_missing_entrypoints_callback=missing)
    return [(extension.name, extension.plugin(conf)) for extension in manager]

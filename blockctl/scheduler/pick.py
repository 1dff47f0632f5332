# SPDX-License-Identifier: Apache-2.0
"""Choosing a pool: filters one after another, then weighers, then an order; functions of the request and the pools.

Each of them is found by its name (conf/scheduler.py) among the entry points of ``blockctl.scheduler.filters``,
``.weighers``, ``.orders`` and ``.ways``, where other packages can add theirs; what one has to be is said in
scheduler/filters/__init__.py, scheduler/weighers/__init__.py and scheduler/orders.py.
"""

import functools
import math
import operator
import typing

from oslo_log import log as logging
from stevedore import named

from blockctl import exceptions
from blockctl.scheduler import explain
from blockctl.scheduler import request as requests
from blockctl.scheduler.filters import Test
from blockctl.scheduler.filters import each

LOG = logging.getLogger(__name__)


class Choice:
    """The pools that fit, best first, and what became of the others.

    ``final``: nothing will change by waiting a little. (Else services that count as down had no chance to beat.)
    """

    def __init__(self, request, fleet, passed, order, refused, final=True):
        self.request = request
        self.refused = refused  # [(filter, how many pools it refused)], in order
        self.final = final
        self._fleet = fleet
        self._passed = passed
        self._order = order  # indexes of those, best first: worked out as far as it is needed
        self._drawn = []

    def __iter__(self):
        """Pools, best first."""
        place = 0
        while place < len(self._passed):
            if place == len(self._drawn):
                self._drawn.append(self._passed[next(self._order)])
            yield self._drawn[place]
            place += 1

    def __bool__(self):
        return bool(self._passed)

    @property
    def pools(self):
        """All pools that fit, best first."""
        return list(self)

    def limit(self, pool):
        """What the claim of a pool has to be told beside the size (db/pools.claim)."""
        return pool.limit(self.request.thick)

    def claimed(self, pool):
        """The claim was granted, and is committed."""
        self._fleet.claimed(pool, self.request.size)

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


def _untried(request):
    excluded = request.excluded
    return each(lambda pool: pool.name not in excluded, lambda pool: 'it was tried, or is to be left') \
        if excluded else None


def _at_source(request):
    """What is made of something can be made by that one's backend only."""
    backend = request.spec.get('resource_backend')
    return Test(lambda pools: [pool for pool in pools if pool.backend == backend],
                lambda pool: f'the source is on {backend}') if backend else None


def _as_asked(request):
    """Who asks for a place by name gets no other, but that one is looked at like any."""
    place = request.spec.get('to')
    return Test(lambda pools: [pool for pool in pools if place in (pool.name, pool.backend)],
                lambda pool: f'{place} is asked for') if place else None


#: Filters that are there whatever is configured, and those of them that are told of only when they are asked.
_ALWAYS = (('already tried', _untried),)
_WHERE_ASKED = (('elsewhere than its source', _at_source), ('elsewhere than asked', _as_asked))


class Picker:
    """The configured way of choosing, over a :class:`~blockctl.scheduler.pools.Fleet`."""

    def __init__(self, conf, fleet, beat=None):
        """``beat``: tells whether services that do not beat are down (jobs/lease.py); None: they are."""
        self._fleet = fleet
        self._beat = beat
        [(_name, way)] = _load('ways', 'scheduler_driver', [conf.scheduler_driver])
        way = way(conf)
        self._filters = [(name, make(conf)) for name, make in _load(
            'filters', 'scheduler_default_filters', way.filters)]
        self._weighers = [(name, make(conf)) for name, make in _load(
            'weighers', 'scheduler_default_weighers', way.weighers)]
        [(_name, self._order)] = _load('orders', 'scheduler_weight_handler', [way.order])
        self._counting = any(weigher.counts for _name, weigher in self._weighers) or any(
            getattr(prepare, 'counts', False) for _name, prepare in self._filters)

    def pick(self, ctx, spec):
        """``spec``: see scheduler/request.py. Returns a :class:`Choice`.

        Called outside of any transaction: filters may ask other services.
        """
        record = explain.Record() if LOG.isEnabledFor(logging.DEBUG) else None
        choice = self._pick(ctx, spec, record)
        if record is not None:
            explain.log(LOG, spec, choice, record)
        return choice

    def explain(self, ctx, spec):
        """(the Choice that would be made now, the explain.Record of how)."""
        record = explain.Record()
        return self._pick(ctx, spec, record), record

    def _pick(self, ctx, spec, record):
        request = requests.Request(ctx, spec)
        look = self._fleet.look(ctx, counting=self._counting)
        tests = self._tests(request)
        choice = self._choose(request, look, tests, record)
        if not choice and not look.fresh:
            # What is known is a moment old, and something else may be true by now.
            choice = self._choose(request, self._fleet.look(ctx, anew=True, counting=self._counting), tests, record)
        return choice

    def _tests(self, request):
        """[(name, Test or None)]."""
        asked = [(name, test) for name, prepare in _WHERE_ASKED if (test := prepare(request)) is not None]
        return [*((name, prepare(request)) for name, prepare in _ALWAYS), *asked,
                *((name, prepare(request)) for name, prepare in self._filters)]

    def _choose(self, request, look, tests, record):
        refused = [('service down', len(look.down)), ('service disabled', len(look.disabled))]
        if record is not None:
            record.begin(look)
        left = list(look.usable)
        for name, test in tests:
            before = left
            if test is not None and before:
                left = test.select(before)
                if record is not None:
                    record.filtered(name, test, before, left)
            refused.append((name, len(before) - len(left)))
        weights = self._weigh(request, left, record)
        final = not look.down or self._beat is None or self._beat.silence_counts
        return Choice(request, self._fleet, left, self._order(weights), refused, final)

    def _weigh(self, request, pools, record):
        totals = None
        for name, weigher in self._weighers if pools else ():
            raw = weigher.weigh(request, pools)
            weights = _multiplied(weigher.multiplier, raw)
            if record is not None:
                record.weighed(name, weigher.multiplier, pools, raw, weights)
            totals = weights if totals is None else list(map(operator.add, totals, weights))
        return [0.0] * len(pools) if totals is None else totals


def _multiplied(multiplier, weights):
    """The weights, stretched from 0 to 1, times their multiplier."""
    low = min(weights)
    span = max(weights) - low
    if not span:
        return [0.0] * len(weights)
    if not math.isfinite(span):
        raise exceptions.ConfigurationError(reason='a weigher gives weights that are no finite numbers')
    return [multiplier * ((weight - low) / span) for weight in weights]


class Way(typing.NamedTuple):
    """What a scheduler_driver chooses by: names of entry points."""

    filters: list[str]
    weighers: list[str]
    order: str


def by_configuration(conf):
    """FilterScheduler."""
    return Way(conf.scheduler_default_filters, conf.scheduler_default_weighers, conf.scheduler_weight_handler)


def fewest_volumes(conf):
    """SimpleScheduler."""
    return Way(conf.scheduler_default_filters, ['FewestVolumesWeigher'], 'ordered')


def any_that_passes(conf):
    """ChanceScheduler."""
    return Way(conf.scheduler_default_filters, ['ChanceWeigher'], 'ordered')


def _load(kind, option, names):
    """[(name, what the entry point is)], in the order of ``names``."""
    manager = named.NamedExtensionManager(
        f'blockctl.scheduler.{kind}', names, name_order=True,
        on_missing_entrypoints_callback=functools.partial(_missing, option))
    return [(extension.name, extension.plugin) for extension in manager]


def _missing(option, absent):
    raise exceptions.ConfigurationError(reason=f'{option} names {", ".join(sorted(absent))}, which no package provides')

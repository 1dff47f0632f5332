# SPDX-License-Identifier: Apache-2.0
"""What holds of every fleet and every request."""

import hypothesis
from hypothesis import strategies as st

import fleets
from blockctl import capacity
from blockctl import extra_specs
from blockctl.scheduler import pools

AMOUNTS = st.one_of(st.just('unknown'), st.just('infinite'), st.integers(0, 200), st.floats(0, 200))


@st.composite
def a_pool(draw, name):
    total = draw(AMOUNTS)
    report = {
        'total_capacity_gb': total, 'free_capacity_gb': draw(AMOUNTS), 'reserved_percentage': draw(st.integers(0, 60)),
        'max_over_subscription_ratio': draw(st.floats(1, 20)), 'thin_provisioning_support': draw(st.booleans()),
        'thick_provisioning_support': draw(st.booleans()), 'availability_zone': draw(st.sampled_from(['z1', 'z2'])),
        'disk': draw(st.sampled_from(['ssd', 'hdd']))}
    claimed = draw(st.integers(0, 100))
    return pools.made(f'h@{name}#p', report, claimed, draw(st.integers(0, 50)),
                      claimed_at_report=max(0, claimed - draw(st.integers(0, 20))))


@st.composite
def a_fleet(draw):
    return [draw(a_pool(name)) for name in 'abcdefgh'[:draw(st.integers(0, 8))]]


REQUESTS = st.fixed_dictionaries({
    'size': st.integers(0, 150), 'availability_zone': st.sampled_from([None, 'z1', 'z2']),
    'extra_specs': st.fixed_dictionaries({}, optional={
        'disk': st.sampled_from(['ssd', 'hdd', '<or> ssd <or> hdd', 's!= ssd']),
        'provisioning:type': st.sampled_from(['thin', 'thick'])}),
    'excluded': st.lists(st.sampled_from([f'h@{name}#p' for name in 'abc']), max_size=2)})

WEIGHERS = st.lists(st.sampled_from(['CapacityWeigher', 'AllocatedCapacityWeigher', 'VolumeNumberWeigher']), max_size=3,
                    unique=True)


def choose(fleet, spec, weighers=('CapacityWeigher',), order='ordered'):
    return fleets.names(fleets.choose(spec, *fleet, scheduler_default_weighers=list(weighers),
                                      scheduler_weight_handler=order))


@hypothesis.given(a_fleet(), REQUESTS, WEIGHERS, st.sampled_from(['ordered', 'stochastic']))
@hypothesis.settings(max_examples=100, deadline=None)
def test_a_pool_is_chosen_exactly_when_it_passes_every_filter(fleet, spec, weighers, order):
    chosen = choose(fleet, spec, weighers, order)
    assert len(chosen) == len(set(chosen))
    thick = capacity.is_thick(spec['extra_specs'])
    for pool in fleet:
        bound = capacity.bound(pool.report, pool.claimed_at_report, pool.foreign, thick)
        passes = (pool.name not in spec['excluded'] and spec['availability_zone'] in (None, pool.zone)
                  and extra_specs.satisfied(pool.report, spec['extra_specs'])
                  and (not spec['size'] or bound is None or pool.claimed + pool.foreign + spec['size'] <= bound))
        assert (pool.name in chosen) is passes


@hypothesis.given(a_fleet(), REQUESTS, WEIGHERS, st.randoms(use_true_random=False))
@hypothesis.settings(max_examples=60, deadline=None)
def test_the_order_of_pools_does_not_matter(fleet, spec, weighers, chance):
    shuffled = list(fleet)
    chance.shuffle(shuffled)
    assert choose(fleet, spec, weighers) == choose(shuffled, spec, weighers)


@hypothesis.given(a_fleet(), REQUESTS, st.integers(0, 7), st.integers(1, 100))
@hypothesis.settings(max_examples=60, deadline=None)
def test_more_room_never_makes_a_placement_impossible(fleet, spec, which, more):
    before = choose(fleet, spec)
    for index, pool in enumerate(fleet):
        if index == which:
            report = dict(pool.report)
            for name in ('total_capacity_gb', 'free_capacity_gb'):
                if capacity.number(report[name]) is not None:
                    report[name] += more
            fleet[index] = pools.made(pool.name, report, pool.claimed, pool.foreign,
                                      claimed_at_report=pool.claimed_at_report)
    assert set(before) <= set(choose(fleet, spec))


@hypothesis.given(a_fleet(), st.lists(st.integers(1, 30), max_size=40), st.booleans())
@hypothesis.settings(max_examples=50, deadline=None)
def test_no_pool_is_filled_beyond_its_bound(fleet, sizes, thick):
    """With each choice claimed before the next, as one scheduler does it."""
    kept = pools.Fleet(fleet)
    scheduler = fleets.picker(kept)
    bounds = {pool.name: pool.limit(thick) if thick else pool.bound for pool in fleet}
    for size in sizes:
        choice = scheduler.pick(None, {'size': size, 'extra_specs': {'provisioning:type': 'thick'} if thick else {}})
        best = next(iter(choice), None)
        if best is not None:
            choice.claimed(best)
            assert bounds[best.name] is None or best.claimed + best.foreign + size <= bounds[best.name]

# SPDX-License-Identifier: Apache-2.0
"""Filters, weighers and the arithmetic of capacity, with choices worked out by hand."""

import pytest

from blockctl import capacity
from blockctl import conf as configuration
from blockctl import exceptions
from blockctl import extra_specs
from blockctl.scheduler import pick
from blockctl.scheduler import pools


def pool(name, total=100, claimed=0, foreign=0, free=None, added=0, zone='nova', ratio=1.0, thin=False, **report):
    report = {'total_capacity_gb': total, 'thin_provisioning_support': thin, 'max_over_subscription_ratio': ratio,
              **report}
    return pools.Pool(name=name, backend=name.partition('#')[0], claimed=claimed, foreign=foreign,
                      bound=capacity.bound(report), free=free, added=added,
                      total=total if isinstance(total, int) else None, report=report, zone=zone)


class Fleet:
    """Stands in for scheduler.pools.Pools."""

    def __init__(self, *found, down=0, disabled=0):
        self._found = list(found), down, disabled

    def usable(self, ctx):
        return self._found


def choose(spec, *found, **counts):
    conf = configuration.load([], files=[])
    return pick.Picker(conf, Fleet(*found, **counts)).pick(None, {'size': 1, **spec})


def names(choice):
    return [chosen.name for chosen in choice.pools]


def test_most_room_first_whatever_the_order():
    a, b, c = pool('h@a#p', claimed=50), pool('h@b#p', claimed=10), pool('h@c#p', claimed=90)
    assert names(choose({}, a, b, c)) == names(choose({}, c, b, a)) == ['h@b#p', 'h@a#p', 'h@c#p']


def test_equals_are_ordered_by_name():
    assert names(choose({}, pool('h@b#p'), pool('h@a#p'))) == ['h@a#p', 'h@b#p']


def test_each_refusal_is_counted_and_no_name_is_told():
    choice = choose({'size': 60, 'availability_zone': 'z1', 'excluded': ['h@tried#p']},
                    pool('h@tried#p', zone='z1'), pool('h@zone#p'), pool('h@full#p', zone='z1', claimed=50),
                    down=2, disabled=1)
    assert choice.pools == []
    assert choice.refused == [('service down', 2), ('service disabled', 1), ('already tried', 1),
                              ('AvailabilityZoneFilter', 1), ('CapacityFilter', 1), ('CapabilitiesFilter', 0)]
    assert 'h@' not in choice.summary()
    assert 'AvailabilityZoneFilter: 1' in choice.summary()


def test_what_has_a_source_goes_where_that_is():
    a, b, full = pool('h@a#p'), pool('h@b#p'), pool('h@b#full', claimed=100)
    choice = choose({'resource_backend': 'h@b'}, a, b, full)
    assert names(choice) == ['h@b#p']
    assert choice.summary() == 'Pools refused by each filter: elsewhere than its source: 1, CapacityFilter: 1.'


def test_nothing_there_is_said():
    assert choose({}).summary() == 'There are no pools.'


@pytest.mark.parametrize(('made', 'size', 'fits'), [
    (pool('p', total=100, claimed=99), 1, True),
    (pool('p', total=100, claimed=99), 2, False),
    (pool('p', total=100, claimed=90, foreign=10), 1, False),
    (pool('p', total=100, claimed=150, thin=True, ratio=2.0), 50, True),
    (pool('p', total=100, claimed=150, thin=True, ratio=2.0), 51, False),
    (pool('p', total=100, claimed=0, free=0), 1, False),  # promised to nobody, but the disk is full
    (pool('p', total=100, free=10, added=8), 2, True),
    (pool('p', total=100, free=10, added=8), 3, False),
    (pool('p', total=100, reserved_percentage=10, claimed=80), 10, True),
    (pool('p', total=100, reserved_percentage=10, claimed=80), 11, False),
    (pool('p', total='unknown'), 10_000, True),
    (pool('p', total='infinite'), 10_000, True),
])
def test_capacity(made, size, fits):
    assert bool(choose({'size': size}, made).pools) is fits


@pytest.mark.parametrize(('value', 'wanted', 'passes'), [
    ('x', 'x', True), ('x', 'y', False), (5, '= 5', True), (5, '= 6', False), (7, '>= 5', True), (4, '>= 5', False),
    (5, '== 5.0', True), (5, '!= 5', False), (5, '<= 4', False), ('b', 's> a', True), ('a', 's== a', True),
    ('abc', '<in> b', True), ('abc', '<in> d', False), (True, '<is> True', True), (False, '<is> True', False),
    ('b', '<or> a <or> b', True), ('c', '<or> a <or> b', False), ('x', '>= 5', False), (None, '= 1', False)])
def test_operators(value, wanted, passes):
    assert extra_specs.satisfied({'x': value}, {'x': wanted}) is passes


@pytest.mark.parametrize(('specs', 'passes'), [
    ({'volume_backend_name': 'one'}, True), ({'volume_backend_name': 'two'}, False),
    ({'capabilities:volume_backend_name': 'one'}, True), ({'capabilities:volume_backend_name': 'two'}, False),
    ({'qos:volume_backend_name': 'two'}, True),  # scoped to somebody else
    ({'nothing_reports_this': 'x'}, False), ({'RESKEY:availability_zones': 'nova,other'}, True),
    ({'RESKEY:availability_zones': 'other'}, False)])
def test_capabilities(specs, passes):
    assert bool(choose({'extra_specs': specs}, pool('p', volume_backend_name='one')).pools) is passes


def test_an_unknown_filter_is_a_clear_error():
    conf = configuration.load([], files=[])
    conf.set_override('scheduler_default_filters', ['NoSuchFilter'])
    with pytest.raises(exceptions.ConfigurationError, match='NoSuchFilter'):
        pick.Picker(conf, Fleet())

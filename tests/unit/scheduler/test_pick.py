# SPDX-License-Identifier: Apache-2.0
"""Filters, weighers and orders, with choices worked out by hand."""

import collections
import random
import types

import pytest
from stevedore import extension

from blockctl import exceptions
from blockctl.scheduler import orders
from blockctl.scheduler import pools
from fleets import Broken
from fleets import choose
from fleets import names
from fleets import picker
from fleets import pool

VOLUME = '11111111-2222-3333-4444-555555555555'


# --- the whole
def test_most_room_first_whatever_the_order():
    a, b, c = pool('h@a#p', claimed=50), pool('h@b#p', claimed=10), pool('h@c#p', claimed=90)
    assert names(choose({}, a, b, c)) == names(choose({}, c, b, a)) == ['h@b#p', 'h@a#p', 'h@c#p']


def test_equals_are_ordered_by_name():
    assert names(choose({}, pool('h@b#p'), pool('h@a#p'))) == ['h@a#p', 'h@b#p']


def test_each_refusal_is_counted_and_no_name_is_told():
    fleet = Broken([pool('h@tried#p', zone='z1'), pool('h@zone#p'), pool('h@full#p', zone='z1', claimed=50)],
                   down=[pool('h@d1#p'), pool('h@d2#p')], disabled=[pool('h@off#p')])
    choice = picker(fleet).pick(None, {'size': 60, 'availability_zone': 'z1', 'excluded': ['h@tried#p']})
    assert not choice
    assert choice.refused == [('service down', 2), ('service disabled', 1), ('already tried', 1),
                              ('AvailabilityZoneFilter', 1), ('CapacityFilter', 1), ('CapabilitiesFilter', 0)]
    assert 'h@' not in choice.summary()
    assert 'AvailabilityZoneFilter: 1' in choice.summary()


def test_what_has_a_source_goes_where_that_is():
    a, b, full = pool('h@a#p'), pool('h@b#p'), pool('h@b#full', claimed=100)
    choice = choose({'resource_backend': 'h@b'}, a, b, full)
    assert names(choice) == ['h@b#p']
    assert choice.summary() == 'Pools refused by each filter: elsewhere than its source: 1, CapacityFilter: 1.'


@pytest.mark.parametrize(('place', 'expected'), [
    ('h@a', ['h@a#one', 'h@a#two']), ('h@a#two', ['h@a#two']), ('h@b', []), ('h@c', [])])
def test_a_place_that_is_asked_for_has_to_pass_too(place, expected):
    choice = choose({'to': place}, pool('h@a#one'), pool('h@a#two', claimed=5), pool('h@b#p', claimed=100))
    assert names(choice) == expected


def test_nothing_there_is_said():
    assert choose({}).summary() == 'There are no pools.'


def test_a_claim_is_seen_by_the_next_request_of_the_process():
    fleet = pools.Fleet([pool('h@a#p', claimed=10), pool('h@b#p', claimed=12)])
    scheduler = picker(fleet)
    chosen = []
    for _ in range(4):
        choice = scheduler.pick(None, {'size': 3})
        best = next(iter(choice))
        choice.claimed(best)
        chosen.append(best.name)
    assert chosen == ['h@a#p', 'h@b#p', 'h@a#p', 'h@b#p']
    assert [each.claimed for each in fleet.look(None).usable] == [16, 18]


def test_pools_come_and_go():
    fleet = pools.Fleet([pool('h@b#p')])
    scheduler = picker(fleet)
    assert names(scheduler.pick(None, {'size': 1})) == ['h@b#p']
    fleet.put(pool('h@a#p'))
    fleet.put(pool('h@b#p', claimed=100))
    assert names(scheduler.pick(None, {'size': 1})) == ['h@a#p']


def test_more_pools_than_are_ordered_at_first():
    found = [pool(f'h@b{number:02}#p', claimed=number * 7 % 23) for number in range(40)]
    expected = [each.name for each in sorted(found, key=lambda each: (each.claimed, each.name))]
    assert names(choose({}, *found)) == expected


@pytest.mark.parametrize('options', [
    {'scheduler_default_filters': ['NoSuchFilter']}, {'scheduler_default_weighers': ['NoSuchWeigher']},
    {'scheduler_weight_handler': 'NoSuchHandler'}, {'scheduler_driver': 'cinder.scheduler.NoSuch'}])
def test_an_unknown_name_is_a_clear_error(options):
    [name] = options
    with pytest.raises(exceptions.ConfigurationError, match=f'{name}.*NoSuch'):
        choose({}, **options)


THIRD = """
from blockctl.scheduler import filters, weighers

def make_filter(conf):
    return lambda request: filters.each(lambda pool: 'large' in pool.name, lambda pool: 'it is small')

def make_weigher(conf):
    return weighers.Weigher(1.0, lambda request, pools: [len(pool.name) for pool in pools])

def last_first(weights):
    return reversed(range(len(weights)))
"""


def test_other_packages_add_theirs(tmp_path, monkeypatch):
    (tmp_path / 'third_party_picks.py').write_text(THIRD)
    described = tmp_path / 'third_party_picks-1.0.dist-info'
    described.mkdir()
    (described / 'METADATA').write_text('Metadata-Version: 2.1\nName: third-party-picks\nVersion: 1.0\n')
    (described / 'entry_points.txt').write_text("""
[blockctl.scheduler.filters]
LargeFilter = third_party_picks:make_filter
[blockctl.scheduler.weighers]
NameWeigher = third_party_picks:make_weigher
[blockctl.scheduler.orders]
LastFirst = third_party_picks:last_first
""")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(extension.ExtensionManager, 'ENTRY_POINT_CACHE', {})  # what was there before
    found = [pool('h@large#p'), pool('h@larger#p'), pool('h@small#p'), pool('h@a-largest#p')]
    options = {'scheduler_default_filters': ['CapacityFilter', 'LargeFilter'],
               'scheduler_default_weighers': ['NameWeigher']}
    assert names(choose({}, *found, **options)) == ['h@a-largest#p', 'h@larger#p', 'h@large#p']
    options['scheduler_weight_handler'] = 'LastFirst'
    assert names(choose({}, *found, **options)) == ['h@larger#p', 'h@large#p', 'h@a-largest#p']


# --- capacity
@pytest.mark.parametrize(('made', 'size', 'fits'), [
    (pool('p', total=100, claimed=99), 1, True),
    (pool('p', total=100, claimed=99), 2, False),
    (pool('p', total=100, claimed=90, foreign=10), 1, False),
    (pool('p', total=100, claimed=150, thin=True, ratio=2.0), 50, True),
    (pool('p', total=100, claimed=150, thin=True, ratio=2.0), 51, False),
    (pool('p', total=100, free=0), 1, False),  # promised to nobody, but the disk is full
    (pool('p', total=100, free=10, claimed=28, at_report=20), 2, True),
    (pool('p', total=100, free=10, claimed=28, at_report=20), 3, False),
    (pool('p', total=100, free=10, claimed=30, foreign=5, at_report=22, thin=True, ratio=3.0), 22, True),
    (pool('p', total=100, free=10, claimed=30, foreign=5, at_report=22, thin=True, ratio=3.0), 23, False),
    (pool('p', total=100, reserved_percentage=10, claimed=80), 10, True),
    (pool('p', total=100, reserved_percentage=10, claimed=80), 11, False),
    (pool('p', total=100, free=15, reserved_percentage=10), 5, True),
    (pool('p', total=100, free=15, reserved_percentage=10), 6, False),
    (pool('p', total='unknown'), 10_000, True),
    (pool('p', total='infinite', free='infinite'), 10_000, True),
    (pool('p', total='infinite', free=7), 8, False),
    (pool('p', total=0), 1, False),
    (pool('p', total=10, claimed=9, foreign=5), 0, True),  # what is there already needs no room
    (pool('p', total=0.9), 1, False),
])
def test_capacity(made, size, fits):
    assert bool(choose({'size': size}, made)) is fits


@pytest.mark.parametrize(('size', 'asked', 'fits'), [
    (150, None, True), (150, 'thin', True), (150, 'thick', False), (30, 'thick', True), (31, 'thick', False)])
def test_thick_volumes_on_a_thin_pool_have_what_is_there(size, asked, fits):
    both = pool('p', claimed=70, thin=True, ratio=3.0, thick_provisioning_support=True)
    specs = {} if asked is None else {'provisioning:type': asked}
    choice = choose({'size': size, 'extra_specs': specs}, both)
    assert bool(choice) is fits
    if fits:
        assert choice.limit(both) == (100 if asked == 'thick' else None)


@pytest.mark.parametrize('asked', ['thin', 'thick', ' Thick '])
def test_how_to_provision_is_no_question_to_the_pool(asked):
    """As in the reference. A type that will have pools of one kind asks for what they report."""
    thin, thick = pool('h@thin#p', thin=True, ratio=3.0), pool('h@thick#p')
    assert names(choose({'extra_specs': {'provisioning:type': asked}}, thin, thick)) == (
        ['h@thin#p', 'h@thick#p'] if asked == 'thin' else ['h@thick#p', 'h@thin#p'])
    specs = {'provisioning:type': asked, 'thin_provisioning_support': '<is> True'}
    assert names(choose({'extra_specs': specs}, thin, thick)) == ['h@thin#p']


# --- zones and capabilities
@pytest.mark.parametrize(('zone', 'specs', 'expected'), [
    (None, {}, 'abc'), ('z1', {}, 'a'), ('z9', {}, ''), (None, {'RESKEY:availability_zones': 'z1, z3'}, 'ac'),
    ('z1', {'RESKEY:availability_zones': 'z1,z3'}, 'a'), ('z2', {'RESKEY:availability_zones': 'z1,z3'}, '')])
def test_zones(zone, specs, expected):
    found = [pool('a', zone='z1'), pool('b', zone='z2'), pool('c', zone='z3')]
    assert names(choose({'availability_zone': zone, 'extra_specs': specs}, *found)) == list(expected)


@pytest.mark.parametrize(('specs', 'passes'), [
    ({'volume_backend_name': 'one'}, True), ({'volume_backend_name': 'two'}, False),
    ({'capabilities:volume_backend_name': 'one'}, True), ({'capabilities:volume_backend_name': 'two'}, False),
    ({'qos:volume_backend_name': 'two'}, True),  # scoped to somebody else
    ({'nothing_reports_this': 'x'}, False), ({'RESKEY:availability_zones': 'nova,other'}, True),
    ({'RESKEY:availability_zones': 'other'}, False)])
def test_capabilities(specs, passes):
    assert bool(choose({'extra_specs': specs}, pool('p', volume_backend_name='one'))) is passes


def test_a_new_report_is_looked_at_anew():
    fleet = pools.Fleet([pool('p', ssd=False)])
    scheduler, spec = picker(fleet), {'size': 1, 'extra_specs': {'ssd': '<is> True'}}
    assert not scheduler.pick(None, spec)
    fleet.put(pool('p', ssd=True))
    assert scheduler.pick(None, spec)


# --- what the operator's functions say
@pytest.mark.parametrize(('function', 'expected'), [
    (None, True), ('volume.size < 10', True), ('volume.size > 10', False), ('stats.total_capacity_gb == 100', True),
    ('capabilities.disk == "ssd"', True), ('capabilities.disk == "hdd"', False), ('extra.level >= 3', True),
    ('stats.allocated_capacity_gb + volume.size <= 50', True), ('stats.provisioned_capacity_gb > 40', True),
    ('stats.no_such_thing == 1', False), ('1 +', False), ('qos.maxIOPS > 5', False), ('volume.size / 0', False),
    ('"words"', False), ('__import__("os").system("true")', False)])
def test_filter_functions(function, expected):
    made = pool('p', claimed=40, foreign=5, filter_function=function, disk='ssd')
    choice = choose({'size': 4, 'extra_specs': {'level': '3'}}, made,
                    scheduler_default_filters=['DriverFilter'])
    assert bool(choice) is expected


def test_goodness_decides():
    found = [pool('h@a#p', goodness_function='volume.size < 5 ? 20 : 90'),
             pool('h@b#p', goodness_function='50'), pool('h@none#p'), pool('h@over#p', goodness_function='101'),
             pool('h@wrong#p', goodness_function='1 +')]
    options = {'scheduler_default_weighers': ['GoodnessWeigher']}
    assert names(choose({'size': 4}, *found, **options)) == ['h@b#p', 'h@a#p', 'h@none#p', 'h@over#p', 'h@wrong#p']
    assert names(choose({'size': 6}, *found, **options))[:2] == ['h@a#p', 'h@b#p']


# --- hints
@pytest.mark.parametrize(('query', 'expected'), [
    ('[">=", "$free_capacity_gb", 50]', 'ab'), ('["=", "$disk", "ssd"]', 'a'), ('["in", "$disk", "hdd", "tape"]', 'b'),
    ('["and", ["<", "$free_capacity_gb", 70], ["not", ["=", "$disk", "ssd"]]]', 'bc'),
    ('["or", ["=", "$name", "c"], ["<=", "$allocated_capacity_gb", 0]]', 'abc'),
    ('["not", ["=", "$disk", "ssd"]]', 'bc'),
    ('["=", "$capabilities.disk", "ssd"]', 'a'), ('[">", "$disk", 5]', ''), ('["=", "$absent", 1]', ''), ('[]', 'abc'),
    (['=', '$disk', 'ssd'], 'a'), ('["<", 1, 2, 3]', 'abc'), ('["="]', ''), ('no json', ''), ('["sum", 1]', ''),
    ('[' * 5000, ''), ('[["a"]]', ''), ('true', 'abc'), ('[{"a": 1}]', '')])
def test_json_queries(query, expected):
    found = [pool('a', free=80, disk='ssd'), pool('b', free=60, disk='hdd'), pool('c', free=40, disk='other')]
    choice = choose({'scheduler_hints': {'query': query}}, *found, scheduler_default_filters=['JsonFilter'])
    assert sorted(names(choice)) == list(expected)


class Nova:
    """Stands in for the compute service: one server, on h2."""

    configured = True

    def host_of(self, server_id, global_request_id=None):
        return 'h2' if server_id == VOLUME else None


@pytest.mark.parametrize(('hint', 'configured', 'expected'), [
    (None, True, ['h1@a#p', 'h2@a#p']), (VOLUME, True, ['h2@a#p']), (VOLUME.replace('1', '2'), True, []),
    ('../flavors', True, []), ([VOLUME], True, []), (VOLUME, False, [])])
def test_local_to_a_server(hint, configured, expected):
    compute = Nova()
    compute.configured = configured
    ctx = types.SimpleNamespace(app=types.SimpleNamespace(compute=compute), global_request_id=None)
    choice = choose({'scheduler_hints': {'local_to_instance': hint}}, pool('h1@a#p'), pool('h2@a#p'), ctx=ctx,
                    scheduler_default_filters=['InstanceLocalityFilter'])
    assert names(choice) == expected


@pytest.mark.parametrize('name', ['RetryFilter', 'IgnoreAttemptedHostsFilter'])
def test_filters_of_what_was_tried(name):
    choice = choose({'excluded': ['h@a#p']}, pool('h@a#p'), pool('h@b#p'), scheduler_default_filters=[name])
    assert names(choice) == ['h@b#p']


# --- weighers
def test_pools_that_do_not_know_come_last_either_way():
    found = [pool('h@a#p', total='unknown'), pool('h@b#p', claimed=20), pool('h@c#p', claimed=60),
             pool('h@d#p', total='infinite')]
    assert names(choose({}, *found)) == ['h@b#p', 'h@c#p', 'h@a#p', 'h@d#p']
    assert names(choose({}, *found, capacity_weight_multiplier=-1.0)) == ['h@c#p', 'h@b#p', 'h@a#p', 'h@d#p']


@pytest.mark.parametrize(('weighers', 'options', 'expected'), [
    (['AllocatedCapacityWeigher'], {}, 'cab'),
    (['AllocatedCapacityWeigher'], {'allocated_capacity_weight_multiplier': 1.0}, 'bac'),
    (['VolumeNumberWeigher'], {}, 'bca'), (['VolumeNumberWeigher'], {'volume_number_multiplier': 2.0}, 'acb'),
    # room: a 70, b 20, c 130 -> 5/11, 0, 1; number: 9, 1, 5 -> -1, 0, -0.5; sums -6/11, 0, 0.5
    (['CapacityWeigher', 'VolumeNumberWeigher'], {}, 'cba'), ([], {}, 'abc')])
def test_weighers(weighers, options, expected):
    found = [pool('a', total=100, claimed=30, volumes=9), pool('b', total=100, claimed=80, volumes=1),
             pool('c', total=150, claimed=20, volumes=5)]
    assert names(choose({}, *found, scheduler_default_weighers=weighers, **options)) == list(expected)


def test_weights_are_exact():
    made = picker(pools.Fleet([pool('a', claimed=10), pool('b', claimed=40), pool('c', claimed=25)]),
                  capacity_weight_multiplier=3.0)
    choice, record = made.explain(None, {'size': 1})
    assert [(account.pool, account.weight) for account in record.accounts(choice)] == [
        ('a', 3.0), ('c', 1.5), ('b', 0.0)]


@pytest.mark.parametrize('name', ['simple', 'SimpleScheduler', 'cinder.scheduler.simple.SimpleScheduler'])
def test_the_simple_scheduler_takes_the_fewest_volumes(name):
    found = [pool('a', volumes=3), pool('b', volumes=1, claimed=90), pool('c', volumes=2)]
    assert names(choose({}, *found, scheduler_driver=name)) == ['b', 'c', 'a']
    assert names(choose({'size': 50}, *found, scheduler_driver=name)) == ['c', 'a']  # filters count as ever


@pytest.mark.parametrize('name', ['chance', 'ChanceScheduler', 'cinder.scheduler.chance.ChanceScheduler'])
def test_the_chance_scheduler_takes_any_that_passes(name):
    random.seed(1)
    made = picker(pools.Fleet([pool('a'), pool('b', claimed=90), pool('full', claimed=100)]), scheduler_driver=name)
    first = collections.Counter(next(iter(made.pick(None, {'size': 1}))).name for _ in range(200))
    assert first.keys() == {'a', 'b'}
    assert min(first.values()) > 60


@pytest.mark.parametrize('name', ['stochastic', 'StochasticHostWeightHandler',
                                  'cinder.scheduler.weights.stochastic.StochasticHostWeightHandler'])
def test_the_stochastic_order_follows_the_weights(name):
    random.seed(2)
    # The weights are 1, 0.5 and 0: shares of 2/3, 1/3 and nothing.
    made = picker(pools.Fleet([pool('a'), pool('b', claimed=40), pool('c', claimed=80)]), scheduler_weight_handler=name)
    tries = [names(made.pick(None, {'size': 1})) for _ in range(600)]
    first = collections.Counter(each[0] for each in tries)
    assert 350 < first['a'] < 450
    assert first['c'] == 0
    assert all(sorted(each) == ['a', 'b', 'c'] for each in tries)


def test_by_lot_among_equals():
    random.seed(3)
    first = collections.Counter(next(orders.by_lot([2.0, 2.0, 2.0])) for _ in range(300))
    assert min(first[index] for index in range(3)) > 70


@pytest.mark.parametrize('name', ['ordered', 'OrderedHostWeightHandler',
                                  'cinder.scheduler.weights.OrderedHostWeightHandler'])
def test_names_of_the_ordered_handler(name):
    assert names(choose({}, pool('a', claimed=5), pool('b'), scheduler_weight_handler=name)) == ['b', 'a']


@pytest.mark.parametrize('name', ['filter', 'FilterScheduler', 'cinder.scheduler.filter_scheduler.FilterScheduler'])
def test_names_of_the_filter_scheduler(name):
    assert names(choose({}, pool('a', claimed=5), pool('b'), scheduler_driver=name)) == ['b', 'a']


# --- why
def test_each_pool_is_accounted_for():
    fleet = Broken([pool('h@a#p', claimed=10), pool('h@b#p', claimed=40), pool('h@full#p', claimed=98),
                    pool('h@slow#p', disk='hdd'), pool('h@zone#p', zone='z2')],
                   down=[pool('h@down#p')], disabled=[pool('h@off#p')])
    spec = {'size': 5, 'availability_zone': 'nova', 'extra_specs': {'disk': '<or> ssd <or> nvme'}}
    for made in fleet.look(None).usable:
        made.report.setdefault('disk', 'ssd')
    choice, record = picker(fleet).explain(None, spec)
    assert [(account.place, account.pool, account.filter, account.weight) for account in record.accounts(choice)] == [
        (1, 'h@a#p', '', 1.0), (2, 'h@b#p', '', 0.0), (None, 'h@down#p', 'service down', None),
        (None, 'h@full#p', 'CapacityFilter', None), (None, 'h@off#p', 'service disabled', None),
        (None, 'h@slow#p', 'CapabilitiesFilter', None), (None, 'h@zone#p', 'AvailabilityZoneFilter', None)]
    reasons = {account.pool: account.reason for account in record.accounts(choice)}
    assert reasons['h@full#p'] == 'it has room for 2 GiB, not for 5'
    assert reasons['h@slow#p'] == "disk is 'hdd', '<or> ssd <or> nvme' is asked for"
    assert reasons['h@zone#p'] == "it is in 'z2', not in nova"
    assert record.accounts(choice)[0].parts == {'CapacityWeigher': (90, 1.0)}


def test_the_log_says_why(caplog):
    caplog.set_level('DEBUG', 'blockctl.scheduler.pick')
    choose({'size': 5, 'volume_id': 'v1'}, pool('h@a#p'), pool('h@b#p', claimed=100))
    assert 'A place for 5 GiB of v1: CapacityFilter refused h@b#p (it has room for 0 GiB, not for 5)' in caplog.text
    assert 'in this order: h@a#p (0: CapacityWeigher 100 -> 0)' in caplog.text
    choose({'size': 500}, pool('h@a#p'))
    assert 'no pool is left. Pools refused by each filter: CapacityFilter: 1.' in caplog.text

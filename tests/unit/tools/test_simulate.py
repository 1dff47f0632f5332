# SPDX-License-Identifier: Apache-2.0
"""tools/simulate: small installations, whose ends are worked out by hand, and what the command says."""

import itertools
import json
import pathlib
import random
import subprocess
import sys

import pytest
import sqlalchemy as sa

TOOLS = pathlib.Path(__file__).resolve().parents[3] / 'tools'
sys.path.insert(0, str(TOOLS))

import workbench  # noqa: E402
from blockctl import capacity  # noqa: E402
from blockctl import conf as configuration  # noqa: E402
from blockctl.cmd import answers  # noqa: E402
from blockctl.cmd import manage  # noqa: E402
from blockctl.cmd.manage import pool as manage_pool  # noqa: E402
from blockctl.db import pools as db_pools  # noqa: E402
from blockctl.db import tables  # noqa: E402
from blockctl.db import volume_types  # noqa: E402
from blockctl.scheduler import pick  # noqa: E402
from blockctl.scheduler import pools  # noqa: E402
from simulation import cli  # noqa: E402 - found beside tools/simulate only
from simulation import dumps  # noqa: E402
from simulation import figures  # noqa: E402
from simulation import fleets  # noqa: E402
from simulation import play  # noqa: E402
from simulation import plots  # noqa: E402
from simulation import truth  # noqa: E402
from simulation import views  # noqa: E402
from simulation.installations import Installation  # noqa: E402
from simulation.installations import PoolRecord  # noqa: E402
from simulation.installations import Volumes  # noqa: E402
from simulation.installations import Wish  # noqa: E402

ONE = Wish(None, None, 1)


def record(name, total=100, claimed=0, state=True, **report):
    """A pool on a backend of its own, thick unless ``ratio`` is given; without ``free`` it tells of no disk."""
    report = {'total_capacity_gb': total, 'free_capacity_gb': report.pop('free', 'unknown'),
              'thin_provisioning_support': 'ratio' in report, 'max_over_subscription_ratio': report.pop('ratio', 1),
              **report}
    return PoolRecord(f'node@{name}#p', report, claimed, 0, capacity.bound(report, claimed), claimed, state)


def installation(*records, types=None, volumes=(), wish=ONE):
    return Installation(list(records), types or {}, list(volumes), {wish: 1})


def played(installed, requests, options=(), **load):
    """A Play of creates, unless ``load`` says something else, that is over."""
    conf = configuration.load([], files=[])
    for name, value in dict(options).items():
        conf.set_override(name, value)
    values = {'deletes': 0, 'extends': 0, 'schedulers': 1, 'stale': 0, 'requests': requests, **load}
    return play.Play(installed, play.Load(**values), lambda view: pick.Picker(conf, view)).run()


def claimed(run):
    return {pool.name.removeprefix('node@').removesuffix('#p'): pool.claimed for pool in run.truth.pools.values()}


class TestRuns:
    @pytest.mark.parametrize(('schedulers', 'stale', 'decision_time'), [(1, 0, 0), (1, 0, 5), (7, 30, 0.5)])
    def test_nothing_is_promised_over_the_bound(self, schedulers, stale, decision_time):
        run = played(installation(record('a', 10), record('b', 20), record('c', 30)), 100, schedulers=schedulers,
                     stale=stale, decision_time=decision_time)
        assert claimed(run) == {'a': 10, 'b': 20, 'c': 30}
        assert (run.counts.placed, run.counts.refused) == (60, 40)
        assert sum(run.counts.refused_by.values()) == 40
        assert {pool.volumes for pool in run.truth.pools.values()} == {10, 20, 30}

    def test_the_capacity_weigher_evens_out(self):
        run = played(installation(record('a', claimed=40), record('b')), 60, decision_time=0)
        assert claimed(run) == {'a': 50, 'b': 50}
        assert run.samples[-1].deviation == 0
        assert run.samples[0].deviation == 20  # 40 % and 0 %
        assert (run.samples[-1].mean, run.samples[-1].requests, run.samples[-1].promised_gb) == (50, 60, 100)

    def test_a_negative_multiplier_stacks(self):
        run = played(installation(record('a', claimed=40), record('b')), 60, {'capacity_weight_multiplier': -1},
                     decision_time=0)
        assert claimed(run) == {'a': 100, 'b': 0}
        assert run.samples[-1].deviation == 50

    def test_who_comes_too_late_is_counted(self):
        # All three look before any of them claims: the second loses a, the third loses a and b.
        run = played(installation(*(record(name, 2) for name in 'abc'), wish=Wish(None, None, 2)), 3, rate=1000,
                     decision_time=1)
        assert claimed(run) == {'a': 2, 'b': 2, 'c': 2}
        assert (run.counts.lost, run.counts.placed, run.counts.decisions) == (3, 3, 3)

    def test_stale_figures_lose_claims(self):
        def lost(stale):
            return played(installation(*(record(name, 20) for name in 'abcdef')), 110,
                          {'capacity_weight_multiplier': -1}, schedulers=5, stale=stale, decision_time=0).counts.lost

        assert lost(0) == 0
        assert lost(60) > 0

    def test_a_thick_volume_on_a_thin_pool(self):
        pool = record('a', 10, free=10, ratio=5)
        types = {'thick': {'provisioning:type': 'thick'}, 'any': {}}
        for type_id, fit in (('any', 50), ('thick', 10)):
            run = played(installation(pool, types=types, wish=Wish(type_id, None, 1)), 60, written=0)
            assert (run.counts.placed, run.counts.refused_by) == (fit, {'CapacityFilter': 60 - fit})

    def test_what_is_written_fills_the_disk_and_reports_say_so(self):
        run = played(installation(record('a', 10, free=10, ratio=5)), 60, written=1, rate=0.01, report_interval=1,
                     report_delay=0, create_time=0)
        # What is free is promised five times, but each volume is in a report before the next is asked for.
        assert (run.counts.placed, run.counts.refused) == (10, 50)
        assert (run.samples[-1].disks_full, run.samples[-1].disk_most) == (1, 100)

    def test_types_and_zones_are_asked_for(self):
        pools = [record('a', ssd=True, availability_zone='east'), record('b', ssd=False, availability_zone='east'),
                 record('c', ssd=True, availability_zone='west')]
        run = played(installation(*pools, types={'fast': {'ssd': '<is> True'}}, wish=Wish('fast', 'east', 1)), 5)
        assert claimed(run) == {'a': 5, 'b': 0, 'c': 0}

    def test_creates_that_fail_give_back_what_they_claimed(self):
        run = played(installation(*(record(name) for name in 'abcd')), 10, create_errors=1, max_attempts=3)
        assert (run.counts.failed, run.counts.rescheduled, run.counts.placed) == (10, 20, 0)
        assert set(claimed(run).values()) == {0}

    @pytest.mark.parametrize(('state', 'because'), [(None, 'service down'), (False, 'service disabled')])
    def test_backends_that_cannot_be_used(self, state, because):
        run = played(installation(record('a', state=state)), 4)
        assert run.counts.refused_by == {because: 4}

    def test_failing_backends_cost_retries_and_return(self):
        run = played(installation(*(record(name, 100_000) for name in 'abcd')), 2000, rate=1, fail_rate=30,
                     repair_time=120, down_time=10, max_attempts=50)
        assert run.counts.failures > 10
        assert run.counts.rescheduled > 0
        assert run.counts.refused_by.keys() <= {'service down', 'already tried'}
        assert run.counts.placed + run.counts.refused + run.counts.failed == 2000
        assert sum(claimed(run).values()) == run.counts.placed

    def test_deletes_and_extends(self):
        start = installation(record('a', 100, claimed=30), volumes=[Volumes('node@a#p', None, 10, 3)])
        run = played(start, 3, deletes=1)
        assert (claimed(run), run.counts.deleted, run.truth.pools['node@a#p'].volumes) == ({'a': 0}, 3, 0)
        run = played(start, 90, extends=1)
        assert (claimed(run), run.counts.extended, run.counts.extends_refused) == ({'a': 100}, 70, 20)

    def test_the_same_seed_gives_the_same(self):
        def result(seed):
            made = fleets.make(fleets.Description(pools=30, zones=2), seed)
            run = played(made, 300, {'scheduler_default_weighers': ['ChanceWeigher']}, seed=seed, schedulers=3, stale=5,
                         deletes=0.2, extends=0.1, fail_rate=20)
            return {**figures.result('x', {}, run), 'measured': None}

        before = random.getstate()
        first = result(1)
        assert random.getstate() == before  # lots of others are not touched
        assert result(1) == first
        assert result(2) != first

    def test_runs_that_differ_in_their_weighers_get_the_same_requests(self):
        made = fleets.make(fleets.Description(pools=10), 1)
        counts = [played(made, 200, {'scheduler_default_weighers': [weigher]}, extends=0.2).counts
                  for weigher in ('CapacityWeigher', 'ChanceWeigher')]
        assert len({(each.creates, each.extended + each.extends_refused) for each in counts}) == 1

    def test_a_long_run_tells_how_far_it_is(self, monkeypatch):
        monkeypatch.setattr(play, 'PROGRESS', 0)
        said = []
        conf = configuration.load([], files=[])
        play.Play(installation(record('a')), play.Load(requests=3), lambda view: pick.Picker(conf, view),
                  said.append).run()
        assert [text.split(',')[0] for text in said] == [f'{number} of 3 requests' for number in (1, 2, 3)]


class TestViews:
    def test_a_scheduler_sees_its_own_claims_at_once_and_others_later(self):
        now = [0.0]
        rows = truth.Truth(installation(record('a')))
        mine, other = (views.View(rows, lambda: now[0], stale=10) for _ in range(2))
        assert rows.claim('node@a#p', 30)
        mine.claimed(mine.look(None).usable[0], 30)

        def room(view, **how):
            look = view.look(None, **how)
            return look.usable[0].room, look.fresh

        assert (room(mine), room(other)) == ((70, False), (100, False))
        now[0] = 10.0
        assert room(other) == (70, True)
        rows.release('node@a#p', 30)
        rows.set_state('node@a', None)
        assert room(other) == (70, False)
        look = other.look(None, anew=True)
        assert (look.usable, [pool.room for pool in look.down], look.fresh) == ([], [100], True)

    def test_a_claim_is_decided_as_by_the_database(self):
        rows = truth.Truth(installation(record('a', 10), record('b', 'infinite'), record('c', state=False)))
        assert not rows.claim('node@a#p', 11)
        assert not rows.claim('node@a#p', 5, limit=4)
        assert rows.claim('node@a#p', 5, limit=5) and rows.claim('node@a#p', 5)
        assert not rows.claim('node@a#p', 1)
        assert rows.claim('node@b#p', 10**6)
        assert not rows.claim('node@c#p', 1)
        assert rows.claim('node@c#p', 1, disabled_too=True)

    def test_what_is_claimed_while_a_backend_looks_at_itself_is_not_in_its_report(self):
        rows = truth.Truth(installation(record('a', 10, free=10, ratio=2)))
        looked = rows.look('node@a')
        assert rows.claim('node@a#p', 4)
        rows.write('node@a#p', 4)
        rows.store(looked)
        assert rows.pools['node@a#p'].claimed_at_report == 0
        rows.store(rows.look('node@a'))
        pool = rows.pools['node@a#p']
        assert (pool.claimed_at_report, pool.report['free_capacity_gb'], pool.bound) == (4, 6, 16)  # 4 + 6 x 2
        assert rows.row('node@a#p').room == 12


class TestFigures:
    @pytest.mark.parametrize(('total', 'taken', 'percent'), [
        (200, 50, 25), ('unknown', 50, None), (0, 0, None), (0, 1, 100)])
    def test_how_full_a_pool_is(self, total, taken, percent):
        rows = truth.Truth(installation(record('a', total, taken)))
        assert figures.fullness(rows.pools['node@a#p']) == percent

    @pytest.mark.parametrize(('percent', 'value'), [(1, 1), (5, 1), (50, 10), (95, 19), (100, 20)])
    def test_percentiles(self, percent, value):
        assert figures.percentile(list(range(1, 21)), percent) == value


class TestFleets:
    def test_made_as_described(self):
        made = fleets.make(fleets.Description(pools=40, thin=1, zones=2, types=4, totals=(100,), ratio=10, fill=0.5), 1)
        assert made.summary() == {'pools': 40, 'thin': 40, 'thick': 0, 'types': 4, 'zones': 2, 'volumes': 0,
                                  'promised_gb': made.summary()['promised_gb']}
        assert 0.4 < made.summary()['promised_gb'] / (40 * 950) < 0.6
        assert all(0 < pool.claimed + pool.foreign <= pool.bound for pool in made.pools)
        assert {wish.zone for wish in made.wishes} == {'zone0', 'zone1'}
        assert [capacity.is_thick(specs) for specs in made.types.values()] == [False, False, False, True]
        assert made == fleets.make(fleets.Description(
            pools=40, thin=1, zones=2, types=4, totals=(100,), ratio=10, fill=0.5), 1)

    def test_every_type_has_pools(self):
        made = fleets.make(fleets.Description(pools=12, types=3, unknown=0.5), 1)
        assert {pool.report['tier'] for pool in made.pools} == {'type1', 'type2'}
        assert None in {pool.bound for pool in made.pools}


class TestDumps:
    @pytest.fixture
    def bench(self, app, tmp_path):
        bench = workbench.Bench(app, tmp_path)
        bench.add_backend('node@gone', 7)
        yield bench
        bench.driver.stop()

    def test_there_and_back(self, bench, tmp_path, capsys):
        ctx = bench.ctx
        with ctx.writing() as conn:
            volume_types.insert_type(ctx, number_id(1), 'gold', None, True, {'ssd': '<is> True'})
            volume_types.insert_type(ctx, number_id(2), 'of-one-tenant', None, False, {})
            conn.execute(sa.delete(tables.processes).where(tables.processes.c.service_id.in_(
                sa.select(tables.services.c.id).where(tables.services.c.host == 'node@gone'))))
        for size in (3, 5, 3):
            bench.create(size=size)
        args = manage.make_parser().parse_args(['pool', 'dump'])
        answers.show(args.format, manage.run(ctx, args))
        text = capsys.readouterr().out
        assert not {'p1', 'of-one-tenant'} & set(text.replace('"', ' ').split())
        path = tmp_path / 'dump.json'
        path.write_text(text)
        read = dumps.read(path)
        assert read.volumes == [Volumes(workbench.POOL, None, 3, 2), Volumes(workbench.POOL, None, 5, 1)]
        assert read.types.items() >= {number_id(1): {'ssd': '<is> True'}, number_id(2): {}}.items()
        assert [kind['name'] for kind in json.loads(text)['types'] if kind['id'] == number_id(2)] == [None]
        assert [(pool.name, pool.claimed, pool.bound, pool.state) for pool in read.pools] == [
            (workbench.POOL, 11, 100, True), ('node@gone#p', 0, 7, None)]
        assert read.wishes == {Wish(None, 'nova', 3): 2, Wish(None, 'nova', 5): 1}
        run = played(read, 10, deletes=1)
        assert {pool.claimed for pool in run.truth.pools.values()} == {0}

    def test_a_scheduler_of_the_simulation_sees_and_claims_what_one_of_the_installation_does(self, bench):
        with bench.ctx.writing():
            db_pools.report(bench.ctx, 'node@thin', 'node@thin#p', 2, 0, 40, 8, {
                'total_capacity_gb': 10, 'free_capacity_gb': 9, 'thin_provisioning_support': True,
                'max_over_subscription_ratio': 5})
        bench.add_backend('node@thin', 40)  # its service; the report is older than that one
        bench.create(size=5)
        document = answers.as_json(manage_pool.dump(bench.ctx, None))
        rows = truth.Truth(dumps.parse(json.loads(document)))
        real, simulated = pools.Pools(), views.View(rows, lambda: 0, stale=1)
        conf, thick = bench.app.conf, {'provisioning:type': 'thick'}
        for specs, size in itertools.product(({}, thick), (1, 2, 6, 39, 96)):
            spec = {'size': size, 'extra_specs': specs}
            choices = [pick.Picker(conf, fleet).pick(ctx, spec) for fleet, ctx in (
                (real, bench.ctx), (simulated, None))]
            assert len({tuple((pool.name, pool.room, choice.limit(pool)) for pool in choice)
                        for choice in choices}) == 1
            assert choices[0].refused == choices[1].refused
            for pool in list(real.look(bench.ctx).usable):
                limit = pool.limit(choices[0].request.thick)
                with bench.ctx.writing():
                    done = db_pools.claim(bench.ctx, pool.name, size, limit=limit)
                    if done:
                        db_pools.release(bench.ctx, pool.name, size)
                assert rows.claim(pool.name, size, limit) == done
                if done:
                    rows.release(pool.name, size)
                with bench.ctx.reading():
                    assert rows.thick_limit(pool.name) == db_pools.thick_limit(bench.ctx, pool.name)

    def test_an_installation_without_volumes_is_asked_for_the_usual_sizes(self):
        read = dumps.parse(dump())
        assert {(wish.type, wish.zone) for wish in read.wishes} == {(None, 'nova')}
        assert {wish.size for wish in read.wishes} == set(fleets.SIZES)

    @pytest.mark.parametrize(('change', 'says'), [
        ({'format': 'something/9'}, '"format" is not'),
        ({'pools': []}, 'no pools'),
        ({'pools': {}}, 'pools is not a list'),
        ({'types': [1]}, 'types[0] is not an object'),
        ({'types': [{'id': 'x'}]}, 'types[0].extra_specs is missing'),
        ({'volumes': [{'pool': 'p', 'type': None, 'size': '1', 'count': 1}]}, 'volumes[0].size is missing, or of'),
        ({'volumes': [{'pool': 'p', 'type': None, 'size': -1, 'count': 1}]}, 'volumes[0].size is less than 0'),
        ({'volumes': [{'pool': 'p', 'type': None, 'size': True, 'count': 1}]}, 'volumes[0].size is missing, or of'),
    ])
    def test_what_is_no_dump_is_told(self, change, says):
        with pytest.raises(dumps.DumpError) as caught:
            dumps.parse(dump() | change)
        assert says in str(caught.value)

    @pytest.mark.parametrize(('change', 'says'), [
        ({'state': 'odd'}, 'pools[0].state is none of up'), ({'name': 'a'}, 'pools[0].name is not host@backend#pool')])
    def test_pools_that_are_none(self, change, says):
        [pool] = dump()['pools']
        with pytest.raises(dumps.DumpError) as caught:
            dumps.parse(dump() | {'pools': [pool | change]})
        assert says in str(caught.value)


def number_id(number):
    return f'00000000-0000-4000-8000-{number:012}'


def dump():
    return {'format': dumps.FORMAT, 'types': [], 'volumes': [], 'pools': [
        {'name': 'a@b#c', 'state': 'up', 'claimed': 0, 'claimed_at_report': 0, 'foreign': 0, 'bound': None,
         'report': {'availability_zone': 'nova'}}]}


class TestCommand:
    @pytest.fixture
    def run(self, capsys):
        """run(words...) -> (exit status, standard output, standard error) of a small run."""
        def run(*words):
            try:
                status = cli.main(['--pools', '5', '--requests', '20', *map(str, words)])
            except SystemExit as stopped:
                status = stopped.code
            said = capsys.readouterr()
            return status, said.out, said.err

        return run

    def test_runs_are_compared(self, run, tmp_path):
        path = tmp_path / 'result.json'
        status, out, err = run('--compare', 'CapacityWeigher', '--compare', 'CapacityWeigher=-2', 'ChanceWeigher',
                               'scheduler_weight_handler=stochastic', '--json', path)
        assert status == 0
        heading, *rows = out.splitlines()
        assert heading.split()[:2] == ['run', 'placed'] and len(rows) == 2
        assert 'run 2 of 2' in err
        first, second = json.loads(path.read_text())['runs']
        assert (first['label'], first['options']['capacity_weight_multiplier']) == ('CapacityWeigher', 1)
        assert second['options']['scheduler_default_weighers'] == ['CapacityWeigher', 'ChanceWeigher']
        assert second['options']['capacity_weight_multiplier'] == -2
        assert second['options']['scheduler_weight_handler'] == 'stochastic'
        assert first['counts']['creates'] == second['counts']['creates'] > 0
        assert len(first['pools']) == 5 and first['measured']['decisions_per_cpu_second'] > 0

    def test_options_of_one_run(self, run):
        status, out, err = run('--weighers', 'CapacityWeigher=2', '--filters', 'CapacityFilter', '--quiet',
                               '--allocated-capacity-weight-multiplier', '3', '--weight-handler', 'stochastic',
                               '--json', '-')
        [only] = json.loads(out)['runs']
        assert (status, err, only['label']) == (0, '', 'CapacityWeigher=2')
        assert only['options']['scheduler_default_filters'] == ['CapacityFilter']
        assert only['options']['scheduler_default_weighers'] == ['CapacityWeigher']
        assert only['options']['capacity_weight_multiplier'] == 2
        assert only['options']['allocated_capacity_weight_multiplier'] == 3

    def test_options_of_a_configuration_file(self, run, tmp_path):
        path = tmp_path / 'blockctl.conf'
        path.write_text('[DEFAULT]\nscheduler_default_weighers = ChanceWeigher\nscheduler_max_attempts = 9\n'
                        'service_down_time = 77\nbackend_stats_polling_interval = 5\n')
        _status, out, _err = run('--config-file', path, '--json', '-')
        document = json.loads(out)
        assert document['runs'][0]['label'] == 'ChanceWeigher'
        load = document['load']
        assert (load['max_attempts'], load['down_time'], load['report_interval']) == (9, 77, 5)

    def test_a_dump(self, capsys, tmp_path):
        path = tmp_path / 'dump.json'
        path.write_text(json.dumps(dump()))
        words = ['--requests', '5', '--deletes', '0', '--extends', '0', '--json', '-']
        assert cli.main(['--dump', str(path), *words]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document['installation']['pools'] == 1
        assert document['runs'][0]['counts']['placed'] == 5

    @pytest.mark.parametrize(('words', 'says'), [
        (['--weighers', 'NoWeigher'], 'scheduler_default_weighers names NoWeigher'),
        (['--compare', 'CapacityWeigher', '--compare', 'NoWeigher'], 'names NoWeigher'),
        (['--filters', 'NoFilter'], 'scheduler_default_filters names NoFilter'),
        (['--compare', 'ChanceWeigher=2'], 'neither an option of the scheduler nor a weigher with a multiplier'),
        (['--compare', 'CapacityWeigher=many'], "'many' is not a finite number"),
        (['--compare', 'capacity_weight_multiplier=many'], 'many'),
        (['--weight-handler', 'odd'], 'scheduler_weight_handler names odd'),
        (['--capacity-weight-multiplier', 'nan'], 'not a finite number'),
        (['--deletes', '0.7', '--extends', '0.7'], 'more than all requests'),
        (['--pools', '0'], 'less than 1'),
        (['--thin-share', '1.5'], 'not between 0 and 1'),
        (['--stale', '-1'], 'not 0 or more'),
        (['--rate', '0'], 'not more than 0'),
        (['--dump', 'some.json'], 'a dump says that itself'),
        (['--config-file', '/nowhere/blockctl.conf'], '/nowhere/blockctl.conf'),
        (['--json', '/nowhere/result.json'], 'no such folder'),
        (['--plot', 'picture.gif'], 'ends in .png'),
    ])
    def test_what_is_wrong_is_told_before_anything_runs(self, run, words, says):
        status, out, err = run(*words)
        assert (status, out) == (2, '')
        assert says in err and 'begins' not in err and 'Traceback' not in err

    @pytest.mark.parametrize(('text', 'says'), [('{', 'Expecting'), ('{}', '"format" is not'), (None, 'No such file')])
    def test_a_file_that_is_no_dump(self, capsys, tmp_path, text, says):
        path = tmp_path / 'dump.json'
        if text is not None:
            path.write_text(text)
        assert cli.main(['--dump', str(path)]) == 2
        err = capsys.readouterr().err
        assert str(path) in err and says in err

    def test_without_matplotlib_it_is_told_what_to_install(self, run, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, 'matplotlib', None)
        status, out, err = run('--plot', tmp_path / 'picture.png')
        assert (status, out) == (1, '')
        assert 'blockctl[simulate]' in err and 'begins' not in err

    def test_a_picture(self, run, tmp_path):
        pytest.importorskip('matplotlib', reason='the extra "simulate" is not installed')
        path = tmp_path / 'picture.png'
        status, _out, _err = run('--compare', 'CapacityWeigher', '--compare', 'ChanceWeigher', '--plot', path)
        assert status == 0
        assert path.read_bytes().startswith(b'\x89PNG\r\n')

    def test_each_panel_says_what_it_shows_and_in_what_unit(self):
        figure = pytest.importorskip('matplotlib.figure', reason='the extra "simulate" is not installed')
        run = figures.result('one', {}, played(installation(record('a'), record('b', 'unknown')), 10))
        for axes, panel in zip(figure.Figure().subplots(2, 3).flat, plots.PANELS, strict=True):
            panel(axes, [run])
            assert axes.get_title() and axes.get_xlabel() and axes.get_ylabel()
            assert axes.lines or axes.patches

    def test_the_tool_itself(self):
        done = subprocess.run([sys.executable, '-W', 'error', TOOLS / 'simulate', '--help'], capture_output=True,
                              text=True, timeout=60, check=True)
        assert '--compare' in done.stdout

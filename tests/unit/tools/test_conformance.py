# SPDX-License-Identifier: Apache-2.0
"""The parts of tools/conformance that need no server and no tempest."""

import configparser
import pathlib
import signal
import subprocess
import sys
import types

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[3] / 'tools'
sys.path.insert(0, str(TOOLS))

from conforming import cli  # noqa: E402 - found beside tools/conformance only
from conforming import known_failures  # noqa: E402
from conforming import plan  # noqa: E402
from conforming import report  # noqa: E402
from conforming import results  # noqa: E402
from conforming import selection  # noqa: E402
from conforming import settings  # noqa: E402
from conforming import venv  # noqa: E402

ONE, TWO, THREE = (f'tempest.api.volume.test_a.ATest.test_{name}' for name in ('one', 'two', 'three'))
OTHER = 'tempest.api.volume.test_b.BTest.test_other'
CLEAN_UP = 'tempest.api.volume.test_a.ATest.tearDownClass'
EVERY = [f'{ONE}[id-1,smoke]', f'{TWO}[id-2]', f'{THREE}[id-3]', f'{OTHER}[id-4]', 'tempest.api.image.test_c.C.test_i']


def event(name, status, reason='', details=''):
    return {'id': name, 'status': status, 'reason': reason, 'details': details, 'seconds': 1.5}


def settled(tests, *events):
    return {result.test: result for result in results.settle(tests, [results.of_event(each) for each in events])}


def result(name, outcome, reason=''):
    return results.Result(name, outcome, reason)


class TestResults:
    @pytest.mark.parametrize(('status', 'outcome'), [
        ('success', 'passed'), ('xfail', 'passed'), ('skip', 'skipped'), ('fail', 'failed'), ('uxsuccess', 'failed'),
        ('inprogress', 'failed')])
    def test_outcomes(self, status, outcome):
        found = settled(EVERY[:1], event(EVERY[0], status))
        assert found[ONE].outcome == outcome
        assert found[ONE].seconds == 1.5

    @pytest.mark.parametrize(('status', 'outcome'), [('skip', 'skipped'), ('fail', 'failed')])
    def test_what_became_of_a_class_became_of_its_tests(self, status, outcome):
        found = settled(EVERY[:4], event('setUpClass (tempest.api.volume.test_a.ATest)', status, 'ATest has no luck'),
                        event(EVERY[3], 'success'))
        assert [found[name].outcome for name in (ONE, TWO, THREE, OTHER)] == [outcome] * 3 + ['passed']
        assert found[ONE].reason == 'has no luck'
        assert len(found) == 4

    def test_a_class_that_cannot_clean_up_has_failed_beside_its_tests(self):
        found = settled(EVERY[:1], event(EVERY[0], 'success'),
                        event('tearDownClass (tempest.api.volume.test_a.ATest)', 'fail', 'left something'))
        assert found[ONE].outcome == 'passed'
        assert found[CLEAN_UP].outcome == 'failed'

    def test_silence_is_failure(self):
        assert settled(EVERY[:1], event('stdout', 'fail'))[ONE] == result(ONE, 'failed', 'nothing was heard of it')


LIST = f"""\
# a comment
{ONE}: needs images

{TWO}: needs keys: two of them  # a remark
"""


class TestKnownFailures:
    def test_parse(self):
        assert known_failures.parse(LIST) == {ONE: 'needs images', TWO: 'needs keys: two of them'}

    @pytest.mark.parametrize('line', ['no colon', ONE, 'two words: reason', ': reason', f'{ONE}: more'])
    def test_bad_lines_are_named(self, line):
        with pytest.raises(known_failures.BadList, match='line 5'):
            known_failures.parse(f'{LIST}{line}\n')

    def test_judge(self):
        known = {ONE: 'x', TWO: 'x', 'tempest.gone': 'x', 'tempest.api.volume.test_b.BTest.tearDownClass': 'x'}
        verdict = known_failures.judge(
            [result(ONE, 'failed'), result(TWO, 'passed'), result(THREE, 'failed'), result(OTHER, 'skipped'),
             result('tempest.api.volume.test_b.BTest.tearDownClass', 'failed')], known, EVERY)
        assert [each.test for each in verdict.broken] == [THREE]
        assert [each.test for each in verdict.mended] == [TWO]
        assert verdict.unknown == ['tempest.gone']
        assert not verdict.good

    @pytest.mark.parametrize(('found', 'mended'), [
        ([result(ONE, 'passed')], [CLEAN_UP]), ([result(ONE, 'passed'), result(CLEAN_UP, 'failed')], []),
        ([result(OTHER, 'passed')], [])])
    def test_a_class_that_cleans_up_again_is_mended(self, found, mended):
        verdict = known_failures.judge(found, {CLEAN_UP: 'x'}, EVERY)
        assert [each.test for each in verdict.mended] == mended
        assert not verdict.broken

    def test_only_what_ran_counts(self):
        assert known_failures.judge([result(THREE, 'passed')], {ONE: 'x', TWO: 'x'}, EVERY).good

    def test_updated_keeps_what_stays(self):
        text = f'{LIST}tempest.gone: x\n'
        new = known_failures.updated(
            text, [result(ONE, 'passed'), result(TWO, 'failed'), result(THREE, 'failed')], EVERY)
        assert new == f'# a comment\n\n{TWO}: needs keys: two of them  # a remark\n{THREE}:\n'
        assert known_failures.unexplained(known_failures.parse(new)) == [THREE]

    def test_updated_is_true(self):
        found = [result(ONE, 'passed'), result(THREE, 'failed')]
        new = known_failures.parse(known_failures.updated(LIST, found, EVERY))
        assert known_failures.judge(found, new, EVERY).good


class TestSelection:
    def test_expressions_stay_within_block_storage(self):
        assert selection.matching(EVERY, ['test_(one|i)', 'BTest']) == [EVERY[0], EVERY[3]]
        assert selection.matching(EVERY, [selection.DEFAULT]) == EVERY[:4]

    def test_bad_expression(self):
        with pytest.raises(selection.BadSelection, match='no regular expression'):
            selection.matching(EVERY, ['('])

    @pytest.mark.parametrize(('name', 'chosen'), [
        (ONE, EVERY[:1]), ('tempest.api.volume.test_a.ATest', EVERY[:3]), ('tempest.api.volume.test_a', EVERY[:3])])
    def test_names(self, name, chosen):
        assert selection.named(EVERY, [name]) == chosen

    def test_name_of_nothing(self):
        with pytest.raises(selection.BadSelection, match=r'tempest has no tempest\.api\.volume\.test_'):
            selection.named(EVERY, [ONE, 'tempest.api.volume.test_'])


def outcome(found, known, unskipped=(), **more):
    return plan.Outcome(**{
        'found': found, 'unskipped': list(unskipped), 'every_test': EVERY, 'excluded': {}, 'errors': [],
        'verdict': known_failures.judge([*found, *unskipped], known, EVERY), **more})


class TestReport:
    def test_all_well(self):
        lines = report.whole(outcome([result(ONE, 'passed'), result(TWO, 'failed'), result(THREE, 'skipped', 'no Nova'),
                                      result(OTHER, 'skipped', 'no Nova')], {TWO: 'x'}), {TWO: 'x'})
        text = '\n'.join(lines)
        assert 'passed     1\nfailed     1  (1 of them known)\nskipped    2\n' in text
        assert f'2 skipped: no Nova\n    {THREE}\n    {OTHER}\n' in text
        assert 'none of these tests' in text
        assert lines[-1] == 'All is as known-failures.txt says.'

    def test_contradictions(self):
        known = {TWO: 'x', 'tempest.gone': 'x'}
        text = '\n'.join(report.whole(outcome(
            [result(ONE, 'failed', 'Bang'), result(TWO, 'passed')], known, [result(THREE, 'failed', 'y' * 999)],
            excluded={OTHER: 'needs Nova'}, errors=['ERROR one']), known))
        assert f'1 are on the list and pass, so their lines have to go:\n    {TWO}' in text
        assert f'    {ONE}\n        Bang\n    {THREE}\n        {"y" * report.REASON}\n' in text
        assert '1 are on the list, and tempest has no such test:\n    tempest.gone' in text
        assert f'not run: {OTHER}: needs Nova' in text
        assert 'blockctl logged 1 errors:\nERROR one' in text
        assert 'All is as' not in text

    def test_progress(self):
        assert report.progress(result(ONE, 'failed'), {ONE: 'x'}).endswith(f'failed  {ONE} (known)')
        assert report.progress(result(ONE, 'passed'), {ONE: 'x'}).endswith(f'passed  {ONE}')


@pytest.mark.parametrize(('storage', 'protocol'), [('rbd', 'ceph'), ('lvm', 'iSCSI')])
def test_settings_can_be_read(storage, protocol):
    cloud = types.SimpleNamespace(
        auth_url='http://127.0.0.1:1/v3', password='s3cret', region='RegionOne', storage=storage,
        installation=types.SimpleNamespace(backends={'one': None, 'two': None}))
    parser = configparser.ConfigParser(interpolation=None, default_section=None)
    parser.read_string(settings.text(settings.sections(cloud, ['image-1', 'image-2'], '/somewhere')))
    assert parser['compute']['image_ref'] == 'image-1'
    assert parser['identity']['uri_v3'] == 'http://127.0.0.1:1/v3'
    assert parser['volume']['manage_volume_ref'] == 'source-name,volume-%s'
    assert (parser['volume']['backend_names'], parser['volume']['storage_protocol']) == ('one,two', protocol)
    # Nothing is switched off that the reference has.
    features = dict(parser['volume-feature-enabled'])
    assert len(features) > 5
    assert [name for name, value in features.items() if value == 'False'] == []


def test_lists_can_be_read():
    known = known_failures.parse(plan.KNOWN_FAILURES.read_text())
    assert known_failures.unexplained(known) == []
    excluded = known_failures.parse(plan.EXCLUDED.read_text())
    assert known_failures.unexplained(excluded) == []
    assert not known.keys() & excluded.keys()
    names = [*known, *excluded, *selection.lines(plan.CI_SLICE.read_text())]
    assert [name for name in names if not name.startswith(selection.SCOPE)] == []


def test_options():
    options = cli.build_parser().parse_args([])
    assert options.expressions == [selection.DEFAULT]
    for bad in ('0', '-1', 'x'):
        with pytest.raises(SystemExit):
            cli.build_parser().parse_args(['--concurrency', bad])


def test_a_venv_that_is_right_is_left_alone(tmp_path):
    (tmp_path / 'installed').write_text('a==1\nb==2')
    assert venv.make(tmp_path, ('a==1', 'b==2')) == tmp_path / 'bin'
    assert not (tmp_path / 'bin').exists()


INTERRUPTED = """
import signal, sys
sys.path.insert(0, sys.argv[1])
from conforming import interrupts
with interrupts.end_in_order():
    try:
        print('ready', flush=True)
        signal.pause()
    finally:
        signal.raise_signal(signal.SIGINT)
        print('cleaned up', flush=True)
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_in_order_and_the_next_does_not_disturb(number):
    with subprocess.Popen([sys.executable, '-c', INTERRUPTED, TOOLS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == 'ready\n'
        process.send_signal(number)
        assert process.communicate(timeout=20)[0] == 'cleaned up\n'
    assert process.returncode == 128 + number

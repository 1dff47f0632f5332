# SPDX-License-Identifier: Apache-2.0
"""The parts of tools/clients that need no client: tables, the judgement of a call, the page."""

import pathlib
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[3] / 'tools'
sys.path.insert(0, str(TOOLS))

from client_calls import page  # noqa: E402 - found beside tools/clients only
from client_calls import tables  # noqa: E402
from client_calls import worker  # noqa: E402

THINGS = """
volume: {POST: /volumes, body: {volume: {size: 1}}, save: {volume: volume.id}, undo: {DELETE: "/volumes/${volume}"}}
snapshot: {after: [volume], POST: /snapshots, save: {snapshot: snapshot.id}}
"""


@pytest.fixture
def write(tmp_path):
    """Writes a table of openstack beside the things; returns the folder."""
    def write(table, things=THINGS):
        (tmp_path / 'things.yaml').write_text(things)
        (tmp_path / 'openstack.yaml').write_text(table)
        return tmp_path

    return write


class TestTables:
    def test_a_row(self, write):
        [row] = tables.load('openstack', write('volume show: {uses: [volume], good: "${volume}", says: x, bad: y, '
                                               'refused: z, then: {path: /p, gone: true}}'))
        assert (row.command, row.uses, row.makes, row.good, row.bad, row.refused) == (
            'volume show', ('volume',), (), '${volume}', 'y', 'z')
        assert row.then.gone and row.needs == '' and row.only_refused == ''

    def test_a_call_that_takes_nothing(self, write):
        [row] = tables.load('openstack', write('volume summary: {bad: null}'))
        assert row.bad is None and row.good == ''

    @pytest.mark.parametrize(('table', 'says'), [
        ('volume show: {good: x}', 'bad: it is missing'),
        ('volume show: {bad: x}', 'refused: it is missing'),
        ('volume show: {bad: null, color: blue}', 'unknown: color'),
        ('volume show: {bad: null, uses: [moon]}', 'no such things: moon'),
        ('volume show: {bad: null, then: {path: /p}}', 'either gone, or field and values'),
        ('- volume show', 'must be a mapping'),
    ])
    def test_what_is_refused(self, write, table, says):
        with pytest.raises(tables.TableError, match=says):
            tables.load('openstack', write(table))

    def test_a_thing_comes_after_what_it_needs(self, write):
        with pytest.raises(tables.TableError, match='not above it: volume'):
            tables.load_things(write('', 'snapshot: {after: [volume], POST: /snapshots}'))

    def test_forgotten(self, write):
        rows = tables.load('openstack', write('volume show: {bad: null}\nvolume eat: {bad: null}'))
        assert tables.forgotten(rows, ['volume show', 'volume list']) == (['volume list'], ['volume eat'])

    @pytest.mark.parametrize('client', tables.CLIENTS)
    def test_ours_can_be_read(self, client):
        assert len(tables.load(client)) > 90


class TestJudgement:
    @pytest.mark.parametrize(('as_expected', 'text', 'says'), [
        (True, 'the Volume\n  abc', None),
        (True, 'something else', "does not say 'volume abc'"),
        (False, 'volume abc', 'exit status 3'),
        (False, 'ERROR: (HTTP 500) volume abc', 'it broke'),
        (True, 'volume abc (HTTP 503)', 'it broke'),
    ])
    def test_complaint(self, as_expected, text, says):
        complaint = worker._complaint(as_expected, 'volume abc', text, 3)
        assert says in complaint if says else complaint is None


class Call:
    """Stands for a client: answers from a table, and keeps what it was asked."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, command, arguments):
        self.asked.append(arguments)
        return self.answers[arguments]


class TestWorker:
    def worker(self, call):
        made = worker.Worker.__new__(worker.Worker)
        made._call = call
        made._shared = {'name': 'n', 'missing': 'm', 'run': 'r', 'project': 'p'}
        made._is_shared, made._made, made._cannot, made._things = set(), [], {}, {}
        return made

    def row(self, **values):
        given = {'uses': (), 'makes': (), 'good': '', 'says': '', 'then': None, 'bad': None, 'refused': '',
                 'only_refused': '', 'needs': ''}
        return tables.Row('show', **{**given, **values})

    def test_both_paths(self):
        call = Call({'n-7': (0, 'seen n-7', ''), 'x': (1, '', 'no x')})
        result = self.worker(call).run(7, self.row(good='${name}', says='${name}', bad='x', refused='no x'))
        assert call.asked == ['n-7', 'x']
        assert result['good'] is None and result['bad'] is None and page.words(result) == 'works'

    def test_a_bad_argument_that_is_taken(self):
        result = self.worker(Call({'': (0, '', ''), 'x': (0, 'fine', '')})).run(1, self.row(bad='x', refused='no'))
        assert result['good'] is None and 'exit status 0' in result['bad'] and page.state(result) == page.FAILS

    def test_a_refusal_that_is_right(self):
        result = self.worker(Call({'': (1, '', 'no such thing')})).run(1, self.row(only_refused='no such'))
        assert page.words(result) == 'is refused, as it should be'

    def test_a_name_that_nothing_saved(self):
        result = self.worker(Call({})).run(1, self.row(good='${volume}'))
        assert result['good'] == 'volume is not known'


class TestPage:
    RESULTS = [{'command': 'a', 'needs': '', 'good': None, 'bad': None, 'only_refused': False},
               {'command': 'bb', 'needs': '', 'good': 'x', 'bad': None, 'only_refused': False},
               {'command': 'c', 'needs': 'images'}]

    def test_written(self):
        text = page.written(f'Clients\n\n{page.MARK}\n\nold', {'openstack': self.RESULTS})
        assert text == f"""Clients

{page.MARK}

openstack
---------

1 works, 1 fails, 1 not yet

====== ===============
``a``  works
``bb`` fails
``c``  not yet: images
====== ===============
"""

    def test_a_page_without_its_mark_is_left_alone(self):
        with pytest.raises(ValueError, match='has no line'):
            page.written('Clients', {'openstack': self.RESULTS})

    def test_failures_say_which_path(self):
        assert list(page.failures('openstack', self.RESULTS)) == ['openstack bb (good path): x']

# SPDX-License-Identifier: Apache-2.0
import collections
import types

import pytest

from blockctl import exceptions
from blockctl import microversions
from blockctl.api import parameter_types as t
from blockctl.api.versioned import ABSENT
from blockctl.api.versioned import Body
from blockctl.api.versioned import Field
from blockctl.api.versioned import Pairs
from blockctl.api.versioned import Param
from blockctl.api.versioned import Seen
from blockctl.api.versioned import View
from blockctl.api.versioned import links
from blockctl.api.versioned import time


def version(text):
    return microversions.parse(text)


class Caller:
    """Stands in for a Context: allows what it was made with, in its own project."""

    def __init__(self, *rules):
        self.rules = rules
        self.asked = []

    def can(self, rule, target):
        self.asked.append((rule, target.project_id))
        return rule in self.rules and target.project_id == 'mine'


def show(view, *rows, at='3.71', caller=None, related=None):
    return view.shown(caller or Caller(), rows, Seen(related, 'http://h/v3/p', 'http://h/p', version(at)))


def row(**values):
    return types.SimpleNamespace(**{'id': '1', 'project_id': 'mine', **values})


# --- rows
def test_overlapping_fields_are_refused():
    with pytest.raises(ValueError, match=r'two rows for color hold for 3\.10'):
        View('thing', 'things', Field('color', until='3.10'), Field('color', since='3.10'))


def test_overlapping_params_are_refused():
    with pytest.raises(ValueError, match='two rows for color'):
        Body('thing', Param('color', {}), Param('color', {}, since='3.5'))


def test_rows_that_follow_each_other_are_not():
    View('thing', 'things', Field('color', until='3.9'), Field('color', since='3.10'))


@pytest.mark.parametrize(('since', 'until'), [('3.10', '3.9'), ('2.9', None), (None, '3.999')])
def test_a_row_holds_for_versions_there_are(since, until):
    with pytest.raises(ValueError, match='no version between'):
        Field('color', since=since, until=until)


# --- views
def test_a_field_by_version():
    view = View('thing', 'things', Field('id'), Field('color', since='3.10', until='3.20'),
                Field('color', 'colour', since='3.21'))
    thing = row(color='old', colour='new')
    assert show(view, thing, at='3.9') == [{'id': '1'}]
    assert show(view, thing, at='3.10') == [{'id': '1', 'color': 'old'}]
    assert show(view, thing, at='3.20') == [{'id': '1', 'color': 'old'}]
    assert show(view, thing, at='3.21') == [{'id': '1', 'color': 'new'}]


def test_a_getter_of_a_column_of_the_row_and_of_what_is_related():
    view = View('thing', 'things', Field('shape', lambda value, seen: value.upper(), of='form'),
                Field('sum', lambda row, seen: row.a + row.b),
                Field('color', lambda row_id, seen: seen.related[row_id], of='id'))
    assert show(view, row(form='round', a=1, b=2), related={'1': 'red'}) == [
        {'shape': 'ROUND', 'sum': 3, 'color': 'red'}]


def test_an_optional_field_may_be_absent():
    view = View('thing', 'things', Field('id'), Field('key', lambda value, seen: value or ABSENT, of='key',
                                                      optional=True))
    assert show(view, row(key=None), row(key='k')) == [{'id': '1'}, {'id': '1', 'key': 'k'}]


def test_rights_are_asked_once_for_each_project():
    view = View('thing', 'things', Field('id'), Field('secret', rule='see'))
    caller = Caller('see')
    shown = show(view, row(secret=1), row(secret=2, project_id='theirs'), row(secret=3), caller=caller)
    assert shown == [{'id': '1', 'secret': 1}, {'id': '1'}, {'id': '1', 'secret': 3}]
    assert caller.asked == [('see', 'mine'), ('see', 'theirs')]


def test_rows_of_the_database_are_read_by_position():
    named = collections.namedtuple('named', 'extra id project_id name')
    view = View('thing', 'things', Field('name'), Field('id'))
    assert show(view, named('x', '7', 'mine', 'n')) == [{'name': 'n', 'id': '7'}]


def test_no_rows():
    assert show(View('thing', 'things', Field('id'))) == []


def test_times_and_links():
    import datetime
    view = View('thing', 'things', time('created_at'), time('gone', 'deleted_at'), links('links', 'things'))
    shown, = show(view, row(created_at=datetime.datetime(2026, 1, 2, 3, 4, 5), deleted_at=None))
    assert shown == {'created_at': '2026-01-02T03:04:05.000000', 'gone': None, 'links': [
        {'rel': 'self', 'href': 'http://h/v3/p/things/1'}, {'rel': 'bookmark', 'href': 'http://h/p/things/1'}]}


# --- bodies
BODY = Body('thing', Param('size', t.SIZE, required=True), Param('color', t.text(5), since='3.13'),
            top=(Param('hints', {'type': 'object'}),), closed_since='3.53')


def test_a_param_before_its_version_is_not_seen():
    assert BODY.check({'thing': {'size': 1, 'color': 5}}, version('3.12')) == {'size': 1}


def test_and_is_checked_since_then():
    with pytest.raises(exceptions.InvalidField, match='color'):
        BODY.check({'thing': {'size': 1, 'color': 5}}, version('3.13'))


def test_unknown_keys_are_dropped_until_they_are_refused():
    body = {'thing': {'size': 1, 'shape': 'round'}, 'more': 1}
    assert BODY.check(body, version('3.52')) == {'size': 1}
    with pytest.raises(exceptions.InvalidRequest, match='more|shape'):
        BODY.check(body, version('3.53'))
    assert BODY.check({'thing': {'size': 1}, 'hints': {}}, version('3.53')) == {'size': 1}


@pytest.mark.parametrize('document', [None, [], 'thing', 5, {}, {'thing': None}, {'thing': []}, {'thing': {}}])
def test_what_is_no_body(document):
    with pytest.raises(exceptions.InvalidRequest):
        BODY.check(document, microversions.MAX)


def test_at_least_one_key():
    body = Body('thing', Param('color', {}), at_least_one_since='3.53')
    assert body.check({'thing': {}}, version('3.52')) == {}
    with pytest.raises(exceptions.InvalidField, match='thing'):
        body.check({'thing': {}}, version('3.53'))


def test_a_nullable_body():
    assert Body('thing', Param('color', {}), nullable=True).check({'thing': None}, microversions.MIN) == {}


def test_params_at_the_top():
    body = Body(None, Param('host', t.NAME_REQUIRED, required=True), closed_since='3.0')
    assert body.check({'host': 'h'}, microversions.MIN) == {'host': 'h'}
    with pytest.raises(exceptions.InvalidRequest, match='host'):
        body.check({}, microversions.MIN)


def test_free_pairs():
    pairs = Pairs('metadata', t.METADATA)
    assert pairs.check({'metadata': {'any': 'thing'}}, microversions.MIN) == {'any': 'thing'}
    with pytest.raises(exceptions.InvalidField, match='any'):
        pairs.check({'metadata': {'any': 1}}, microversions.MIN)
    with pytest.raises(exceptions.InvalidRequest, match='more'):
        pairs.check({'metadata': {}, 'more': 1}, microversions.MIN)


def test_a_refusal_does_not_repeat_a_large_value():
    with pytest.raises(exceptions.InvalidField) as caught:
        BODY.check({'thing': {'size': ['x' * 100_000] * 100}}, microversions.MAX)
    assert len(str(caught.value)) < 500

# SPDX-License-Identifier: Apache-2.0
"""The language of filter and goodness functions: what it says, and that it says nothing else."""

import builtins
import string

import hypothesis
import pytest
from hypothesis import strategies as st

from blockctl.scheduler import expressions

NAMES = {'stats': {'free_capacity_gb': 7.5, 'total_capacity_gb': 'infinite', 'none': None, 'list': [1], 'yes': True,
                   'deep': {'er': 4}},
         'capabilities': {}, 'volume': {'size': 3}, 'extra': {'level': '5', 'disk': 'ssd', 'flag': 'True'}, 'qos': {}}


def value(text):
    """A number as it is, and true or false as one of those."""
    read = expressions.read(text)
    return read.number(NAMES)


@pytest.mark.parametrize(('text', 'expected'), [
    ('1 + 2 * 3', 7), ('(1 + 2) * 3', 9), ('7 - 2 - 1', 4), ('8 / 4 / 2', 1), ('2 ^ 3 ^ 2', 512), ('-2 ^ 2', -4),
    ('2 ^ -1', 0.5), ('2 * -3', -6), ('--3', 3), ('+4', 4), ('.5 + 1.', 1.5), ('1e3', 1000), ('abs(-3)', 3),
    ('max(1, 5, 3)', 5), ('min(4, 2)', 2), ('sum(1, 2, 3)', 6), ('max(1, volume.size * 2)', 6),
    ('stats.free_capacity_gb * 2', 15), ('stats.deep.er', 4), ('extra.level + 1', 6),
    ('volume.size < 5 ? 10 : 20', 10), ('volume.size > 5 ? 10 : 20', 20), ('false ? 1 : true ? 2 : 3', 2),
    ('true ? 1 : 1 / 0', 1), ('(volume.size < 5) ? (2 * 4 + 1) : 0', 9)])
def test_numbers(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(('text', 'expected'), [
    ('1 < 2', True), ('2 <= 1', False), ('2 >= 2', True), ('1 > 1', False), ('1 == 1.0', True), ('1 != 2', True),
    ('1 <> 1', False), ('1 < 2 < 3', True), ('1 < 3 < 2', False), ('1 + 1 == 2 and 2 * 2 == 4', True),
    ('true and false', False), ('true && true', True), ('true & false', False), ('false or true', True),
    ('false || false', False), ('false | true', True), ('not true', False), ('!false', True), ('not 1 == 2', True),
    ('not false and false', False), ('true or false and false', True), ('false and 1 / 0', False),
    ('true or stats.absent', True), ('extra.disk == "ssd"', True), ("extra.disk != 'ssd'", False),
    ('extra.level == 5', True), ('extra.level > 4.5', True), ('extra.flag', True), ('stats.yes', True),
    ('stats.yes == true', True), ('extra.flag == true', True), ('stats.none == ""', True), ('"b" > "a"', True),
    ('stats.total_capacity_gb > 1000000', True), ('0', False), ('0.1', True), ('(((1)))', True),
    ('volume.size\n<\t5', True)])
def test_truth(text, expected):
    assert expressions.read(text).truth(NAMES) is expected


@pytest.mark.parametrize('text', [
    '', ' ', '1 +', '(1', '1)', '1 2', '= 1', '1 = 1', '1 ? 2', '1 : 2', 'max()', 'max(1)', 'abs(1, 2)', 'abs',
    'abs 1', 'unknown.x', 'size', 'stats', 'stats.', 'volume..size', 'exec(1)', '"open', 'a = 1', '[1]', '{1}',
    'volume[0]', '1;2', 'lambda: 1', '__import__', 'stats.x()', '1 if 2 else 3', 'and', 'not', '٣', '1 + é', '\\',
    'stats.free_capacity_gb.x('])
def test_what_cannot_be_read(text):
    with pytest.raises(expressions.ExpressionError):
        expressions.read(text)


@pytest.mark.parametrize('text', [
    '1 / 0', '0 ^ -1', '(0 - 8) ^ 0.5', '9 ^ 9 ^ 9', '1e308 * 1e308 - 1e308 * 1e308', 'stats.absent', 'qos.maxIOPS > 1',
    '"words" + 1', '"words"', 'extra.disk', 'stats.list', 'stats.deep', 'stats.free_capacity_gb.x', 'stats.none + 1',
    '-"x"', 'abs("x")', 'stats.total_capacity_gb - stats.total_capacity_gb',
    'sum(stats.total_capacity_gb, -stats.total_capacity_gb)'])
def test_what_has_no_value(text):
    read = expressions.read(text)
    with pytest.raises(expressions.ExpressionError):
        read.truth(NAMES)


@pytest.mark.parametrize('text', [
    '(' * 5000 + '1' + ')' * 5000, '(' * 200 + '1' + ')' * 200, '!' * 500 + '1', '-' * 500 + '1',
    '1 ? ' * 300 + '1' + ' : 1' * 300, '2 ^ ' * 500 + '2', '1 + ' * 2000 + '1', 'abs(' * 100 + '1' + ')' * 100])
def test_what_is_too_much(text):
    with pytest.raises(expressions.ExpressionError, match='longer|deeper'):
        expressions.read(text)


def test_long_but_flat_is_not_too_much():
    assert value('+'.join(['1'] * 1000)) == 1000
    assert expressions.read(' or '.join(['1 == 2'] * 300)).truth(NAMES) is False


WORDS = [*'+-*/^<>!&|?:(),', '<=', '==', '&&', '||', '<>', 'and', 'or', 'not', 'true', 'stats.free_capacity_gb',
         'extra.disk', 'volume.size', 'qos.x', 'abs', 'max', 'min', 'sum', '"text"', '__import__("os")', 'exec', 'eval',
         'stats.__class__', 'volume.size.__class__']


@hypothesis.given(st.one_of(
    st.text(max_size=60), st.text(string.printable, max_size=60),
    st.lists(st.one_of(st.sampled_from(WORDS), st.floats(0, 1e6).map(str), st.integers(0, 10**20).map(str)),
             max_size=60).map(' '.join)))
@hypothesis.settings(max_examples=600, deadline=None)
def test_whatever_it_is_it_is_read_and_worked_out_or_refused(text):
    """Nothing is ever executed, and nothing but its own error comes out."""
    called = []
    names = ('eval', 'exec', 'compile', '__import__', 'open', 'getattr')
    former = {name: getattr(builtins, name) for name in names}
    try:
        read = expressions.read.__wrapped__(text)
        for name in names[:3]:
            setattr(builtins, name, lambda *args: called.append(args))
        result = read.number(NAMES)
    except expressions.ExpressionError:
        return
    finally:
        for name, function in former.items():
            setattr(builtins, name, function)
    assert not called
    assert isinstance(result, float)


GRAMMAR = st.deferred(lambda: st.one_of(
    st.integers(0, 50).map(str),
    st.tuples(GRAMMAR, st.sampled_from(['+', '-', '*']), GRAMMAR).map(lambda parts: f'({" ".join(parts)})'),
    GRAMMAR.map(lambda inner: f'(-{inner})'),
    st.tuples(GRAMMAR, st.sampled_from(['<', '<=', '==', '!=', '>', '>=']), GRAMMAR, GRAMMAR, GRAMMAR).map(
        lambda parts: f'(({parts[0]} {parts[1]} {parts[2]}) ? {parts[3]} : {parts[4]})')))


@hypothesis.given(GRAMMAR)
@hypothesis.settings(max_examples=60, deadline=None)
def test_it_reckons_as_python_does(text):
    try:
        ours = expressions.read(text).number({})
    except expressions.ExpressionError as error:
        assert 'deeper' in str(error) or 'longer' in str(error)
        return
    assert ours == eval(_as_python(text))


def _as_python(text):
    """``(c ? a : b)`` of the grammar above, written as Python has it."""
    while '?' in text:
        end = text.index(':')
        question = text.rindex('?', 0, end)
        left = _opening(text, question - 1)
        right = _closing(text, end + 1)
        condition, chosen, other = text[left + 1:question], text[question + 1:end], text[end + 1:right]
        text = f'{text[:left]}({chosen} if {condition} else {other}){text[right + 1:]}'
    return text


def _opening(text, place):
    depth = 0
    while depth < 1:
        depth += {'(': 1, ')': -1}.get(text[place], 0)
        place -= 1
    return place + 1


def _closing(text, place):
    depth = 0
    while depth < 1:
        depth += {')': 1, '(': -1}.get(text[place], 0)
        place += 1
    return place - 1

# SPDX-License-Identifier: Apache-2.0
"""What the extra specs of a volume type ask of a pool.

Operators as the reference documents them: ``=`` (at least), ``==``, ``!=``, ``>=``, ``<=``; of text ``s==``, ``s!=``,
``s<``, ``s<=``, ``s>``, ``s>=``; ``<in>``, ``<is>``, ``<or>``.  A plain value must be equal.
"""

import operator

from oslo_utils import strutils

#: Keys that say something to blockctl itself.
RESERVED = 'RESKEY:'

_NUMBERS = {'=': operator.ge, '==': operator.eq, '!=': operator.ne, '>=': operator.ge, '<=': operator.le}
_TEXTS = {'s==': operator.eq, 's!=': operator.ne, 's<': operator.lt, 's<=': operator.le, 's>': operator.gt,
          's>=': operator.ge}


def satisfied(report, specs):
    """Whether a pool that reports ``report`` has all that ``specs`` ({key: text or None}) ask for."""
    return Wanted(specs).satisfied(report)


class Wanted:
    """The extra specs of a type, read once, to be held against any number of reports."""

    def __init__(self, specs):
        self._wants = [want for want in (_want(key, value or '') for key, value in specs.items()) if want is not None]

    def __bool__(self):
        """Whether anything is asked for."""
        return bool(self._wants)

    def satisfied(self, report):
        for _key, _text, path, matches in self._wants:
            value = _value(report, path)
            if value is _ABSENT or not (any(map(matches, value)) if isinstance(value, list) else matches(value)):
                return False
        return True

    def lacking(self, report):
        """For people: what ``report`` has instead of the first thing that it lacks; '' when it has everything."""
        for key, text, path, matches in self._wants:
            value = _value(report, path)
            if value is _ABSENT:
                return f'{key} is not reported, {text!r} is asked for'
            if not any(map(matches, value if isinstance(value, list) else [value])):
                return f'{key} is {value!r}, {text!r} is asked for'
        return ''


_ABSENT = object()


def _want(key, text):
    """(key, text, where it is in a report, whether a value there will do), or None: nothing is asked of the pool."""
    if key.startswith(RESERVED):
        return None
    scope, colon, rest = key.partition(':')
    if not colon:
        return key, text, (key,), _test(text)
    if scope != 'capabilities':
        return None  # said to somebody else: a driver, QoS, ...
    return key, text, tuple(rest.split(':')), _test(text)


def _value(report, path):
    for part in path:
        if not isinstance(report, dict) or part not in report:
            return _ABSENT
        report = report[part]
    return report


def _test(wanted):
    """A function of a reported value."""
    sign, _, rest = wanted.strip().partition(' ')
    rest = rest.strip()
    if sign in _NUMBERS:
        return _number_test(_NUMBERS[sign], rest)
    if sign in _TEXTS:
        compare = _TEXTS[sign]
        return lambda value: compare(str(value), rest)
    match sign:
        case '<in>':
            parts = [part.strip() for part in rest.split('<in>')]
            return lambda value: all(part in str(value) for part in parts)
        case '<is>':
            truth = strutils.bool_from_string(rest)
            return lambda value: strutils.bool_from_string(str(value)) == truth
        case '<or>':
            choices = {part.strip() for part in rest.split('<or>')}
            return lambda value: str(value) in choices
        case _:
            return lambda value: str(value) == wanted


def _number_test(compare, text):
    try:
        wanted = float(text)
    except ValueError:
        return lambda value: False

    def matches(value):
        try:
            return compare(float(value), wanted)
        except (TypeError, ValueError):
            return False

    return matches

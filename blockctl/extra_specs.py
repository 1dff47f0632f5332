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
    return all(_has(report, key, wanted or '') for key, wanted in specs.items())


def _has(report, key, wanted):
    if key.startswith(RESERVED):
        return True
    scope, colon, rest = key.partition(':')
    if colon:
        if scope != 'capabilities':
            return True  # said to somebody else: a driver, QoS, ...
        key = rest
    value = report
    for part in key.split(':'):
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return any(_matches(one, wanted) for one in (value if isinstance(value, list) else [value]))


def _matches(value, wanted):
    sign, _, rest = wanted.strip().partition(' ')
    rest = rest.strip()
    if sign in _NUMBERS:
        try:
            return _NUMBERS[sign](float(value), float(rest))
        except (TypeError, ValueError):
            return False
    text = str(value)
    match sign:
        case '<in>':
            return all(part.strip() in text for part in rest.split('<in>'))
        case '<is>':
            return strutils.bool_from_string(text) == strutils.bool_from_string(rest)
        case '<or>':
            return text in [part.strip() for part in rest.split('<or>')]
        case _ if sign in _TEXTS:
            return _TEXTS[sign](text, rest)
        case _:
            return text == wanted

# SPDX-License-Identifier: Apache-2.0
"""CapabilitiesFilter: the pool reports what the type's extra specs ask for.

Operators as the reference documents them for extra specs: ``=`` (at least), ``==``, ``!=``, ``>=``, ``<=``, their
string forms ``s==`` ..., ``<in>``, ``<is>``, ``<or>``; a plain value must be equal.
"""

import operator

# Keys that say something to others than this filter.
_NOT_CAPABILITIES = ('RESKEY:',)

_NUMBERS = {'=': operator.ge, '==': operator.eq, '!=': operator.ne, '>=': operator.ge, '<=': operator.le}
_STRINGS = {'s==': operator.eq, 's!=': operator.ne, 's<': operator.lt, 's<=': operator.le, 's>': operator.gt,
            's>=': operator.ge}


def make(conf):
    def passes(spec, pool):
        wanted = spec.get('extra_specs') or {}
        return all(_has(pool.report, key, value) for key, value in wanted.items())

    return passes


def _has(report, key, wanted):
    if key.startswith(_NOT_CAPABILITIES):
        return True
    scope, colon, rest = key.partition(':')
    if colon:
        if scope != 'capabilities':
            return True  # scoped to somebody else: a driver, QoS, ...
        key = rest
    value = report
    for part in key.split(':'):
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    values = value if isinstance(value, list) else [value]
    return any(matches(one, wanted) for one in values)


def matches(value, wanted):
    """Whether a reported ``value`` satisfies the extra spec's text."""
    words = wanted.split()
    if not words:
        return str(value) == ''
    sign, rest = words[0], words[1:]
    value_text = str(value)
    if sign in _NUMBERS:
        try:
            return _NUMBERS[sign](float(value), float(' '.join(rest)))
        except (TypeError, ValueError):
            return False
    if sign in _STRINGS:
        return _STRINGS[sign](value_text, ' '.join(rest))
    if sign == '<in>':
        return all(word in value_text for word in ' '.join(rest).split(' <in> '))
    if sign == '<is>':
        return _truth(value_text) == _truth(' '.join(rest))
    if sign == '<or>':
        return value_text in [word.strip() for word in ' '.join(rest).split('<or>')]
    return value_text == wanted


def _truth(text):
    return text.strip().lower() in ('1', 't', 'true', 'on', 'y', 'yes')

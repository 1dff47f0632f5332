# SPDX-License-Identifier: Apache-2.0
"""JsonFilter: the pool is what the hint ``query`` asks for, such as ``["and", [">=", "$free_capacity_gb", 100], ...]``.

Operators: ``=``, ``<``, ``<=``, ``>``, ``>=``, ``in`` (the first argument against each of the others), ``not``, ``or``,
``and``.  ``$name`` is what the pool reports under that name, ``$a.b`` what is below it.
"""

import json
import operator

from oslo_log import log as logging

from blockctl.scheduler.filters import each
from blockctl.scheduler.filters import none

LOG = logging.getLogger(__name__)

HINT = 'query'

#: How deep a query may be nested, and how long its text may be, at most.
MAX_DEPTH = 20
MAX_LENGTH = 10_000

_COMPARISONS = {'=': operator.eq, '<': operator.lt, '<=': operator.le, '>': operator.gt, '>=': operator.ge}


class QueryError(Exception):
    """It is no query."""


def make(conf):
    return prepare


def prepare(request):
    query = request.hints.get(HINT)
    if not query:
        return None
    try:
        passes = read(query)
    except QueryError as error:
        LOG.warning('The hint %s of a request is no query: %s', HINT, error)
        return none(f'{HINT} is no query: {error}')
    return each(lambda pool: passes(pool.stats() | {'capabilities': pool.report}), lambda pool: f'{HINT} is false')


prepare.counts = True


def read(query):
    """A function of what a pool reports, that tells whether it is asked for. Raises QueryError."""
    if isinstance(query, str):
        if len(query) > MAX_LENGTH:
            raise QueryError(f'it is longer than {MAX_LENGTH} characters')
        try:
            query = json.loads(query)
        except (ValueError, RecursionError) as error:
            raise QueryError('it is not JSON') from error
    evaluate = _read(query, MAX_DEPTH)
    return lambda report: _truth(evaluate(report))


def _read(query, depth):
    if isinstance(query, str) and query.startswith('$'):
        path = query[1:].split('.')
        return lambda report: _value(report, path)
    if not isinstance(query, list):
        return lambda report: query
    if depth == 0:
        raise QueryError(f'it is nested deeper than {MAX_DEPTH} times')
    if not query:
        return lambda report: True
    sign, *arguments = query
    if not isinstance(sign, str) or (sign not in _COMPARISONS and sign not in _COMBINATIONS):
        raise QueryError(f'{str(sign)[:20]!r} is no operator')
    parts = [_read(argument, depth - 1) for argument in arguments]
    combine = _COMBINATIONS.get(sign)
    if combine is None:
        combine = _comparing(_COMPARISONS[sign])
    return lambda report: combine([part(report) for part in parts])


def _value(report, path):
    for part in path:
        if not isinstance(report, dict):
            return None
        report = report.get(part)
    return report


def _comparing(compare):
    def combine(values):
        try:
            return len(values) > 1 and all(compare(values[0], other) for other in values[1:])
        except TypeError:  # a number and a word
            return False

    return combine


def _contained(values):
    return len(values) > 1 and any(value in values[1:] for value in values[:1])


def _truth(value):
    """``not`` answers with a list, of which everything has to be true."""
    return all(value) if isinstance(value, list) else bool(value)


_COMBINATIONS = {
    'in': _contained,
    'not': lambda values: [not _truth(value) for value in values],
    'or': lambda values: any(_truth(value) for value in values),
    'and': lambda values: all(_truth(value) for value in values),
}

# SPDX-License-Identifier: Apache-2.0
"""DriverFilter: the pool's ``filter_function`` (scheduler/expressions.py) is true; without one, the pool passes.

One that cannot be worked out is logged, and its pool does not pass.
"""

from oslo_log import log as logging

from blockctl.scheduler import expressions
from blockctl.scheduler.filters import each

LOG = logging.getLogger(__name__)


def make(conf):
    return prepare


def prepare(request):
    def passes(pool):
        return not _why(request, pool, LOG.warning)

    return each(passes, lambda pool: _why(request, pool, LOG.debug))


prepare.counts = True


def _why(request, pool, log):
    """'' when it passes."""
    text = pool.report.get('filter_function')
    if not text:
        return ''
    try:
        return '' if expressions.read(text).truth(names(request, pool)) else f'{text} is false'
    except expressions.ExpressionError as error:
        log('Pool %s has a filter_function that cannot be worked out: %s: %s', pool.name, text, error)
        return f'{text}: {error}'


def names(request, pool):
    """What the functions of a pool may name."""
    return {'stats': pool.stats(), 'capabilities': pool.report, **request.names()}

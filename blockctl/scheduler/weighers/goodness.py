# SPDX-License-Identifier: Apache-2.0
"""GoodnessWeigher: what the pool's ``goodness_function`` (scheduler/expressions.py) says, from 0 to 100.

Without one, beyond those, or when it cannot be worked out, which is logged, it is 0.
"""

from oslo_log import log as logging

from blockctl.scheduler import expressions
from blockctl.scheduler.filters import driver
from blockctl.scheduler.weighers import Weigher

LOG = logging.getLogger(__name__)

BEST = 100


def make(conf):
    return Weigher(1.0, lambda request, pools: [_goodness(request, pool) for pool in pools], counts=True)


def _goodness(request, pool):
    text = pool.report.get('goodness_function')
    if not text:
        return 0
    try:
        value = expressions.read(text).number(driver.names(request, pool))
    except expressions.ExpressionError as error:
        LOG.warning('Pool %s has a goodness_function that cannot be worked out: %s: %s', pool.name, text, error)
        return 0
    if 0 <= value <= BEST:
        return value
    LOG.warning('Pool %s has a goodness_function that gives %s, which is not between 0 and %s: %s', pool.name, value,
                BEST, text)
    return 0

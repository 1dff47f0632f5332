# SPDX-License-Identifier: Apache-2.0
"""RetryFilter, or IgnoreAttemptedHostsFilter: the pool was not tried for this request before.

Pools that were tried are left out in any case (scheduler/pick.py): this is for configurations that name the filter.
"""

from blockctl.scheduler.filters import each


def make(conf):
    return prepare


def prepare(request):
    if not request.excluded:
        return None
    return each(lambda pool: pool.name not in request.excluded, lambda pool: 'it was tried before')

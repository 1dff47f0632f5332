# SPDX-License-Identifier: Apache-2.0
"""CapacityFilter: there is room. The claim decides by the same bound, in the database."""

from blockctl.scheduler.filters import Test


def make(conf):
    return prepare


def prepare(request):
    size = request.size
    if not size:
        return None  # what is there already, or only needs a place, fits wherever it is
    if request.thick:
        return Test(lambda pools: [pool for pool in pools if size <= pool.thick_room],
                    lambda pool: _why(size, pool.thick_room))
    return Test(lambda pools: [pool for pool in pools if size <= pool.room], lambda pool: _why(size, pool.room))


def _why(size, room):
    return f'it has room for {max(0, room)} GiB, not for {size}'

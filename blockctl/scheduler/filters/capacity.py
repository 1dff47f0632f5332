# SPDX-License-Identifier: Apache-2.0
"""CapacityFilter: there is room. The claim decides with the same bound, in the database."""

from blockctl import capacity


def make(conf):
    def passes(spec, pool):
        return (pool.bound is None or pool.claimed + pool.foreign + spec['size'] <= pool.bound) and (
            pool.free is None or spec['size'] <= capacity.virtual_free(pool))

    return passes

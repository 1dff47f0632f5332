# SPDX-License-Identifier: Apache-2.0
"""CapacityWeigher: more free capacity, counting what is promised, weighs more."""

from blockctl import capacity


def make(conf):
    multiplier = conf.capacity_weight_multiplier

    def weigh(spec, pools):
        return multiplier, {pool.name: _free(pool) for pool in pools}

    return weigh


def _free(pool):
    left = [amount for amount in (
        None if pool.bound is None else pool.bound - pool.claimed - pool.foreign,
        None if pool.free is None else capacity.virtual_free(pool)) if amount is not None]
    # A pool that cannot say comes last, as it does in the reference.
    return min(left) if left else 0.0

# SPDX-License-Identifier: Apache-2.0
"""AllocatedCapacityWeigher: by the GiB of the volumes on a pool; its multiplier is negative, so that few come first."""

from blockctl.scheduler.weighers import Weigher


def make(conf):
    return Weigher(conf.allocated_capacity_weight_multiplier, lambda request, pools: [pool.claimed for pool in pools])

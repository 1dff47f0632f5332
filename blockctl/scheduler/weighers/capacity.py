# SPDX-License-Identifier: Apache-2.0
"""CapacityWeigher: more room, counting what is promised, weighs more.

Pools that do not know what they hold come last, whether the fullest or the emptiest pool is to come first.
"""

import math

from blockctl.scheduler.weighers import Weigher


def make(conf):
    multiplier = conf.capacity_weight_multiplier

    def weigh(request, pools):
        rooms = [pool.thick_room for pool in pools] if request.thick else [pool.room for pool in pools]
        if math.inf in rooms:
            known = [room for room in rooms if room != math.inf]
            last = min(known, default=0) - 1 if multiplier > 0 else max(known, default=0) + 1
            rooms = [last if room == math.inf else room for room in rooms]
        return rooms

    return Weigher(multiplier, weigh)

# SPDX-License-Identifier: Apache-2.0
"""ChanceWeigher: any pool that passed, by lot."""

import random

from blockctl.scheduler.weighers import Weigher


def make(conf):
    return Weigher(1.0, lambda request, pools: [random.random() for _ in pools])

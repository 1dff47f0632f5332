# SPDX-License-Identifier: Apache-2.0
"""VolumeNumberWeigher: by the number of volumes on a pool; its multiplier is negative, so that few come first."""

from blockctl.scheduler.weighers import Weigher


def make(conf):
    return Weigher(conf.volume_number_multiplier, _numbers, counts=True)


def make_fewest(conf):
    """What the simple scheduler weighs by, whatever the multiplier."""
    return Weigher(-1.0, _numbers, counts=True)


def _numbers(request, pools):
    return [pool.volumes or 0 for pool in pools]

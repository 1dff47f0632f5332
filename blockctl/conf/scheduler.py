# SPDX-License-Identifier: Apache-2.0
"""How a pool is chosen."""

from oslo_config import cfg

OPTIONS = (
    cfg.ListOpt('scheduler_default_filters',
                default=['AvailabilityZoneFilter', 'CapacityFilter', 'CapabilitiesFilter'],
                help='Filters a pool must pass, in this order.'),
    cfg.ListOpt('scheduler_default_weighers', default=['CapacityWeigher'],
                help='Weighers that order the pools which passed.'),
    cfg.IntOpt('scheduler_max_attempts', default=3, min=1, help='Pools tried for one request.'),
    cfg.FloatOpt('capacity_weight_multiplier', default=1.0,
                 help='Weight of free capacity; negative: fill the fullest pool first.'),
)

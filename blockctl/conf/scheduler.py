# SPDX-License-Identifier: Apache-2.0
"""How a pool is chosen."""

from oslo_config import cfg

OPTIONS = (
    cfg.StrOpt('scheduler_driver', default='cinder.scheduler.filter_scheduler.FilterScheduler',
               help='How a pool is chosen of those that pass the filters: filter (by the weighers), simple (the one '
                    'with the fewest volumes) or chance (any). The names that the reference implementation has for '
                    'them are taken too.'),
    cfg.ListOpt('scheduler_default_filters',
                default=['AvailabilityZoneFilter', 'CapacityFilter', 'CapabilitiesFilter'],
                help='Filters a pool must pass, in this order (entry points of blockctl.scheduler.filters).'),
    cfg.ListOpt('scheduler_default_weighers', default=['CapacityWeigher'],
                help='Weighers that order the pools which passed (entry points of blockctl.scheduler.weighers).'),
    cfg.StrOpt('scheduler_weight_handler', default='cinder.scheduler.weights.OrderedHostWeightHandler',
               help='What the weights mean: ordered (the heaviest pool is taken) or stochastic (the heavier a pool, '
                    'the likelier it is taken), by these names or by those of the reference implementation.'),
    cfg.IntOpt('scheduler_max_attempts', default=3, min=1, help='Pools tried for one request.'),
    cfg.FloatOpt('capacity_weight_multiplier', default=1.0,
                 help='Weight of free capacity; negative: fill the fullest pool first.'),
    cfg.FloatOpt('allocated_capacity_weight_multiplier', default=-1.0,
                 help='Weight of the capacity that volumes have; positive: fill the fullest pool first.'),
    cfg.FloatOpt('volume_number_multiplier', default=-1.0,
                 help='Weight of the number of volumes; positive: the pool with the most volumes first.'),
)

# SPDX-License-Identifier: Apache-2.0
"""AvailabilityZoneFilter: the pool is in the zone that was asked for."""


def make(conf):
    def passes(spec, pool):
        zone = spec.get('availability_zone')
        zones = (spec.get('extra_specs') or {}).get('RESKEY:availability_zones')
        if zones and pool.zone not in [z.strip() for z in zones.split(',')]:
            return False
        return not zone or zone == pool.zone

    return passes

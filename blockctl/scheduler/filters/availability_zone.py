# SPDX-License-Identifier: Apache-2.0
"""AvailabilityZoneFilter: the pool is in the zone that was asked for, and in one of those that the type allows."""

from blockctl.scheduler.filters import Test

#: Extra spec of a type: the zones its volumes may be in, separated by commas.
ZONES = 'RESKEY:availability_zones'


def make(conf):
    return prepare


def prepare(request):
    zone, zones = request.spec.get('availability_zone'), request.extra_specs.get(ZONES)
    if not zone and not zones:
        return None
    allowed = {name.strip() for name in zones.split(',')} if zones else {zone}
    if zone:
        allowed &= {zone}
    return Test(lambda pools: [pool for pool in pools if pool.zone in allowed],
                lambda pool: f'it is in {pool.zone!r}, not in {" or ".join(sorted(allowed)) or "any zone of the type"}')

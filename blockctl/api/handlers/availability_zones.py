# SPDX-License-Identifier: Apache-2.0
"""Availability zones."""

from blockctl.api.endpoint import endpoint
from blockctl.operations import availability_zones


@endpoint()
def index(ctx, call):
    return {'availabilityZoneInfo': [{'zoneName': zone, 'zoneState': {'available': available}}
                                     for zone, available in availability_zones.find(ctx)]}

# SPDX-License-Identifier: Apache-2.0
"""Availability zones: where the services of backends are."""

from blockctl.db import services as db
from blockctl.operations import services


def find(ctx):
    """[(zone, available)] by name: available when a service there is up and not disabled. Everybody may ask."""
    with ctx.reading():
        rows = db.everything(ctx)
    zones = {}
    for row in rows:
        if row.binary == services.VOLUME and row.availability_zone:
            usable = db.is_up(row, ctx.conf.service_down_time) and not row.disabled
            zones[row.availability_zone] = zones.get(row.availability_zone, False) or usable
    return sorted(zones.items())

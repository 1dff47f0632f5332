# SPDX-License-Identifier: Apache-2.0
"""What a backend tells the schedulers: its pools, as rows of ``pools``."""

import math

from blockctl.db import pools as db_pools
from blockctl import capacity


def store(ctx, section, service_id, driver):
    """Look at the backend and store what it can hold. The look is between two transactions, never inside one."""
    with ctx.reading():
        sequence, claimed = db_pools.begin_report(ctx, section.host)
    stats = driver.stats()
    with ctx.writing():
        for pool in stats.pools:
            document = _document(section, service_id, stats, pool)
            name = f'{section.host}#{pool.name}'
            db_pools.report(ctx, section.host, name, sequence, claimed.get(name, 0), capacity.bound(document),
                            math.ceil(pool.foreign), document)
    return stats


def _document(section, service_id, stats, pool):
    """The names that get_pools shows and that extra specs and functions ask for."""
    return {
        'pool_name': pool.name,
        'volume_backend_name': section.volume_backend_name or section.name,
        'vendor_name': stats.vendor_name, 'driver_version': stats.driver_version,
        'storage_protocol': stats.storage_protocol,
        'total_capacity_gb': 'unknown' if pool.total is None else round(pool.total, 2),
        'free_capacity_gb': 'unknown' if pool.free is None else round(pool.free, 2),
        'reserved_percentage': section.reserved_percentage,
        'max_over_subscription_ratio': _ratio(section, pool),
        'thin_provisioning_support': pool.thin, 'thick_provisioning_support': pool.thick,
        'multiattach': False, 'QoS_support': False, 'replication_enabled': False, 'backend_state': 'up',
        'availability_zone': section.zone, 'service_id': service_id,
        **section.extra_capabilities, **stats.capabilities, **pool.capabilities,
    }


def _ratio(section, pool):
    text = section.max_over_subscription_ratio
    if text == 'auto':
        # As provisioned against used so far; with nothing used there is nothing to learn from yet.
        return 20.0
    return float(text)

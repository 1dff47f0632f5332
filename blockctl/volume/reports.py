# SPDX-License-Identifier: Apache-2.0
"""What a backend tells the schedulers: its pools, as rows of ``pools``."""

import math

from oslo_utils import timeutils

from blockctl.db import pools as db_pools
from blockctl import capacity
from blockctl.flows import notifications


def store(ctx, section, service_id, driver):
    """Look at the backend and store what it can hold. The look is between two transactions, never inside one."""
    with ctx.reading():
        sequence, claimed = db_pools.begin_report(ctx, section.host)
    stats = driver.stats()
    told = []
    with ctx.writing():
        for pool in stats.pools:
            name, foreign = f'{section.host}#{pool.name}', math.ceil(pool.foreign)
            # Rows may name a pool that was never reported before (a changed configuration).
            promised = claimed[name] if name in claimed else db_pools.promised(ctx, name)
            document = _document(section, service_id, stats, pool, promised + foreign)
            db_pools.report(ctx, section.host, name, sequence, promised,
                            capacity.bound(document, promised, foreign), foreign, document)
            told.append(_told(name, document, promised, foreign))
    _tell(ctx, section.host, told)
    return stats


def _told(name, document, promised, foreign):
    """What listeners are told of a pool, in GiB; 'unknown' and 'infinite' as the driver says."""
    bound = capacity.bound(document, promised, foreign)
    return {'name_to_id': name, 'total': document['total_capacity_gb'], 'free': document['free_capacity_gb'],
            'allocated': promised, 'provisioned': promised + foreign,
            'virtual_free': None if bound is None else max(0, bound - promised - foreign)}


def _tell(ctx, backend, pools):
    """Emit what each pool has, and all of them together."""
    now = timeutils.utcnow()
    for pool in pools:
        notifications.emit(ctx, 'capacity.pool', host=backend, type='pool', reported_at=now, **pool)
    together = {}
    for name in ('total', 'free', 'allocated', 'provisioned', 'virtual_free'):
        amounts = [pool[name] for pool in pools]
        known = all(isinstance(amount, (int, float)) for amount in amounts)
        together[name] = sum(amounts) if known else 'unknown'
    notifications.emit(ctx, 'capacity.backend', host=backend, type='backend', reported_at=now, name_to_id=backend,
                       **together)


def _document(section, service_id, stats, pool, provisioned):
    """The names that get_pools shows and that extra specs and functions ask for."""
    document = {
        'pool_name': pool.name,
        'volume_backend_name': section.volume_backend_name or section.name,
        'vendor_name': stats.vendor_name, 'driver_version': stats.driver_version,
        'storage_protocol': stats.storage_protocol,
        'total_capacity_gb': _amount(pool.total), 'free_capacity_gb': _amount(pool.free),
        'reserved_percentage': section.reserved_percentage,
        'max_over_subscription_ratio': capacity.over_subscription(
            section.max_over_subscription_ratio, provisioned, capacity.number(pool.total), capacity.number(pool.free)),
        'thin_provisioning_support': pool.thin, 'thick_provisioning_support': pool.thick,
        'multiattach': False, 'QoS_support': False, 'replication_enabled': False, 'backend_state': 'up',
        'availability_zone': section.zone, 'service_id': service_id,
        'clustered': section.cluster_name is not None, **dict.fromkeys(_FUNCTIONS),
        **section.extra_capabilities, **stats.capabilities, **pool.capabilities,
    }
    # A driver may have functions of its own, as capabilities; what the operator says goes before them.
    return document | {name: getattr(section, name) for name in _FUNCTIONS if getattr(section, name)}


#: What DriverFilter and GoodnessWeigher ask for.
_FUNCTIONS = ('filter_function', 'goodness_function')


def _amount(number):
    """GiB as they are reported: a number, or the word for none."""
    if number is None:
        return 'unknown'
    return round(number, 2) if math.isfinite(number) else 'infinite'

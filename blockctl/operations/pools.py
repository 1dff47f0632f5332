# SPDX-License-Identifier: Apache-2.0
"""The pools that schedulers choose from."""

import datetime
import types

from blockctl import exceptions
from blockctl import extra_specs
from blockctl.db import pools
from blockctl.db import services
from blockctl.db import volume_types

#: What a report says to blockctl only.
_OURS = frozenset({'service_id', 'availability_zone', 'clustered'})


def find(ctx, name=None, volume_type=None, capabilities=None):
    """Pools of services that are up and not disabled, by name; each with ``name`` and ``capabilities``.

    ``volume_type``: name or id of a type whose extra specs the pool must have; ``capabilities``: {key: text} that it
    must report.  Raises VolumeTypeNotFoundByName.
    """
    ctx.must('scheduler_extension:scheduler_stats:get_pools')
    with ctx.reading():
        usable = services.taking(ctx, ctx.conf.service_down_time)
        specs = volume_types.extra_specs(ctx, _type(ctx, volume_type).id) if volume_type else {}
        rows = pools.everything(ctx)
    return [types.SimpleNamespace(name=row.name, capabilities=_capabilities(row)) for row in rows
            if usable.get(row.backend) and name in (None, row.name) and extra_specs.satisfied(row.report, specs)
            and all(str(row.report.get(key)) == value for key, value in (capabilities or {}).items())]


def _type(ctx, name_or_id):
    try:
        return volume_types.named(ctx, name_or_id)
    except exceptions.VolumeTypeNotFoundByName:
        if not (name_or_id.isascii() and len(name_or_id) <= 36):
            raise
        return volume_types.get(ctx, name_or_id)


def _capabilities(row):
    """What the pool reported, with what only the database knows: what is promised of it."""
    shown = {key: value for key, value in row.report.items() if key not in _OURS}
    ratio = shown.get('max_over_subscription_ratio')
    return shown | {
        'max_over_subscription_ratio': ratio if ratio is None else str(ratio),
        'allocated_capacity_gb': row.claimed, 'provisioned_capacity_gb': row.claimed + row.foreign,
        'filter_function': shown.get('filter_function'), 'goodness_function': shown.get('goodness_function'),
        'timestamp': datetime.datetime.fromtimestamp(row.sequence / 1_000_000, datetime.UTC).replace(
            tzinfo=None).isoformat(timespec='microseconds'),
    }

# SPDX-License-Identifier: Apache-2.0
"""What QoS specs ask for: who has to see to it, and how much for a volume of a size.

The names are those of the reference: a kind of limit such as ``total_iops_sec`` is a number for each second; with
``_max`` a peak; with ``_per_gb`` a number for each GiB of a volume, within ``_per_gb_min`` and ``_max`` where those are
given too.
"""

import itertools

#: Who sees to it: the host that has the volume, the storage, or each of them.
FRONT_END, BACK_END, BOTH = CONSUMERS = 'front-end', 'back-end', 'both'

#: The kinds of limits: of requests and bytes, read, written, or either.
LIMITS = tuple(f'{what}_{unit}_sec' for what, unit in itertools.product(
    ('total', 'read', 'write'), ('iops', 'bytes')))

#: What a kind may be followed by.
_PER_GB, _PER_GB_MIN, _MAX = SUFFIXES = '_per_gb', '_per_gb_min', '_max'


def for_host(consumer, specs, size):
    """{name: value} that the host is told with its connection to a volume of ``size`` GiB; None: it has no part in it.

    Limits for each GiB become those of the volume; what has no meaning here goes along as it is.
    """
    if consumer not in (FRONT_END, BOTH):
        return None
    told = {name: value for name, value in specs.items() if value is not None}
    for limit in LIMITS:
        each = _number(told.pop(limit + _PER_GB, None))
        if each is None:
            continue
        least, most = (_number(told.pop(limit + suffix, None)) for suffix in (_PER_GB_MIN, _MAX))
        value = max(each * size, least or 0)
        told[limit] = value if most is None else min(value, most)
    return told or None


def for_storage(consumer, specs):
    """{name: number} of the limits that the storage keeps: kinds of LIMITS, and their peaks."""
    if consumer not in (BACK_END, BOTH):
        return {}
    wanted = {name: _number(specs.get(name)) for limit in LIMITS for name in (limit, limit + _MAX)}
    return {name: value for name, value in wanted.items() if value is not None}


def _number(text):
    """None for what is no number. (Specs that were stored by other means than the API may have such.)"""
    return int(text) if text is not None and text.isascii() and text.isdigit() else None

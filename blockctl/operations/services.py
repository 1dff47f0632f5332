# SPDX-License-Identifier: Apache-2.0
"""What can be done with services."""

import types

from blockctl.db import pools
from blockctl.db import services

#: The service of backends, as clients know it.
VOLUME = 'cinder-volume'


def find(ctx, binary=None, host=None):
    """Services, each with ``up``, ``seen_at`` and ``backend_state`` ('up', 'down', or None where it means nothing).

    ``host``: a host, with all its backends, or one host@backend.
    """
    ctx.must('volume_extension:services:index')
    with ctx.reading():
        rows = services.everything(ctx)
        states = pools.backend_states(ctx)
    seconds = ctx.conf.service_down_time
    if binary:
        rows = [row for row in rows if row.binary == binary]
    if host:
        rows = [row for row in rows if row.host == host or row.host.startswith(f'{host}@')]
    return [_with_state(row, services.is_up(row, seconds), states) for row in rows]


def _with_state(row, up, states):
    backend = None
    if row.binary == VOLUME:
        # What a backend said last holds only while somebody looks at it.
        backend = states.get(row.host, 'down') if up else 'down'
    seen_at = row.last_beat or row.updated_at or row.created_at
    return types.SimpleNamespace(**row._mapping, up=up, backend_state=backend, seen_at=seen_at)


def enable(ctx, binary, host):
    """New work may go to the service again. Raises ServiceNotFound."""
    _set_disabled(ctx, binary, host, disabled=False)


def disable(ctx, binary, host, reason=None):
    """No new work goes to the service; what it has, it keeps. Raises ServiceNotFound."""
    _set_disabled(ctx, binary, host, disabled=True, reason=reason)


def _set_disabled(ctx, binary, host, disabled, reason=None):
    ctx.must('volume_extension:services:update')
    with ctx.writing():
        services.set_disabled(ctx, binary, host, disabled, reason)

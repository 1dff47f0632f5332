# SPDX-License-Identifier: Apache-2.0
"""What can be done with services."""

import types

from oslo_log import log as logging

from blockctl.db import pools
from blockctl.db import services
from blockctl.jobs import incarnation
from blockctl.rpc import transport

LOG = logging.getLogger(__name__)

#: The service of backends, as clients know it.
VOLUME = 'cinder-volume'

#: Seconds that live processes have to tell their log levels.
ANSWERED = 5


def find(ctx, binary=None, host=None):
    """Services, each with ``up``, ``seen_at`` and ``backend_state`` ('up', 'down', or None where it means nothing).

    ``host``: a host, with all its backends, or one host@backend.
    """
    ctx.must('volume_extension:services:index')
    return [row for row in all_with_state(ctx) if (not binary or row.binary == binary)
            and (not host or row.host == host or row.host.startswith(f'{host}@'))]


def all_with_state(ctx):
    """The same of all services; whether the caller may see them has been asked."""
    with ctx.reading():
        rows = services.everything(ctx)
        states = pools.backend_states(ctx)
    return [_with_state(row, services.is_up(row, ctx.conf.service_down_time), states) for row in rows]


def _with_state(row, up, states):
    backend = None
    if row.binary == VOLUME:
        # What a backend said last holds only while somebody looks at it.
        backend = states.get(row.backend, 'down') if up else 'down'
    seen_at = row.last_beat or row.updated_at or row.created_at
    return types.SimpleNamespace(**row._mapping, up=up, backend_state=backend, seen_at=seen_at)


def enable(ctx, binary, host):
    """New work may go to the service again. Raises ServiceNotFound."""
    _set_disabled(ctx, binary, host, disabled=False)


def disable(ctx, binary, host, reason=None):
    """No new work goes to the service; what it has, it keeps. Raises ServiceNotFound."""
    _set_disabled(ctx, binary, host, disabled=True, reason=reason)


def log_levels(ctx, binary=None, host=None, prefix='', level=None):
    """What the loggers of live processes tell whose names begin with ``prefix``; ``level``: what to set them to first.

    ``binary`` and ``host``: which services; None is any, a host is so with all its backends.  Returns [(binary, host,
    {logger: level})]; several for a service whose processes differ.  A process that does not answer in time is left
    out, which the log tells.
    """
    ctx.must('volume_extension:services:update')
    with ctx.reading():
        living = services.living(ctx, binary, host, ctx.conf.service_down_time)
    expected = {process.incarnation for process in living if not incarnation.is_dead(process)}
    seconds = min(ANSWERED, transport.response_timeout(ctx.conf))
    answers = ctx.app.processes.log_levels(binary, host, prefix, level, expected, seconds)
    silent = sorted(expected - answers.keys())
    if silent:
        LOG.warning('These processes were asked for their log levels and have not answered within %s s: %s', seconds,
                    ', '.join(silent))
    different = []
    for row in sorted((row for rows in answers.values() for row in rows), key=lambda row: row[:2]):
        if row not in different:
            different.append(row)
    return different


def _set_disabled(ctx, binary, host, disabled, reason=None):
    ctx.must('volume_extension:services:update')
    with ctx.writing():
        services.set_disabled(ctx, binary, host, disabled, reason)

# SPDX-License-Identifier: Apache-2.0
"""What can be done with clusters: names that several services share. They are made by the services themselves."""

import types

from blockctl.db import backends
from blockctl.db import clusters
from blockctl.db import services


def find(ctx, **wanted):
    """Clusters by name, each with ``up``, ``num_hosts``, ``num_down_hosts`` and ``last_heartbeat`` (None: never).

    ``wanted``: what these and the columns of db.tables.clusters have to be.
    """
    ctx.must('clusters:get_all')
    with ctx.reading():
        rows = _with_services(ctx, clusters.everything(ctx))
    return [row for row in rows if all(getattr(row, name) == value for name, value in wanted.items())]


def show(ctx, name, binary=backends.BINARY):
    """One of them. Raises NoSuchCluster."""
    ctx.must('clusters:get')
    with ctx.reading():
        return _with_services(ctx, [clusters.get(ctx, binary, name)])[0]


def enable(ctx, name, binary=backends.BINARY):
    """New work may go to the services of a cluster again. Returns it as :func:`show`. Raises NoSuchCluster."""
    return _set_disabled(ctx, name, binary, disabled=False)


def disable(ctx, name, binary=backends.BINARY, reason=None):
    """No new work goes to the services of a cluster, whatever is set on themselves; what they have, they keep."""
    return _set_disabled(ctx, name, binary, disabled=True, reason=reason)


def _set_disabled(ctx, name, binary, disabled, reason=None):
    ctx.must('clusters:update')
    with ctx.writing():
        clusters.set_disabled(ctx, binary, name, disabled, reason)
        return _with_services(ctx, [clusters.get(ctx, binary, name)])[0]


def _with_services(ctx, rows):
    members = {}
    for service in services.everything(ctx):
        members.setdefault((service.binary, service.cluster_name), []).append(service)
    return [_with(row, members.get((row.binary, row.name), []), ctx.conf.service_down_time) for row in rows]


def _with(row, members, seconds):
    down = [service for service in members if not services.is_up(service, seconds)]
    beats = [service.last_beat for service in members if service.last_beat is not None]
    return types.SimpleNamespace(**row._mapping, up=len(down) < len(members), num_hosts=len(members),
                                 num_down_hosts=len(down), last_heartbeat=max(beats, default=None))

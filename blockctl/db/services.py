# SPDX-License-Identifier: Apache-2.0
"""Services and the processes that run them.

A service is (binary, host); any number of processes may run it, each a row that its beat keeps fresh.  A service is up
while one of its processes has beaten within ``service_down_time``.
"""

import sqlalchemy as sa
from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import backends
from blockctl.db import clusters
from blockctl.db import insert
from blockctl.db import pools
from blockctl.db.columns import utcnow
from blockctl.db.tables import processes
from blockctl.db.tables import services


def register(ctx, binary, host, availability_zone, process, cluster=None):
    """Make sure that the service and this process of it are there. Returns the service's id.

    ``process``: the columns that tell which process this is (jobs/incarnation.py); ``cluster``: what it is called
    together with others, or None.
    """
    if cluster is not None:
        clusters.register(ctx, binary, cluster)
    insert.if_absent(ctx.conn, services, id=uuidutils.generate_uuid(), binary=binary, host=host,
                     availability_zone=availability_zone, cluster_name=cluster, disabled=False, frozen=False,
                     created_at=utcnow())
    service = ctx.conn.execute(
        sa.select(services).where(services.c.binary == binary, services.c.host == host)).one()
    if (service.availability_zone, service.cluster_name) != (availability_zone, cluster):
        ctx.conn.execute(sa.update(services).where(services.c.id == service.id).values(
            availability_zone=availability_zone, cluster_name=cluster, updated_at=utcnow()))
    insert.if_absent(ctx.conn, processes, service_id=service.id, beat_at=utcnow(), created_at=utcnow(), **process)
    return service.id


def beat(ctx, incarnation):
    """Say that this process lives. Returns how many rows it has: fewer than registered means register anew."""
    return ctx.conn.execute(sa.update(processes).where(processes.c.incarnation == incarnation).values(
        beat_at=utcnow())).rowcount


def leave(ctx, incarnation):
    """Remove this process's rows: an orderly stop."""
    ctx.conn.execute(sa.delete(processes).where(processes.c.incarnation == incarnation))


def forget_dead(ctx, seconds):
    """Remove rows of processes that have not beaten for ``seconds``."""
    ctx.conn.execute(sa.delete(processes).where(processes.c.beat_at < utcnow(-seconds)))


def alive(ctx, binary, seconds):
    """Hosts, or backends, of a binary that some process served within the last ``seconds``."""
    statement = sa.select(backends.SERVED).distinct().join(processes, processes.c.service_id == services.c.id).where(
        services.c.binary == binary, processes.c.beat_at >= utcnow(-seconds))
    return set(ctx.conn.execute(statement).scalars())


def others_elsewhere(ctx, binary, backend, machine, seconds):
    """Processes that serve a backend and beat within ``seconds`` on another machine."""
    statement = sa.select(processes).join(services, processes.c.service_id == services.c.id).where(
        services.c.binary == binary, backend == backends.SERVED, processes.c.machine != machine,
        processes.c.beat_at >= utcnow(-seconds))
    return ctx.conn.execute(statement).all()


def everything(ctx):
    """Every service, ordered by binary and host.

    With ``last_beat`` (None: no process), ``now``, and ``backend``: the name of what it serves (db/backends.py).
    """
    last = sa.func.max(processes.c.beat_at).label('last_beat')
    statement = sa.select(services, last, utcnow().label('now'), backends.SERVED.label('backend')).select_from(
        services.outerjoin(processes, processes.c.service_id == services.c.id)).group_by(
        *services.c).order_by(services.c.binary, services.c.host)
    return ctx.conn.execute(statement).all()


def other_versions(ctx, version, seconds):
    """(binary, host, version) of services with a process that beat within ``seconds`` and runs another release."""
    statement = sa.select(services.c.binary, services.c.host, processes.c.version).distinct().join(
        processes, processes.c.service_id == services.c.id).where(
        processes.c.version != version, processes.c.beat_at >= utcnow(-seconds))
    return ctx.conn.execute(statement.order_by(services.c.binary, services.c.host)).all()


def taking(ctx, seconds):
    """{backend: whether it takes new work} of the backends that some process served within the last ``seconds``."""
    # Schedulers ask this again and again, of all services there are: no more is read than is needed.
    statement = sa.select(backends.SERVED.label('backend'), services.c.disabled, services.c.frozen).distinct().join(
        processes, processes.c.service_id == services.c.id).where(
        services.c.binary == backends.BINARY, processes.c.beat_at >= utcnow(-seconds))
    found = {}
    for row in ctx.conn.execute(statement):
        found[row.backend] = found.get(row.backend, False) or not (row.disabled or row.frozen)
    closed = {row.name for row in clusters.everything(ctx) if row.disabled or row.frozen}
    return {backend: takes and backend not in closed for backend, takes in found.items()}


def processes_on(ctx, machine, without):
    """Rows of processes on a machine, except those of one incarnation."""
    return ctx.conn.execute(sa.select(processes).where(
        processes.c.machine == machine, processes.c.incarnation != without)).all()


def set_disabled(ctx, binary, host, disabled, reason=None):
    """Enable or disable a service. Raises ServiceNotFound."""
    statement = sa.update(services).where(services.c.binary == binary, services.c.host == host).values(
        disabled=disabled, disabled_reason=reason, updated_at=utcnow())
    if ctx.conn.execute(statement).rowcount == 0:
        raise exceptions.ServiceNotFound(binary=binary, host=host)


def remove(ctx, binary, host, seconds):
    """Forget a service, and the pools of it that no row names. It comes back when a process serves it again.

    Raises ServiceNotFound, or ServiceIsUp when a process has beaten within ``seconds``.
    """
    row = next((row for row in everything(ctx) if (row.binary, row.host) == (binary, host)), None)
    if row is None:
        raise exceptions.ServiceNotFound(binary=binary, host=host)
    if is_up(row, seconds):
        raise exceptions.ServiceIsUp(binary=binary, host=host)
    if binary == 'cinder-volume':
        pools.forget_unnamed(ctx, host)
    ctx.conn.execute(sa.delete(services).where(services.c.id == row.id))


def set_host_disabled(ctx, host, disabled):
    """Enable or disable every service of a host, by its whole name. Returns whether there is one."""
    return ctx.conn.execute(sa.update(services).where(services.c.host == host).values(
        disabled=disabled, disabled_reason=None, updated_at=utcnow())).rowcount > 0


def living(ctx, binary, host, seconds):
    """Processes that beat within ``seconds`` for a service; None is any, a host is so with all its backends."""
    statement = sa.select(processes).join(services, processes.c.service_id == services.c.id).where(
        processes.c.beat_at >= utcnow(-seconds))
    if binary is not None:
        statement = statement.where(services.c.binary == binary)
    if host is not None:
        statement = statement.where(sa.or_(
            services.c.host == host, services.c.host.startswith(f'{host}@', autoescape=True)))
    return ctx.conn.execute(statement).all()


def is_up(row, seconds):
    """Whether a row of :func:`everything` is a service that is up."""
    return row.last_beat is not None and (row.now - row.last_beat).total_seconds() <= seconds

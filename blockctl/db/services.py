# SPDX-License-Identifier: Apache-2.0
"""Services and the processes that run them.

A service is (binary, host); any number of processes may run it, each a row that its beat keeps fresh.  A service is up
while one of its processes has beaten within ``service_down_time``.
"""

import sqlalchemy as sa
from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import insert
from blockctl.db.columns import utcnow
from blockctl.db.tables import processes
from blockctl.db.tables import services


def register(ctx, binary, host, availability_zone, process):
    """Make sure that the service and this process of it are there. Returns the service's id.

    ``process``: the columns that tell which process this is (jobs/incarnation.py).
    """
    insert.if_absent(ctx.conn, services, id=uuidutils.generate_uuid(), binary=binary, host=host,
                     availability_zone=availability_zone, disabled=False, frozen=False, created_at=utcnow())
    service = ctx.conn.execute(
        sa.select(services).where(services.c.binary == binary, services.c.host == host)).one()
    if service.availability_zone != availability_zone:
        ctx.conn.execute(sa.update(services).where(services.c.id == service.id).values(
            availability_zone=availability_zone, updated_at=utcnow()))
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
    """Hosts (host or host@backend) of a binary that some process served within the last ``seconds``."""
    statement = sa.select(services.c.host).distinct().join(processes, processes.c.service_id == services.c.id).where(
        services.c.binary == binary, processes.c.beat_at >= utcnow(-seconds))
    return set(ctx.conn.execute(statement).scalars())


def others_elsewhere(ctx, binary, host, machine, seconds):
    """Processes of a service that beat within ``seconds`` on another machine."""
    statement = sa.select(processes).join(services, processes.c.service_id == services.c.id).where(
        services.c.binary == binary, services.c.host == host, processes.c.machine != machine,
        processes.c.beat_at >= utcnow(-seconds))
    return ctx.conn.execute(statement).all()


def everything(ctx):
    """Every service with ``last_beat`` (None: no process) and ``now``, ordered by binary and host."""
    last = sa.func.max(processes.c.beat_at).label('last_beat')
    statement = sa.select(services, last, utcnow().label('now')).select_from(
        services.outerjoin(processes, processes.c.service_id == services.c.id)).group_by(
        *services.c).order_by(services.c.binary, services.c.host)
    return ctx.conn.execute(statement).all()


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


def is_up(row, seconds):
    """Whether a row of :func:`everything` is a service that is up."""
    return row.last_beat is not None and (row.now - row.last_beat).total_seconds() <= seconds

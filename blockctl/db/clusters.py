# SPDX-License-Identifier: Apache-2.0
"""Clusters: names that several services of one backend share, so that what is set on it holds for all of them."""

import sqlalchemy as sa
from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import backends
from blockctl.db import insert
from blockctl.db import pools as db_pools
from blockctl.db.columns import utcnow
from blockctl.db.tables import clusters
from blockctl.db.tables import groups
from blockctl.db.tables import jobs
from blockctl.db.tables import pools
from blockctl.db.tables import processes
from blockctl.db.tables import services
from blockctl.db.tables import volume_moves
from blockctl.db.tables import volumes

#: Columns that hold a backend, or a pool of it, by its name.
_NAMING = ((services.c.cluster_name,), (pools.c.backend, pools.c.name), (volumes.c.host,), (volumes.c.cluster_name,),
           (volume_moves.c.host,), (groups.c.host,))


def register(ctx, binary, name):
    """Make sure that a cluster is there: one of its services starts."""
    insert.if_absent(ctx.conn, clusters, id=uuidutils.generate_uuid(), binary=binary, name=name, disabled=False,
                     frozen=False, replication_status='disabled', created_at=utcnow())


def everything(ctx):
    """Every cluster, ordered by name and binary."""
    return ctx.conn.execute(sa.select(clusters).order_by(clusters.c.name, clusters.c.binary)).all()


def get(ctx, binary, name):
    """The row. Raises NoSuchCluster."""
    row = ctx.conn.execute(sa.select(clusters).where(clusters.c.binary == binary, clusters.c.name == name)).first()
    if row is None:
        raise exceptions.NoSuchCluster(binary=binary, name=name)
    return row


def set_disabled(ctx, binary, name, disabled, reason=None):
    """Have a cluster take new work, or none. Its services stay what they are. Raises NoSuchCluster."""
    statement = sa.update(clusters).where(clusters.c.binary == binary, clusters.c.name == name).values(
        disabled=disabled, disabled_reason=reason, updated_at=utcnow())
    if ctx.conn.execute(statement).rowcount == 0:
        raise exceptions.NoSuchCluster(binary=binary, name=name)


def remove(ctx, binary, name, seconds, with_services=False):
    """Forget a cluster, and the pools of it that no row names. It comes back when a process serves it again.

    Raises NoSuchCluster; ClusterInUse when services are registered in it (unless ``with_services``: they go too), or
    when a process of it has beaten within ``seconds``.
    """
    row = get(ctx, binary, name)
    members = sa.and_(services.c.binary == binary, services.c.cluster_name == name)
    count = ctx.conn.execute(sa.select(sa.func.count()).select_from(services).where(members)).scalar_one()
    if count and not with_services:
        raise exceptions.ClusterInUse(name=name, reason=f'{count} services are registered in it')
    _refuse_served(ctx, row, seconds)
    ctx.conn.execute(sa.delete(services).where(members))
    db_pools.forget_unnamed(ctx, name)
    ctx.conn.execute(sa.delete(clusters).where(clusters.c.id == row.id))


def rename(ctx, old, new, seconds):
    """Have all that names the cluster ``old``, or its backends (old@...), name ``new`` in its place.

    Returns {what: how many rows}.  For the time when no process of it runs: raises NoSuchCluster, or ClusterInUse when
    one has beaten within ``seconds``, when jobs are left to do, or when ``new`` is there already.
    """
    rows = [row for row in everything(ctx) if row.name == old or row.name.startswith(f'{old}@')]
    if not rows:
        raise exceptions.NoSuchCluster(binary=backends.BINARY, name=old)
    counts = {}
    for row in rows:
        _refuse_served(ctx, row, seconds)
        name = new + row.name[len(old):]
        _refuse_known(ctx, row, name)
        for columns in _NAMING:
            table = columns[0].table
            changed = _renamed(ctx, columns, row.name, name)
            counts[table.name] = max(counts.get(table.name, 0), changed)
        ctx.conn.execute(sa.update(clusters).where(clusters.c.id == row.id).values(name=name, updated_at=utcnow()))
    return {'clusters': len(rows), **counts}


def _renamed(ctx, columns, old, new):
    """Put ``new`` in the place of ``old`` at the beginning of these columns of a table. Returns how many rows."""
    first = columns[0]
    return ctx.conn.execute(sa.update(first.table).where(sa.or_(first == old, first.startswith(
        f'{old}#', autoescape=True))).values({
            column: sa.literal(new) + sa.func.substr(column, len(old) + 1) for column in columns})).rowcount


def _refuse_served(ctx, row, seconds):
    last = ctx.conn.execute(sa.select(sa.func.count()).select_from(processes.join(
        services, services.c.id == processes.c.service_id)).where(
            services.c.binary == row.binary, services.c.cluster_name == row.name,
            processes.c.beat_at >= utcnow(-seconds))).scalar_one()
    if last:
        raise exceptions.ClusterInUse(name=row.name, reason='a process serves it: stop that first')


def _refuse_known(ctx, row, name):
    live = ctx.conn.execute(sa.select(jobs.c.id).where(
        jobs.c.topic == row.name, jobs.c.outcome.is_(None)).limit(1)).scalar()
    if live:
        raise exceptions.ClusterInUse(name=row.name, reason=f'job {live} is still to be done there')
    if ctx.conn.execute(sa.select(clusters.c.id).where(clusters.c.name == name)).first() or ctx.conn.execute(
            sa.select(pools.c.name).where(pools.c.backend == name)).first():
        raise exceptions.ClusterInUse(name=name, reason='it is there already')

# SPDX-License-Identifier: Apache-2.0
"""A pool that is called something else from now on: its volumes follow, with what they are promised."""

import sqlalchemy as sa

from blockctl.db import backends
from blockctl.db import holds
from blockctl.db import pools
from blockctl.db.columns import utcnow
from blockctl.db.tables import groups
from blockctl.db.tables import jobs
from blockctl.db.tables import pools as pool_table
from blockctl.db.tables import services
from blockctl.db.tables import volume_moves
from blockctl.db.tables import volumes


def pools_named(ctx, backend):
    """Names of the pools of a backend (host@backend) that volumes or groups have, ordered."""
    found = set()
    for table in (volumes, groups):
        found.update(ctx.conn.execute(sa.select(table.c.host).distinct().where(
            table.c.host.startswith(f'{backend}#', autoescape=True))).scalars())
    return sorted(found)


def rename(ctx, old, new, limit):
    """Have up to ``limit`` of the volumes on pool ``old`` (host@backend#pool) name ``new``. Returns how many did.

    The data are there already, so no room is asked for.  A volume that a job is at work on, reads, or has to clear
    away at a second place, stays.
    """
    ctx.conn.execute(sa.select(pool_table.c.name).where(pool_table.c.name.in_((old, new))).order_by(
        pool_table.c.name).with_for_update()).all()
    rows = ctx.conn.execute(sa.select(
        volumes.c.id, (volumes.c.size + volumes.c.growth).label('size'),
    ).where(volumes.c.host == old, *_at_rest(volumes)).order_by(volumes.c.id).limit(limit).with_for_update()).all()
    if rows:
        size = sum(row.size for row in rows)
        pools.release(ctx, old, size)
        pools.count_in(ctx, new, size)
        ctx.conn.execute(sa.update(volumes).where(volumes.c.id.in_([row.id for row in rows])).values(
            host=new, service_uuid=_service(new), cluster_name=backends.cluster_of(new), updated_at=utcnow()))
    return len(rows)


def rename_groups(ctx, old, new):
    """Have the groups on ``old`` name ``new``, once no volume does any more. Returns how many did."""
    if left(ctx, old):
        return 0
    return ctx.conn.execute(sa.update(groups).where(
        groups.c.host == old, ~sa.exists().where(jobs.c.live_key == groups.c.id),
    ).values(host=new, updated_at=utcnow())).rowcount


def left(ctx, name):
    """How many volumes name a pool."""
    return ctx.conn.execute(sa.select(sa.func.count()).where(volumes.c.host == name)).scalar_one()


def _at_rest(table):
    return (~sa.exists().where(jobs.c.live_key == table.c.id), ~holds.held(table.c.id),
            ~sa.exists().where(volume_moves.c.volume_id == table.c.id))


def _service(pool):
    """The id of the service that has a pool, or NULL where there is none yet."""
    return sa.select(services.c.id).where(
        services.c.binary == 'cinder-volume', services.c.host == pool.partition('#')[0]).scalar_subquery()

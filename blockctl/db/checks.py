# SPDX-License-Identifier: Apache-2.0
"""The invariants, asked of the database: each function returns what is wrong, so an empty list is the good answer."""

import collections

import sqlalchemy as sa

from blockctl import states
from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db.tables import jobs
from blockctl.db.tables import quota_usages
from blockctl.db.tables import volumes


def usage(ctx):
    """[(project, resource, recorded, counted)] where quota usage is not what the rows say."""
    counted = collections.Counter()
    statement = sa.select(
        volumes.c.project_id, volumes.c.volume_type_id, sa.func.count().label('count'),
        sa.func.sum(volumes.c.size).label('size'),
    ).where(volumes.c.use_quota).group_by(volumes.c.project_id, volumes.c.volume_type_id)
    for row in ctx.conn.execute(statement):
        for resource, amount in quotas.volume_deltas(int(row.size), row.volume_type_id, row.count).items():
            counted[row.project_id, resource] += amount
    recorded = {(row.project_id, row.resource): row.in_use for row in ctx.conn.execute(sa.select(quota_usages))}
    return sorted((*key, recorded.get(key, 0), counted.get(key, 0)) for key in recorded.keys() | counted.keys()
                  if recorded.get(key, 0) != counted.get(key, 0))


def claims(ctx):
    """[(pool, recorded, counted)] where a pool's promises are not what the rows say."""
    return sorted(pools.drift(ctx))


def stranded(ctx):
    """[(volume, status)] in a transitional state without a live job to move it on."""
    live = sa.exists().where(jobs.c.live_key == volumes.c.id)
    statement = sa.select(volumes.c.id, volumes.c.status).where(
        volumes.c.status.in_(states.VOLUME.transitional), ~live)
    return [tuple(row) for row in ctx.conn.execute(statement.order_by(volumes.c.id))]


def on_backend(ctx, backend):
    """{volume id: (pool's full name, status, size)} of all rows that name a pool of a backend (host@backend)."""
    statement = sa.select(volumes.c.id, volumes.c.host, volumes.c.status, volumes.c.size).where(
        volumes.c.host.startswith(backend + '#', autoescape=True))
    return {row.id: (row.host, row.status, row.size) for row in ctx.conn.execute(statement)}

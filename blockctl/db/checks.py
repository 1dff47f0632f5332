# SPDX-License-Identifier: Apache-2.0
"""The invariants, asked of the database: each function returns what is wrong, so an empty list is the good answer."""

import collections
import functools

import sqlalchemy as sa

from blockctl import states
from blockctl.db import holds
from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db import transition
from blockctl.db.tables import groups
from blockctl.db.tables import jobs
from blockctl.db.tables import quota_usages
from blockctl.db.tables import snapshots
from blockctl.db.tables import volumes


def usage(ctx):
    """[(project, resource, recorded, counted)] where quota usage is not what the rows say.

    While requests come in, a commit between two of these statements looks like a difference: quota_repair tells.
    """
    found = counted(ctx)
    recorded = {(row.project_id, row.resource): row.in_use for row in ctx.conn.execute(sa.select(quota_usages))}
    return sorted((*key, recorded.get(key, 0), found.get(key, 0)) for key in recorded.keys() | found.keys()
                  if recorded.get(key, 0) != found.get(key, 0))


def counted(ctx, project_id=None):
    """{(project, resource): amount} as the rows say, of one project or of all (None)."""
    found = collections.Counter()
    for table, size, deltas in (
            (volumes, volumes.c.size + volumes.c.growth, quotas.volume_deltas),
            (snapshots, snapshots.c.volume_size, functools.partial(quotas.snapshot_deltas, ctx.conf))):
        statement = sa.select(
            table.c.project_id, table.c.volume_type_id, sa.func.count().label('count'),
            sa.func.sum(size).label('size'),
        ).where(table.c.use_quota, *_of(table, project_id)).group_by(table.c.project_id, table.c.volume_type_id)
        for row in ctx.conn.execute(statement):
            for resource, amount in deltas(int(row.size), row.volume_type_id, row.count).items():
                found[row.project_id, resource] += amount
    for row in ctx.conn.execute(sa.select(groups.c.project_id, sa.func.count()).where(
            *_of(groups, project_id)).group_by(groups.c.project_id)):
        found[row.project_id, 'groups'] = row[1]
    return found


def _of(table, project_id):
    return [] if project_id is None else [table.c.project_id == project_id]


def claims(ctx):
    """[(pool, recorded, counted)] where a pool's promises are not what the rows say."""
    return sorted(pools.drift(ctx))


def stranded(ctx):
    """[(id, status)] of what is in a transitional state without a live job to move it on."""
    found = []
    for machine, kept in transition.KEPT.items():
        table, status = kept.table, kept.table.c[kept.status]
        live = sa.exists().where(jobs.c.live_key == table.c.id)
        if machine is states.SNAPSHOT:
            live |= holds.held(table.c.id)  # by the job of its volume, which goes with it or back to it
        statement = sa.select(table.c.id, status).where(status.in_(machine.transitional), ~live)
        found += [tuple(row) for row in ctx.conn.execute(statement.order_by(table.c.id))]
    return found


def in_hand(ctx, backend):
    """{name} of the images that live jobs of a backend make for a move, or remove after one."""
    found = set()
    for payload in ctx.conn.execute(sa.select(jobs.c.payload).where(
            jobs.c.outcome.is_(None), jobs.c.topic == backend)).scalars():
        left = payload.get('leaves') or {}
        found.update(payload.get('names', ()), left.get('payload', {}).get('names', ()))
    return found


def on_backend(ctx, backend):
    """{volume id: (pool's full name, status, size)} of all rows that name a pool of a backend (host@backend)."""
    statement = sa.select(volumes.c.id, volumes.c.host, volumes.c.status, volumes.c.size).where(
        volumes.c.host.startswith(backend + '#', autoescape=True))
    return {row.id: (row.host, row.status, row.size) for row in ctx.conn.execute(statement)}


def snapshots_on_backend(ctx, backend):
    """{snapshot id: (pool's full name, status, id in its volume's name)} of all whose volume is on a backend.

    Without those that a backend has by another name than theirs (``provider_id``), as of groups.
    """
    statement = sa.select(
        snapshots.c.id, volumes.c.host, snapshots.c.status,
        sa.func.coalesce(volumes.c.name_id, volumes.c.id).label('named'),
    ).join(volumes, volumes.c.id == snapshots.c.volume_id).where(
        volumes.c.host.startswith(backend + '#', autoescape=True), snapshots.c.provider_id.is_(None))
    return {row.id: (row.host, row.status, row.named) for row in ctx.conn.execute(statement)}

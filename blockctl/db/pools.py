# SPDX-License-Identifier: Apache-2.0
"""Pools: what backends report, and what is promised of it.

``claimed`` is the sum of the sizes of the rows that name a pool, changed in the same transaction as they are; the
statement that raises it carries the bound, so any number of schedulers cannot promise the same space twice.
"""

import functools

import sqlalchemy as sa

from blockctl import capacity
from blockctl.db import backends
from blockctl.db.columns import utcnow
from blockctl.db.tables import pools
from blockctl.db.tables import volume_moves
from blockctl.db.tables import volumes

#: (host, size) of all rows that name a pool: volumes, with what they are about to grow by, and their moves.
_PROMISES = sa.union_all(
    sa.select(volumes.c.host, (volumes.c.size + volumes.c.growth).label('size')),
    sa.select(volume_moves.c.host, volume_moves.c.size)).subquery()


def claim(ctx, name, size, disabled_too=False, limit=None):
    """Promise ``size`` GiB of a pool; False when it does not fit (any more), or its backend is closed (by now).

    ``disabled_too``: for what is there already, and grows.  ``limit``: what claimed + foreign may reach for this one,
    where that is less than the pool's own bound.
    """
    values = {'pool': name, 'growth': size} | ({} if limit is None else {'most': limit})
    return ctx.conn.execute(_claim(disabled_too, limit is not None), values).rowcount == 1


_SIZE = sa.bindparam('growth', type_=sa.BigInteger())


@functools.cache
def _claim(disabled_too, limited):
    taken = pools.c.claimed + pools.c.foreign + _SIZE
    return sa.update(pools).where(
        pools.c.name == sa.bindparam('pool'), sa.or_(pools.c.bound.is_(None), taken <= pools.c.bound),
        *(() if disabled_too else (~backends.closed(pools.c.backend),)),
        *((taken <= sa.bindparam('most', type_=pools.c.bound.type),) if limited else ()),
    ).values(claimed=pools.c.claimed + _SIZE, changed_at=utcnow())


_ADD = sa.update(pools).where(pools.c.name == sa.bindparam('pool')).values(
    claimed=pools.c.claimed + _SIZE, changed_at=utcnow())


def count_in(ctx, name, size):
    """``size`` GiB that are there already are a volume's from now on: they need no room, so no bound refuses them."""
    ctx.conn.execute(_ADD, {'pool': name, 'growth': size})


def release(ctx, name, size):
    """Take a promise back, in the transaction that removes the pool's name from the row."""
    ctx.conn.execute(_ADD, {'pool': name, 'growth': -size})


def begin_report(ctx, backend):
    """What must be known before a backend is looked at: (sequence, {pool name: claimed by then})."""
    now = ctx.conn.execute(sa.select(utcnow())).scalar_one()
    claimed = ctx.conn.execute(sa.select(pools.c.name, pools.c.claimed).where(pools.c.backend == backend))
    return int(now.timestamp() * 1_000_000), {row.name: row.claimed for row in claimed}


def promised(ctx, name):
    """GiB of the rows that name a pool, whether there is such a pool or not."""
    return int(ctx.conn.execute(sa.select(sa.func.coalesce(sa.func.sum(_PROMISES.c.size), 0)).where(
        _PROMISES.c.host == name)).scalar_one())


def report(ctx, backend, name, sequence, claimed, bound, foreign, document):
    """Store a report unless a newer one is there. Returns whether it was stored.

    ``sequence`` and ``claimed``: from :func:`begin_report`; ``bound``: GiB that claimed + foreign may reach, or None;
    ``document``: what filters and get_pools read (JSON).
    """
    values = {'bound': bound, 'foreign': foreign, 'report': document, 'sequence': sequence,
              'claimed_at_report': claimed, 'changed_at': utcnow()}
    changed = ctx.conn.execute(
        sa.update(pools).where(pools.c.name == name, pools.c.sequence < sequence).values(**values)).rowcount
    if changed:
        return True
    if ctx.conn.execute(sa.select(pools.c.name).where(pools.c.name == name)).first():
        return False
    # The first report of a pool. Rows that name it already (a changed configuration) count from the start.
    named = promised(ctx, name)
    ctx.conn.execute(sa.insert(pools).values(
        name=name, backend=backend, claimed=named, **{**values, 'claimed_at_report': named}))
    return True


def changed_since(ctx, moment):
    """Figures of the pools changed at or after ``moment`` (None: all), and the database's time, for the next call.

    Their reports are left out (:func:`reports`): they change more seldom, and cost more.
    """
    now = ctx.conn.execute(_NOW).scalar_one()
    if moment is None:
        return ctx.conn.execute(_FIGURES).all(), now
    return ctx.conn.execute(_CHANGED, {'moment': moment}).all(), now


_NOW = sa.select(utcnow())
_FIGURES = sa.select(*(pools.c[name] for name in (
    'name', 'backend', 'claimed', 'claimed_at_report', 'bound', 'foreign', 'sequence')))
_CHANGED = _FIGURES.where(pools.c.changed_at >= sa.bindparam('moment', type_=pools.c.changed_at.type))


def reports(ctx, names):
    """{name: row with ``report`` and ``sequence``} of some pools, or of all (None)."""
    statement = sa.select(pools.c.name, pools.c.report, pools.c.sequence)
    if names is None:
        return {row.name: row for row in ctx.conn.execute(statement)}
    return {row.name: row for some in _portions(names)
            for row in ctx.conn.execute(statement.where(pools.c.name.in_(some)))}


def volumes_on(ctx, names):
    """{name: number of volumes} of those pools that have any."""
    statement = sa.select(volumes.c.host, sa.func.count().label('number')).group_by(volumes.c.host)
    return {row.host: row.number for some in _portions(names)
            for row in ctx.conn.execute(statement.where(volumes.c.host.in_(some)))}


def volume_sizes(ctx):
    """Rows of pool, type (its id), size (GiB) and count: how many volumes on a pool are alike."""
    columns = volumes.c.host, volumes.c.volume_type_id, volumes.c.size
    return ctx.conn.execute(sa.select(
        columns[0].label('pool'), columns[1].label('type'), columns[2].label('size'), sa.func.count().label('count'),
        ).where(volumes.c.host.is_not(None)).group_by(*columns).order_by(*columns)).all()


def hosts_of(ctx, project_id, volume_ids):
    """Where those of these volumes are that a project has: the names of their pools."""
    return set(ctx.conn.execute(sa.select(volumes.c.host).where(
        volumes.c.id.in_(volume_ids), volumes.c.project_id == project_id, volumes.c.host.is_not(None))).scalars())


def _portions(names, most=500):
    """Lists short enough for a statement of any database."""
    return (names[start:start + most] for start in range(0, len(names), most))


def report_of(ctx, name):
    """What a pool last reported, or None where there is no such pool."""
    return ctx.conn.execute(sa.select(pools.c.report).where(pools.c.name == name)).scalar()


def thick_limit(ctx, name):
    """The ``limit`` of a :func:`claim` for a volume that has all its space from the start; None: the pool's own."""
    row = ctx.conn.execute(sa.select(pools.c.report, pools.c.claimed_at_report, pools.c.foreign).where(
        pools.c.name == name)).first()
    return None if row is None else capacity.bound(row.report, row.claimed_at_report, row.foreign, thick=True)


def drift(ctx):
    """[(pool, claimed, sum of rows)] where the two differ; empty is the invariant."""
    sums = sa.select(_PROMISES.c.host, sa.func.sum(_PROMISES.c.size).label('total')).group_by(
        _PROMISES.c.host).subquery()
    total = sa.func.coalesce(sums.c.total, 0)
    statement = sa.select(pools.c.name, pools.c.claimed, total).select_from(
        pools.outerjoin(sums, sums.c.host == pools.c.name)).where(pools.c.claimed != total)
    return [tuple(row) for row in ctx.conn.execute(statement)]


def everything(ctx):
    """Every pool with its last report, ordered by name."""
    return ctx.conn.execute(sa.select(pools).order_by(pools.c.name)).all()


def forget_unnamed(ctx, backend):
    """Remove the pools of a backend that no row names; a report makes them anew."""
    named = sa.exists().where(_PROMISES.c.host == pools.c.name)
    ctx.conn.execute(sa.delete(pools).where(pools.c.backend == backend, pools.c.claimed == 0, ~named))


def backend_states(ctx):
    """{backend: its pools' last word on the backend, 'up' or 'down'}."""
    rows = ctx.conn.execute(sa.select(pools.c.backend, pools.c.report))
    return {row.backend: row.report.get('backend_state') for row in rows}

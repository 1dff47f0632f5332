# SPDX-License-Identifier: Apache-2.0
"""Pools: what backends report, and what is promised of it.

``claimed`` is the sum of the sizes of the rows that name a pool, changed in the same transaction as they are; the
statement that raises it carries the bound, so any number of schedulers cannot promise the same space twice.
"""

import sqlalchemy as sa

from blockctl.db.columns import utcnow
from blockctl.db.tables import pools
from blockctl.db.tables import services
from blockctl.db.tables import volume_moves
from blockctl.db.tables import volumes

#: (host, size) of all rows that name a pool: volumes, with what they are about to grow by, and their moves.
_PROMISES = sa.union_all(
    sa.select(volumes.c.host, (volumes.c.size + volumes.c.growth).label('size')),
    sa.select(volume_moves.c.host, volume_moves.c.size)).subquery()


def claim(ctx, name, size, disabled_too=False):
    """Promise ``size`` GiB of a pool; False when it does not fit (any more), or its service is disabled (by now).

    ``disabled_too``: for what is there already, and grows.
    """
    taken = pools.c.claimed + pools.c.foreign + size
    disabled = sa.exists().where(services.c.host == pools.c.backend, services.c.binary == 'cinder-volume',
                                 services.c.disabled)
    statement = sa.update(pools).where(
        pools.c.name == name, sa.or_(pools.c.bound.is_(None), taken <= pools.c.bound),
        *(() if disabled_too else (~disabled,)),
    ).values(claimed=pools.c.claimed + size, changed_at=utcnow())
    return ctx.conn.execute(statement).rowcount == 1


def count_in(ctx, name, size):
    """``size`` GiB that are there already are a volume's from now on: they need no room, so no bound refuses them."""
    ctx.conn.execute(sa.update(pools).where(pools.c.name == name).values(
        claimed=pools.c.claimed + size, changed_at=utcnow()))


def release(ctx, name, size):
    """Take a promise back, in the transaction that removes the pool's name from the row."""
    ctx.conn.execute(sa.update(pools).where(pools.c.name == name).values(
        claimed=pools.c.claimed - size, changed_at=utcnow()))


def begin_report(ctx, backend):
    """What must be known before a backend is looked at: (sequence, {pool name: claimed by then})."""
    now = ctx.conn.execute(sa.select(utcnow())).scalar_one()
    claimed = ctx.conn.execute(sa.select(pools.c.name, pools.c.claimed).where(pools.c.backend == backend))
    return int(now.timestamp() * 1_000_000), {row.name: row.claimed for row in claimed}


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
    named = sa.select(sa.func.coalesce(sa.func.sum(_PROMISES.c.size), 0)).where(
        _PROMISES.c.host == name).scalar_subquery()
    ctx.conn.execute(sa.insert(pools).values(
        name=name, backend=backend, claimed=named, **{**values, 'claimed_at_report': named}))
    return True


def changed_since(ctx, moment):
    """Pools changed at or after ``moment`` (None: all) and the database's time, for the next call."""
    now = ctx.conn.execute(sa.select(utcnow())).scalar_one()
    statement = sa.select(pools)
    if moment is not None:
        statement = statement.where(pools.c.changed_at >= moment)
    return ctx.conn.execute(statement).all(), now


def report_of(ctx, name):
    """What a pool last reported, or None where there is no such pool."""
    return ctx.conn.execute(sa.select(pools.c.report).where(pools.c.name == name)).scalar()


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


def backend_states(ctx):
    """{backend: its pools' last word on the backend, 'up' or 'down'}."""
    rows = ctx.conn.execute(sa.select(pools.c.backend, pools.c.report))
    return {row.backend: row.report.get('backend_state') for row in rows}

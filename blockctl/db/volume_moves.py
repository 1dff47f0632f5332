# SPDX-License-Identifier: Apache-2.0
"""Second places of volumes: where one moves to, and what a move left behind (db/tables.py says why they are rows).

A place is claimed like a volume's own (db/pools.py), and its claim released in the transaction that removes the row.
"""

import sqlalchemy as sa

from blockctl import states
from blockctl.db import pools
from blockctl.db.tables import snapshots
from blockctl.db.tables import volume_moves
from blockctl.db.tables import volumes


def settled():
    """The condition that a volume does not migrate (any more)."""
    column = volumes.c.migration_status
    return sa.or_(column.is_(None), column.in_([word for word in states.NOT_MIGRATING if word]))


def bare():
    """The condition that a volume has no snapshots."""
    return ~sa.exists().where(snapshots.c.volume_id == volumes.c.id)


def has_snapshots(ctx, volume_id):
    """Whether a volume has any."""
    return ctx.conn.execute(
        sa.select(snapshots.c.id).where(snapshots.c.volume_id == volume_id).limit(1)).first() is not None


def get(ctx, move_id):
    """The row, or None."""
    return ctx.conn.execute(sa.select(volume_moves).where(volume_moves.c.id == move_id)).first()


def hosts(ctx, volume_id):
    """[host@backend#pool] of a volume's second places."""
    return list(ctx.conn.execute(
        sa.select(volume_moves.c.host).where(volume_moves.c.volume_id == volume_id)).scalars())


def insert(ctx, move_id, volume_id, host, size):
    """A volume has a second place, which the caller has claimed in this transaction."""
    ctx.conn.execute(sa.insert(volume_moves).values(id=move_id, volume_id=volume_id, host=host, size=size))


def swap(ctx, move_id, host):
    """The volume is at its second place now, and ``host``, where it was, is the second: no claim changes."""
    ctx.conn.execute(sa.update(volume_moves).where(volume_moves.c.id == move_id).values(host=host))


def remove(ctx, row):
    """Nothing is there any more: forget the place, and release its claim."""
    pools.release(ctx, row.host, row.size)
    ctx.conn.execute(sa.delete(volume_moves).where(volume_moves.c.id == row.id))

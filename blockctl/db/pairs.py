# SPDX-License-Identifier: Apache-2.0
"""Key-value pairs that belong to one row of another table (tables.py, ``_pairs``). The caller has that row locked."""

import sqlalchemy as sa


def read(ctx, owner, row_id):
    """{key: value}; ``owner``: the column that names the row the pairs are of."""
    table = owner.table
    return {row.key: row.value for row in ctx.conn.execute(
        sa.select(table.c.key, table.c.value).where(owner == row_id))}


def insert(ctx, owner, row_id, pairs):
    """Give a row its first pairs."""
    if pairs:
        ctx.conn.execute(sa.insert(owner.table), [
            {owner.name: row_id, 'key': key, 'value': value} for key, value in pairs.items()])


def write(ctx, owner, row_id, pairs, replace):
    """Add or overwrite ``pairs``; with ``replace`` these are all it has afterwards."""
    old = sa.delete(owner.table).where(owner == row_id)
    if not replace:
        old = old.where(owner.table.c.key.in_(list(pairs)))
    if pairs or replace:
        ctx.conn.execute(old)
    insert(ctx, owner, row_id, pairs)


def delete(ctx, owner, row_id, key):
    """Remove one pair; whether there was one."""
    return ctx.conn.execute(
        sa.delete(owner.table).where(owner == row_id, owner.table.c.key == key)).rowcount > 0

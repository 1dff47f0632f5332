# SPDX-License-Identifier: Apache-2.0
"""Key-value pairs that belong to one row of another table (tables.py, ``_pairs``).

Who writes has that row locked; :func:`put` is for those who have not.
"""

import functools

import sqlalchemy as sa

from blockctl.db import insert as insert_row


def read(ctx, owner, row_id):
    """{key: value}; ``owner``: the column that names the row the pairs are of."""
    return {row.key: row.value for row in ctx.conn.execute(_read(owner), {'row_id': row_id})}


@functools.cache
def _read(owner):
    table = owner.table
    return sa.select(table.c.key, table.c.value).where(owner == sa.bindparam('row_id'))


def of_rows(ctx, owner, rows):
    """{row id: {key: value}} of ``rows``, in one statement."""
    table = owner.table
    found = {row.id: {} for row in rows}
    if found:
        for row_id, key, value in ctx.conn.execute(
                sa.select(owner, table.c.key, table.c.value).where(owner.in_(found))):
            found[row_id][key] = value
    return found


def put(ctx, owner, row_id, pairs):
    """Add or overwrite ``pairs``, also while others do: the last one's stands."""
    table = owner.table
    for key, value in sorted(pairs.items()):
        insert_row.if_absent(ctx.conn, table, **{owner.name: row_id}, key=key, value=value)
        ctx.conn.execute(sa.update(table).where(owner == row_id, table.c.key == key).values(value=value))


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

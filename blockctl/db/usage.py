# SPDX-License-Identifier: Apache-2.0
"""What there was in a period of time: rows, and of what is gone its line of history. A page at a time, in order."""

import types

import sqlalchemy as sa

from blockctl.db.tables import history
from blockctl.db.tables import snapshots
from blockctl.db.tables import volumes


def volume_rows(ctx, begin, end, after, limit):
    """Up to ``limit`` volumes that are there and were made before ``end``, by id, after the one ``after`` (None: all).

    Returns [(id, row)].
    """
    return [(row.id, row) for row in ctx.conn.execute(_page(volumes, end, after, limit))]


def snapshot_rows(ctx, begin, end, after, limit):
    """The same of snapshots. Returns [(id, row, its volume's row)]."""
    rows = ctx.conn.execute(_page(snapshots, end, after, limit)).all()
    of = {row.id: row for row in ctx.conn.execute(
        sa.select(volumes).where(volumes.c.id.in_({row.volume_id for row in rows})))} if rows else {}
    return [(row.id, row, of[row.volume_id]) for row in rows]


def _page(table, end, after, limit):
    later = () if after is None else (table.c.id > after,)
    return sa.select(table).where(table.c.created_at < end, *later).order_by(table.c.id).limit(limit)


def gone_volumes(ctx, begin, end, after, limit):
    """The same of volumes that went after ``begin``: [(place in the order, what is known of the row)]."""
    return [(line.number, types.SimpleNamespace(**_VOLUME, **_known(line), size=line.size, host=line.host))
            for line in _lines(ctx, 'volume', begin, end, after, limit)]


def gone_snapshots(ctx, begin, end, after, limit):
    """The same of snapshots: [(place in the order, what is known of the row, of its volume's)]."""
    return [(line.number, types.SimpleNamespace(**_SNAPSHOT, **_known(line), volume_size=line.size),
             types.SimpleNamespace(host=line.host, availability_zone=None))
            for line in _lines(ctx, 'snapshot', begin, end, after, limit)]


#: Columns that history does not keep.
_VOLUME = dict.fromkeys(('user_id', 'name', 'availability_zone', 'snapshot_id', 'launched_at', 'replication_status',
                         'attach_status', 'group_id'))
_SNAPSHOT = dict.fromkeys(('user_id', 'name', 'volume_id'))


def _known(line):
    return {'id': line.resource_id, 'project_id': line.project_id, 'volume_type_id': line.volume_type_id,
            'created_at': line.created_at, 'deleted_at': line.deleted_at}


def _lines(ctx, resource_type, begin, end, after, limit):
    later = () if after is None else (history.c.number > after,)
    return ctx.conn.execute(sa.select(history).where(
        history.c.resource_type == resource_type, history.c.deleted_at >= begin, history.c.created_at < end, *later,
    ).order_by(history.c.number).limit(limit)).all()

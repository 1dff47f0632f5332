# SPDX-License-Identifier: Apache-2.0
"""The one door through which a status changes."""

import dataclasses

import sqlalchemy as sa

from blockctl import exceptions
from blockctl import states
from blockctl.db import holds
from blockctl.db import tables
from blockctl.db.columns import utcnow


@dataclasses.dataclass(frozen=True, slots=True)
class _Kept:
    """Where a machine's states are kept, and what says that there is no such row."""

    table: sa.Table
    status: str
    not_found: type[exceptions.NotFound]
    key: str


_KEPT = {
    states.VOLUME: _Kept(tables.volumes, 'status', exceptions.VolumeNotFound, 'volume_id'),
    states.SNAPSHOT: _Kept(tables.snapshots, 'status', exceptions.SnapshotNotFound, 'snapshot_id'),
}


def transition(ctx, machine, row_id, event, *where, **values):
    """Move a row by ``event``, atomically, setting ``values`` with it; in the caller's transaction.

    The row is locked until that ends, also by an event that leaves its state as it is.  ``where``: further conditions
    on the row, in SQL.  Raises NotFound, or InvalidState when the row is in a state the table has no such move from (or
    ``where`` does not hold, or a job of another resource holds the row and the move does not allow that).
    """
    move = machine.moves[event]
    kept = _KEPT[machine]
    table, status = kept.table, kept.table.c[kept.status]
    _lock(ctx, table, row_id)
    if not move.held_too:
        where = (*where, ~holds.held(row_id))
    statement = sa.update(table).where(table.c.id == row_id, status.in_(move.sources), *where).ordered_values(
        *_changes(table, status, move.target, values))
    if ctx.conn.execute(statement).rowcount == 1:
        return
    row = ctx.conn.execute(sa.select(status.label('status')).where(table.c.id == row_id)).first()
    if row is None:
        raise kept.not_found(**{kept.key: row_id})
    raise exceptions.InvalidState(resource=machine.resource, id=row_id, status=row.status, action=event,
                                  allowed=' or '.join(move.sources))


def _changes(table, status, target, values):
    if target is not states.SAME:
        if 'previous_status' in table.c:
            # First: MariaDB assigns from left to right, and the old status must be kept before it is overwritten.
            yield table.c.previous_status, status
        yield status, target
    yield table.c.updated_at, utcnow()
    for name, value in values.items():
        yield table.c[name], value


def _lock(ctx, table, row_id):
    """Wait for who has the row, before the statement that looks at other rows too.

    PostgreSQL's UPDATE sees these as they were when it began, though it waited for a transaction that changed them.
    """
    if ctx.conn.dialect.name == 'postgresql':
        ctx.conn.execute(sa.select(table.c.id).where(table.c.id == row_id).with_for_update()).first()

# SPDX-License-Identifier: Apache-2.0
"""The one door through which a status changes."""

import sqlalchemy as sa

from blockctl import exceptions
from blockctl import states
from blockctl.db import tables
from blockctl.db.columns import utcnow

_TABLES = {states.VOLUME: (tables.volumes, exceptions.VolumeNotFound, 'volume_id')}


def transition(ctx, machine, row_id, event, *where, **values):
    """Move a row by ``event``, atomically, setting ``values`` with it; in the caller's transaction.

    ``where``: further conditions on the row, in SQL.  Raises NotFound, or InvalidState when the row is in a state the
    table has no such move from (or ``where`` does not hold, or a job holds the row).
    """
    table, not_found, key = _TABLES[machine]
    move = machine.moves[event]
    # What a job of another resource reads from this row (a clone its source) must not change under it.
    held = sa.exists().where(tables.holds.c.resource_id == row_id)
    statement = sa.update(table).where(
        table.c.id == row_id, table.c.status.in_(move.sources), ~held, *where,
    ).ordered_values(  # MariaDB assigns from left to right: the old status must be kept before it is overwritten
        (table.c.previous_status, table.c.status), (table.c.status, move.target), (table.c.updated_at, utcnow()),
        *((table.c[name], value) for name, value in values.items()))
    if ctx.conn.execute(statement).rowcount == 1:
        return
    row = ctx.conn.execute(sa.select(table.c.status).where(table.c.id == row_id)).first()
    if row is None:
        raise not_found(**{key: row_id})
    raise exceptions.InvalidState(resource=machine.resource, id=row_id, status=row.status, action=event,
                                  allowed=' or '.join(move.sources))

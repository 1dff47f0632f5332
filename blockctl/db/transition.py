# SPDX-License-Identifier: Apache-2.0
"""The one door through which a status changes."""

import dataclasses
import functools

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


#: The table of each machine's rows.
KEPT = {
    states.VOLUME: _Kept(tables.volumes, 'status', exceptions.VolumeNotFound, 'volume_id'),
    states.SNAPSHOT: _Kept(tables.snapshots, 'status', exceptions.SnapshotNotFound, 'snapshot_id'),
    states.ATTACHMENT: _Kept(tables.attachments, 'attach_status', exceptions.AttachmentNotFound, 'attachment_id'),
    states.GROUP: _Kept(tables.groups, 'status', exceptions.GroupNotFound, 'group_id'),
    states.GROUP_SNAPSHOT: _Kept(
        tables.group_snapshots, 'status', exceptions.GroupSnapshotNotFound, 'group_snapshot_id'),
}


def transition(ctx, machine, row_id, event, *where, **values):
    """Move a row by ``event``, atomically, setting ``values`` with it; in the caller's transaction.

    The row is locked until that ends, also by an event that leaves its state as it is.  ``where``: further conditions
    on the row, in SQL.  Raises NotFound, or InvalidState when the row is in a state the table has no such move from (or
    ``where`` does not hold, or a job of another resource holds the row and the move does not allow that).
    """
    move = machine.moves[event]
    kept = KEPT[machine]
    table, status = kept.table, kept.table.c[kept.status]
    _lock(ctx, table, row_id)
    statement = _built(machine, event, tuple((name, isinstance(value, utcnow)) for name, value in values.items()))
    if where:
        statement = statement.where(*where)
    if ctx.conn.execute(statement, {'row_id': row_id} | {
            f'to_{name}': value for name, value in values.items() if not isinstance(value, utcnow)}).rowcount == 1:
        return
    row = ctx.conn.execute(sa.select(status.label('status')).where(table.c.id == row_id)).first()
    if row is None:
        raise kept.not_found(**{kept.key: row_id})
    raise _refusal(machine, move, row_id, row.status)


def _refusal(machine, move, row_id, status):
    """What a tenant calls extend is extend.attached in the table too."""
    kind = exceptions.InUseOtherwise if status in move.sources else exceptions.InvalidState
    return kind(resource=machine.resource, id=row_id, status=status, action=move.event.partition('.')[0],
                allowed=' or '.join(move.sources))


@functools.lru_cache
def _built(machine, event, names):
    """The statement of an event: building it costs more than running it.

    ``names``: (column, whether it is set to the database's time) of what is set with it; else its parameter is to_NAME.
    """
    move, kept = machine.moves[event], KEPT[machine]
    table, status = kept.table, kept.table.c[kept.status]
    row_id = sa.bindparam('row_id', type_=table.c.id.type)
    where = [table.c.id == row_id, status.in_([sa.literal(source, status.type) for source in move.sources])]
    if move.held_too != states.BY_ITS_KEEPER:
        where.append(~(holds.kept(row_id) if move.held_too else holds.held(row_id)))
    values = {name: utcnow() if now else sa.bindparam(f'to_{name}', type_=table.c[name].type) for name, now in names}
    return sa.update(table).where(*where).ordered_values(*_changes(table, status, move.target, values))


def transition_all(ctx, machine, row_ids, event):
    """Move all of these rows by ``event``, or none: InvalidState names one that cannot go. None at all is no work.

    The caller's transaction has them locked already.
    """
    if not row_ids:
        return
    move = machine.moves[event]
    kept = KEPT[machine]
    table, status = kept.table, kept.table.c[kept.status]
    cannot = status.not_in(move.sources)
    if move.held_too != states.BY_ITS_KEEPER:
        cannot |= holds.kept(table.c.id) if move.held_too else holds.held(table.c.id)
    row = ctx.conn.execute(
        sa.select(table.c.id, status.label('status')).where(table.c.id.in_(row_ids), cannot).limit(1)).first()
    if row is not None:
        raise _refusal(machine, move, row.id, row.status)
    ctx.conn.execute(sa.update(table).where(table.c.id.in_(row_ids)).ordered_values(
        *_changes(table, status, move.target, {})))


def reset(ctx, machine, row_id, status, *where, **values):
    """Set a row's state by an administrator's word, whatever it is now; ``status`` None: it stays.

    In the transaction that ends the row's live job (jobs.supersede): nobody else moves it on.  Returns whether there is
    such a row, that meets ``where``.  Raises ValueError for a status that administrators cannot set.
    """
    if status is not None and status not in machine.settable:
        raise ValueError(f'{machine.resource}: {status} cannot be set')
    kept = KEPT[machine]
    table = kept.table
    statement = sa.update(table).where(table.c.id == row_id, *where).ordered_values(
        *_changes(table, table.c[kept.status], status, values))
    return ctx.conn.execute(statement).rowcount == 1


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

    An UPDATE sees these as they were when it began, though it waited for a transaction that changed them: PostgreSQL's
    always, MariaDB's where it looks at them before it has the row.  (On SQLite only one writes at a time.)
    """
    if ctx.conn.dialect.name != 'sqlite':
        ctx.conn.execute(_locking(table), {'row_id': row_id}).first()


@functools.cache
def _locking(table):
    return sa.select(table.c.id).where(table.c.id == sa.bindparam('row_id')).with_for_update()

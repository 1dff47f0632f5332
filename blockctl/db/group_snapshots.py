# SPDX-License-Identifier: Apache-2.0
"""Group snapshots: lists, and the snapshots that belong to one."""

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import conditions
from blockctl.db import pages
from blockctl.db.columns import utcnow
from blockctl.db.group_types import RESERVED
from blockctl.db.tables import group_snapshots
from blockctl.db.tables import group_types
from blockctl.db.tables import snapshots
from blockctl.db.tables import volumes

#: What a list can be sorted by.
SORTS = {name: group_snapshots.c[name] for name in (
    'id', 'name', 'description', 'status', 'group_id', 'group_type_id', 'user_id', 'project_id', 'created_at',
    'updated_at')}

_FILTERS = {name: column for name, column in SORTS.items() if name not in ('created_at', 'updated_at')}

_DEFAULT = (('created_at', 'desc'), ('id', 'desc'))

_SHOWN = sa.select(group_snapshots, group_types.c.name.label('group_type_name')).select_from(
    group_snapshots.outerjoin(group_types, group_types.c.id == group_snapshots.c.group_type_id))


_RESERVED = group_types.alias()  # beside the one that is joined in


def get(ctx, group_snapshot_id):
    """The row with ``group_type_name``. Raises GroupSnapshotNotFound."""
    row = ctx.conn.execute(_SHOWN.where(group_snapshots.c.id == group_snapshot_id)).first()
    if row is None:
        raise exceptions.GroupSnapshotNotFound(group_snapshot_id=group_snapshot_id)
    return row


def page(ctx, project_id, filters, wanted, of_consistency_groups):
    """The Found page of a project's group snapshots (None: of all) that meet ``filters`` ({name: Wanted}).

    ``of_consistency_groups``: with those of groups that are called so.
    """
    visible = [] if project_id is None else [group_snapshots.c.project_id == project_id]
    if not of_consistency_groups:
        visible.append(~sa.exists().where(_RESERVED.c.id == group_snapshots.c.group_type_id,
                                          _RESERVED.c.name == RESERVED))
    return pages.fetch(ctx, _SHOWN, visible, conditions.build(_FILTERS, filters), wanted, SORTS, _DEFAULT,
                       lambda: exceptions.GroupSnapshotNotFound(group_snapshot_id=wanted.marker))


def insert(ctx, **values):
    """Store a new group snapshot."""
    ctx.conn.execute(sa.insert(group_snapshots).values(created_at=utcnow(), **values))


def remove(ctx, group_snapshot_id):
    """Remove a group snapshot whose snapshots are gone."""
    ctx.conn.execute(sa.delete(group_snapshots).where(group_snapshots.c.id == group_snapshot_id))


# --- its snapshots
def insert_snapshots(ctx, rows):
    """Store new snapshots ({column: value}, the same columns in each); their volumes are locked."""
    ctx.conn.execute(sa.insert(snapshots).values(created_at=utcnow()), rows)


def taken(ctx, group_snapshot_id):
    """[(snapshot's row, its volume's)], in the order of the snapshots' ids."""
    rows = ctx.conn.execute(_IN_ORDER.where(snapshots.c.group_snapshot_id == group_snapshot_id)).all()
    by_id = {row.id: row for row in ctx.conn.execute(
        sa.select(volumes).where(volumes.c.id.in_([row.volume_id for row in rows])))} if rows else {}
    return [(row, by_id[row.volume_id]) for row in rows]


_IN_ORDER = sa.select(snapshots).order_by(snapshots.c.id)


def lock_snapshots(ctx, group_snapshot_id):
    """The rows of its snapshots, locked until the transaction ends."""
    return ctx.conn.execute(_IN_ORDER.where(
        snapshots.c.group_snapshot_id == group_snapshot_id).with_for_update()).all()


def complete(ctx, snapshot_ids):
    """Note that these snapshots are taken in full."""
    if snapshot_ids:
        ctx.conn.execute(sa.update(snapshots).where(snapshots.c.id.in_(snapshot_ids)).values(progress='100%'))


def located(ctx, snapshot_id, **values):
    """Note what the driver says of where a snapshot is (columns of drivers.interface.Snapshots)."""
    ctx.conn.execute(sa.update(snapshots).where(snapshots.c.id == snapshot_id).values(**values))

# SPDX-License-Identifier: Apache-2.0
"""Groups of volumes: lists, what is shown with them, and who belongs to them.

A volume joins or leaves with the group's row locked (an event of its machine), so who holds that knows the members.
"""

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import conditions
from blockctl.db import pages
from blockctl.db import quotas
from blockctl.db.columns import utcnow
from blockctl.db.group_types import RESERVED
from blockctl.db.tables import group_snapshots
from blockctl.db.tables import group_types
from blockctl.db.tables import group_volume_types
from blockctl.db.tables import groups
from blockctl.db.tables import volumes

#: What a group takes of a project's quota.
DELTAS = {'groups': 1}

#: What a list can be sorted by.
SORTS = {name: groups.c[name] for name in (
    'id', 'name', 'description', 'status', 'availability_zone', 'group_type_id', 'host', 'user_id', 'project_id',
    'created_at', 'updated_at')}

_FILTERS = {name: groups.c[name] for name in (
    'id', 'name', 'description', 'status', 'availability_zone', 'group_type_id', 'host', 'user_id', 'project_id',
    'group_snapshot_id', 'source_group_id', 'replication_status')}

_DEFAULT = (('created_at', 'desc'), ('id', 'desc'))

_SHOWN = sa.select(groups, group_types.c.name.label('group_type_name')).select_from(
    groups.outerjoin(group_types, group_types.c.id == groups.c.group_type_id))


_RESERVED = group_types.alias()  # beside the one that is joined in


def is_consistency_group(row):
    """Whether a row of :func:`get` or :func:`page` is what older clients call a consistency group."""
    return row.group_type_name == RESERVED


def _of_reserved_type():
    return sa.exists().where(_RESERVED.c.id == groups.c.group_type_id, _RESERVED.c.name == RESERVED)


def get(ctx, group_id):
    """The row with ``group_type_name``. Raises GroupNotFound."""
    row = ctx.conn.execute(_SHOWN.where(groups.c.id == group_id)).first()
    if row is None:
        raise exceptions.GroupNotFound(group_id=group_id)
    return row


def page(ctx, project_id, filters, wanted, consistency_groups):
    """The Found page of a project's groups (None: of all) that meet ``filters`` ({name: Wanted}).

    ``consistency_groups``: with those that are called so.
    """
    visible = [] if project_id is None else [groups.c.project_id == project_id]
    if not consistency_groups:
        visible.append(~_of_reserved_type())
    return pages.fetch(ctx, _SHOWN, visible, conditions.build(_FILTERS, filters), wanted, SORTS, _DEFAULT,
                       lambda: exceptions.GroupNotFound(group_id=wanted.marker))


class Related:
    """What is shown with some groups, by their ids. ``volumes`` None: it was not asked for."""

    def __init__(self):
        self.volume_types = {}
        self.volumes = None


def related(ctx, rows, with_volumes=False):
    """The volume types of ``rows`` and, ``with_volumes``, their volumes: a statement each."""
    found = Related()
    ids = [row.id for row in rows]
    if with_volumes:
        found.volumes = {}
    if not ids:
        return found
    for group_id, type_id in ctx.conn.execute(
            sa.select(group_volume_types.c.group_id, group_volume_types.c.volume_type_id)
            .where(group_volume_types.c.group_id.in_(ids)).order_by(group_volume_types.c.volume_type_id)):
        found.volume_types.setdefault(group_id, []).append(type_id)
    if with_volumes:
        for group_id, volume_id in ctx.conn.execute(
                sa.select(volumes.c.group_id, volumes.c.id).where(volumes.c.group_id.in_(ids))
                .order_by(volumes.c.created_at, volumes.c.id)):
            found.volumes.setdefault(group_id, []).append(volume_id)
    return found


def volume_types(ctx, group_id):
    """The ids of the types its volumes may have."""
    return set(ctx.conn.execute(sa.select(group_volume_types.c.volume_type_id).where(
        group_volume_types.c.group_id == group_id)).scalars())


# --- changes
def insert(ctx, type_ids, **values):
    """Store a new group in the caller's transaction, which has taken its quota. ``type_ids``: of its volumes' types."""
    ctx.conn.execute(sa.insert(groups).values(created_at=utcnow(), **values))
    ctx.conn.execute(sa.insert(group_volume_types), [
        {'group_id': values['id'], 'volume_type_id': type_id} for type_id in sorted(type_ids)])


def remove(ctx, row):
    """Remove a group without volumes for good, with its quota."""
    quotas.give_back(ctx, row.project_id, DELTAS)
    ctx.conn.execute(sa.delete(groups).where(groups.c.id == row.id))


# --- its volumes
def members(ctx, group_id):
    """The rows of its volumes."""
    return ctx.conn.execute(sa.select(volumes).where(volumes.c.group_id == group_id).order_by(volumes.c.id)).all()


def lock_members(ctx, group_id):
    """The same, locked until the transaction ends. The caller has the group locked."""
    return ctx.conn.execute(sa.select(volumes).where(volumes.c.group_id == group_id).order_by(
        volumes.c.id).with_for_update()).all()


def assign(ctx, volume_ids, group_id):
    """Make volumes, which the caller has locked, belong to a group (None: to none)."""
    if volume_ids:
        ctx.conn.execute(sa.update(volumes).where(volumes.c.id.in_(volume_ids)).values(group_id=group_id))


def lock_volumes(ctx, volume_ids):
    """{id: row} of those of ``volume_ids`` that there are, locked until the transaction ends."""
    if not volume_ids:
        return {}
    rows = ctx.conn.execute(sa.select(volumes).where(volumes.c.id.in_(volume_ids)).order_by(
        volumes.c.id).with_for_update())
    return {row.id: row for row in rows}


def has_snapshots(ctx, group_id):
    """Whether there are group snapshots of it."""
    return ctx.conn.execute(
        sa.select(group_snapshots.c.id).where(group_snapshots.c.group_id == group_id).limit(1)).first() is not None


def consistency_groups(ctx, group_ids):
    """Those of ``group_ids`` that are called consistency groups."""
    return set(ctx.conn.execute(sa.select(groups.c.id).where(
        groups.c.id.in_(group_ids), _of_reserved_type())).scalars())

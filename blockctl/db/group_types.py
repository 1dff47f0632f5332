# SPDX-License-Identifier: Apache-2.0
"""Group types and their specs."""

import sqlalchemy as sa
from oslo_db import exception as db_exception

from blockctl import exceptions
from blockctl.db import pages
from blockctl.db import pairs
from blockctl.db.columns import utcnow
from blockctl.db.tables import group_type_specs
from blockctl.db.tables import group_types

#: The type of consistency groups: what older clients ask for at /consistencygroups. It is there from the start.
RESERVED = 'default_cgsnapshot_type'

#: The spec by which the snapshots of a group are of one moment, and its value (blockctl/extra_specs.py).
CONSISTENT_SPEC = ('consistent_group_snapshot_enabled', '<is> True')

#: What a list can be sorted by.
SORTS = {name: group_types.c[name] for name in ('id', 'name', 'description', 'is_public', 'created_at', 'updated_at')}

_DEFAULT = (('created_at', 'desc'), ('id', 'desc'))

_SPECS = group_type_specs.c.group_type_id


def public():
    """The condition for types that everybody may use."""
    return group_types.c.is_public


def private():
    """The condition for types that only administrators may use."""
    return ~group_types.c.is_public


def get(ctx, group_type_id, *visible):
    """The row, when it meets the conditions ``visible``. Raises GroupTypeNotFound."""
    row = ctx.conn.execute(sa.select(group_types).where(group_types.c.id == group_type_id, *visible)).first()
    if row is None:
        raise exceptions.GroupTypeNotFound(group_type_id=group_type_id)
    return row


def named(ctx, name, *visible):
    """The row of a name. Raises GroupTypeNotFoundByName."""
    row = ctx.conn.execute(sa.select(group_types).where(group_types.c.name == name, *visible)).first()
    if row is None:
        raise exceptions.GroupTypeNotFoundByName(name=name)
    return row


def page(ctx, visible, page):
    """The Found page of the types that meet the conditions ``visible``."""
    return pages.fetch(ctx, sa.select(group_types), visible, [], page, SORTS, _DEFAULT,
                       lambda: exceptions.GroupTypeNotFound(group_type_id=page.marker))


def specs(ctx, group_type_id):
    """{key: value} of a type."""
    return pairs.read(ctx, _SPECS, group_type_id)


def specs_of(ctx, rows):
    """{type id: {key: value}} of ``rows``, in one statement."""
    return pairs.of_rows(ctx, _SPECS, rows)


def insert_type(ctx, group_type_id, name, description, is_public, specs):
    """A new type with its specs. Raises GroupTypeExists."""
    _refuse_duplicate(ctx, sa.insert(group_types).values(
        id=group_type_id, name=name, description=description, is_public=is_public, created_at=utcnow()), name)
    set_specs(ctx, group_type_id, specs)


def change(ctx, group_type_id, values):
    """Set name, description or is_public. Raises GroupTypeNotFound or GroupTypeExists."""
    statement = sa.update(group_types).where(group_types.c.id == group_type_id).values(updated_at=utcnow(), **values)
    if _refuse_duplicate(ctx, statement, values.get('name')).rowcount == 0:
        raise exceptions.GroupTypeNotFound(group_type_id=group_type_id)


def _refuse_duplicate(ctx, statement, name):
    # The name's own index decides, so that two requests at once cannot both have it.
    try:
        return ctx.conn.execute(statement)
    except db_exception.DBDuplicateEntry:
        raise exceptions.GroupTypeExists(name=name) from None


def delete(ctx, group_type_id):
    """Remove a type and its specs. Raises GroupTypeNotFound or GroupTypeInUse."""
    try:
        count = ctx.conn.execute(sa.delete(group_types).where(group_types.c.id == group_type_id)).rowcount
    except db_exception.DBReferenceError:
        # The foreign key of groups decides, so that none can be created with a type that goes.
        raise exceptions.GroupTypeInUse(group_type_id=group_type_id) from None
    if count == 0:
        raise exceptions.GroupTypeNotFound(group_type_id=group_type_id)


def set_specs(ctx, group_type_id, specs):
    """Add ``specs`` ({key: value or None}) to those of a type, or change what is there."""
    pairs.put(ctx, _SPECS, group_type_id, specs)


def delete_spec(ctx, group_type_id, key):
    """Remove one. Raises GroupSpecNotFound."""
    if not pairs.delete(ctx, _SPECS, group_type_id, key):
        raise exceptions.GroupSpecNotFound(group_type_id=group_type_id, key=key)

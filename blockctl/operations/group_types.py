# SPDX-License-Identifier: Apache-2.0
"""What can be done with group types."""

import dataclasses

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import group_types
from blockctl.flows import notifications

SORTS = frozenset(group_types.SORTS)


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """What is shown with types. They belong to no project: the right to see their specs is asked once."""

    specs: dict | None  # {type id: {key: value}}; None: the caller may not see them


def show(ctx, group_type_id):
    """(row, Shown) of a type the caller may use. Raises GroupTypeNotFound, also for private ones."""
    with ctx.reading():
        row = visible(ctx, group_type_id)
        return row, _shown(ctx, [row])


def default(ctx):
    """(row, Shown) of the type ``default_group_type`` names. Raises DefaultGroupTypeNotFound."""
    name = ctx.conf.default_group_type
    if not name:
        raise exceptions.DefaultGroupTypeNotFound()
    with ctx.reading():
        try:
            row = group_types.named(ctx, name)
        except exceptions.GroupTypeNotFoundByName:
            raise exceptions.DefaultGroupTypeNotFound() from None
        return row, _shown(ctx, [row])


def visible(ctx, group_type_id):
    """The row, in the caller's transaction, when the caller may use the type."""
    if not (group_type_id.isascii() and len(group_type_id) <= 36):
        raise exceptions.GroupTypeNotFound(group_type_id=group_type_id)
    return group_types.get(ctx, group_type_id, *_usable(ctx))


def named(ctx, name_or_id):
    """The same by id, or else by name."""
    try:
        return visible(ctx, name_or_id)
    except exceptions.GroupTypeNotFound:
        if uuidutils.is_uuid_like(name_or_id):
            raise
        return group_types.named(ctx, name_or_id, *_usable(ctx))


def _usable(ctx):
    return () if ctx.is_admin else (group_types.public(),)


def find(ctx, page, is_public=True):
    """(Found, Shown) of the types the caller may use.

    ``is_public``, for administrators only: True, public ones; False, private ones; None, all.
    """
    if is_public or not ctx.is_admin:
        allowed = [group_types.public()]
    else:
        allowed = [] if is_public is None else [group_types.private()]
    with ctx.reading():
        found = group_types.page(ctx, allowed, page)
        return found, _shown(ctx, found.rows)


def create(ctx, name, description=None, is_public=True, specs=None):
    """(row, Shown) of a new type. Raises GroupTypeExists."""
    ctx.must('group:group_types:create')
    with ctx.writing():
        group_type_id = uuidutils.generate_uuid()
        group_types.insert_type(ctx, group_type_id, name, description, is_public, specs or {})
        row = group_types.get(ctx, group_type_id)
        shown = _shown(ctx, [row])
    _tell(ctx, 'group_type.create', row)
    return row, shown


def update(ctx, group_type_id, values):
    """Change ``values`` of name, description and is_public. Returns (row, Shown).

    Raises GroupTypeNotFound, GroupTypeExists.
    """
    ctx.must('group:group_types:update')
    with ctx.writing():
        visible(ctx, group_type_id)
        group_types.change(ctx, group_type_id, values)
        row = group_types.get(ctx, group_type_id)
        shown = _shown(ctx, [row])
    _tell(ctx, 'group_type.update', row)
    return row, shown


def delete(ctx, group_type_id):
    """Remove a type. Raises GroupTypeNotFound, GroupTypeInUse."""
    ctx.must('group:group_types:delete')
    with ctx.writing():
        row = visible(ctx, group_type_id)
        group_types.delete(ctx, group_type_id)
    _tell(ctx, 'group_type.delete', row)


def _tell(ctx, event, row):
    notifications.emit(ctx, event, group_types={
        'id': row.id, 'name': row.name, 'description': row.description, 'is_public': row.is_public,
        'created_at': row.created_at, 'updated_at': row.updated_at})


def _shown(ctx, rows):
    return Shown(group_types.specs_of(ctx, rows) if ctx.can('group:access_group_types_specs') else None)

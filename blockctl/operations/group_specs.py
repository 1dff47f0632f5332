# SPDX-License-Identifier: Apache-2.0
"""What can be done with the specs of group types."""

from blockctl import exceptions
from blockctl.db import group_types as db
from blockctl.flows import notifications
from blockctl.operations import group_types


def find(ctx, group_type_id):
    """{key: value}. Raises GroupTypeNotFound."""
    ctx.must('group:group_types_specs:get_all')
    return _read(ctx, group_type_id)


def show(ctx, group_type_id, key):
    """The value. Raises GroupTypeNotFound, GroupSpecNotFound."""
    ctx.must('group:group_types_specs:get')
    specs = _read(ctx, group_type_id)
    if key not in specs:
        raise exceptions.GroupSpecNotFound(group_type_id=group_type_id, key=key)
    return specs[key]


def _read(ctx, group_type_id):
    with ctx.reading():
        group_types.visible(ctx, group_type_id)
        return db.specs(ctx, group_type_id)


def create(ctx, group_type_id, specs):
    """Add or change several. Raises GroupTypeNotFound."""
    ctx.must('group:group_types_specs:create')
    _write(ctx, group_type_id, specs)
    notifications.emit(ctx, 'group_type_specs.create', type_id=group_type_id, specs=specs)


def update(ctx, group_type_id, key, value):
    """Add or change one. Raises GroupTypeNotFound."""
    ctx.must('group:group_types_specs:update')
    _write(ctx, group_type_id, {key: value})
    notifications.emit(ctx, 'group_type_specs.update', type_id=group_type_id, id=key)


def _write(ctx, group_type_id, specs):
    with ctx.writing():
        group_types.visible(ctx, group_type_id)
        db.set_specs(ctx, group_type_id, specs)


def delete(ctx, group_type_id, key):
    """Remove one. Raises GroupTypeNotFound, GroupSpecNotFound."""
    ctx.must('group:group_types_specs:delete')
    with ctx.writing():
        group_types.visible(ctx, group_type_id)
        db.delete_spec(ctx, group_type_id, key)
    notifications.emit(ctx, 'group_type_specs.delete', type_id=group_type_id, id=key)

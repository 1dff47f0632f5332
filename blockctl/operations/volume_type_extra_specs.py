# SPDX-License-Identifier: Apache-2.0
"""What can be done with the extra specs of volume types.

What volumes were promised does not change under them: while a volume has the type, its extra specs stay
(VolumeTypeSpecsInUse).
"""

from blockctl import exceptions
from blockctl.db import volume_types as db
from blockctl.flows import notifications
from blockctl.operations import volume_types


def find(ctx, volume_type_id):
    """{key: value} that the caller may see. Raises VolumeTypeNotFound."""
    ctx.must('volume_extension:types_extra_specs:index')
    with ctx.reading():
        volume_types.visible(ctx, volume_type_id)
        return volume_types.for_caller(ctx, db.extra_specs(ctx, volume_type_id))


def show(ctx, volume_type_id, key):
    """The value. Raises VolumeTypeNotFound, or ExtraSpecNotFound, also for what the caller may not see."""
    ctx.must('volume_extension:types_extra_specs:show')
    with ctx.reading():
        volume_types.visible(ctx, volume_type_id)
        specs = volume_types.for_caller(ctx, db.extra_specs(ctx, volume_type_id))
    if key not in specs:
        raise exceptions.ExtraSpecNotFound(volume_type_id=volume_type_id, key=key)
    return specs[key]


def create(ctx, volume_type_id, specs):
    """Add or change several. Raises VolumeTypeNotFound, VolumeTypeSpecsInUse."""
    ctx.must('volume_extension:types_extra_specs:create')
    _set(ctx, volume_type_id, specs)
    notifications.emit(ctx, 'volume_type_extra_specs.create', type_id=volume_type_id, specs=specs)


def update(ctx, volume_type_id, key, value):
    """Add or change one. Raises VolumeTypeNotFound, VolumeTypeSpecsInUse."""
    ctx.must('volume_extension:types_extra_specs:update')
    _set(ctx, volume_type_id, {key: value})
    notifications.emit(ctx, 'volume_type_extra_specs.update', type_id=volume_type_id, id=key)


def _set(ctx, volume_type_id, specs):
    with ctx.writing():
        _changeable(ctx, volume_type_id)
        db.set_extra_specs(ctx, volume_type_id, specs)


def delete(ctx, volume_type_id, key):
    """Remove one. Raises VolumeTypeNotFound, VolumeTypeSpecsInUse, ExtraSpecNotFound."""
    ctx.must('volume_extension:types_extra_specs:delete')
    with ctx.writing():
        _changeable(ctx, volume_type_id)
        db.delete_extra_spec(ctx, volume_type_id, key)
    notifications.emit(ctx, 'volume_type_extra_specs.delete', type_id=volume_type_id, id=key)


def _changeable(ctx, volume_type_id):
    volume_types.visible(ctx, volume_type_id)
    if db.in_use(ctx, volume_type_id):
        raise exceptions.VolumeTypeSpecsInUse()

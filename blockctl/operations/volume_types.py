# SPDX-License-Identifier: Apache-2.0
"""What can be done with volume types."""

import dataclasses

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import conditions
from blockctl.db import deadlocks
from blockctl.db import default_types
from blockctl.db import volume_choices
from blockctl.db import volume_types
from blockctl.db.tables import volume_types as table
from blockctl.flows import notifications

SORTS = frozenset(volume_types.SORTS)

#: Extra specs that concern users. The others tell about backends: to see them is a right of its own, read_sensitive.
FOR_USERS = frozenset({'RESKEY:availability_zones', 'multiattach', 'replication_enabled'})

_SEE_SPECS = 'volume_extension:access_types_extra_specs'
_SEE_QOS = 'volume_extension:access_types_qos_specs_id'
_SEE_ACCESS = 'volume_extension:volume_type_access'
_SEE_SENSITIVE = 'volume_extension:types_extra_specs:read_sensitive'


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """What is shown with types, and what of them the caller may see. Types belong to no project: asked once."""

    specs: dict  # {type id: {key: value}}, without what the caller may not see
    see_specs: bool
    see_qos: bool
    see_access: bool


def show(ctx, volume_type_id):
    """(row, Shown) of a type the caller may use. Raises VolumeTypeNotFound, also for others' private types."""
    ctx.must('volume_extension:type_get')
    with ctx.reading():
        row = visible(ctx, volume_type_id)
        return row, _shown(ctx, [row])


def default(ctx):
    """(row, Shown) of the type of volumes whose request names none. Raises VolumeTypeNotFound(ByName)."""
    ctx.must('volume_extension:type_get')
    with ctx.reading():
        row = volume_choices.default_type(ctx)
        return row, _shown(ctx, [row])


def visible(ctx, volume_type_id):
    """The row, in the caller's transaction, when the caller may use the type."""
    if not (volume_type_id.isascii() and len(volume_type_id) <= 36):
        raise exceptions.VolumeTypeNotFound(volume_type_id=volume_type_id)
    allowed = () if ctx.is_admin else (volume_types.usable(ctx.project_id),)
    return volume_types.get(ctx, volume_type_id, *allowed)


def find(ctx, page, filters, is_public=True):
    """(Found, Shown) of the types the caller may use.

    ``is_public``, for administrators only: True, those the project may use; False, private ones; None, all.
    """
    ctx.must('volume_extension:type_get_all')
    if is_public or not ctx.is_admin:
        allowed = [volume_types.usable(ctx.project_id)]
    else:
        allowed = [] if is_public is None else [~table.c.is_public]
    specs = filters.get('extra_specs')
    if specs is not None and not set(specs.value or ()) <= FOR_USERS and not see_sensitive(ctx):
        # To be found by what one may not see would be to see it.
        filters = filters | {'extra_specs': conditions.NOTHING}
    with ctx.reading():
        found = volume_types.page(ctx, allowed, filters, page)
        return found, _shown(ctx, found.rows)


def create(ctx, name, description=None, is_public=True, extra_specs=None):
    """(row, Shown) of a new type. Raises VolumeTypeExists."""
    ctx.must('volume_extension:type_create')
    with ctx.writing():
        volume_type_id = uuidutils.generate_uuid()
        volume_types.insert_type(ctx, volume_type_id, name, description, is_public, extra_specs or {})
        row = volume_types.get(ctx, volume_type_id)
        shown = _shown(ctx, [row])
    _tell(ctx, 'volume_type.create', row)
    return row, shown


def update(ctx, volume_type_id, values):
    """Change ``values`` of name, description and is_public. Returns (row, Shown).

    Raises VolumeTypeNotFound, VolumeTypeExists.
    """
    ctx.must('volume_extension:type_update')
    with ctx.writing():
        visible(ctx, volume_type_id)
        volume_types.change(ctx, volume_type_id, values)
        row = volume_types.get(ctx, volume_type_id)
        shown = _shown(ctx, [row])
    _tell(ctx, 'volume_type.update', row)
    return row, shown


def delete(ctx, volume_type_id):
    """Remove a type.

    ==================================  ==============================  =====================================
    condition                           error                           what the caller should do
    ==================================  ==============================  =====================================
    no such type                        VolumeTypeNotFound
    new volumes get it by default       DefaultVolumeType               set default_volume_type to another
    those of a project do               DefaultVolumeType               give the project another default type
    volumes or groups have it           VolumeTypeInUse                 delete or retype them
    ==================================  ==============================  =====================================
    """
    ctx.must('volume_extension:type_delete')
    _tell(ctx, 'volume_type.delete', _delete(ctx, volume_type_id))


@deadlocks.retried
def _delete(ctx, volume_type_id):
    """The row as it was."""
    with ctx.writing():
        row = visible(ctx, volume_type_id)
        # A project that gets it as its default at this moment is refused by the foreign key, or refuses this by it.
        if row.name == ctx.conf.default_volume_type or default_types.is_default(ctx, volume_type_id):
            raise exceptions.DefaultVolumeType(volume_type_id=volume_type_id)
        volume_types.delete(ctx, volume_type_id)
    return row


def _tell(ctx, event, row):
    notifications.emit(ctx, event, volume_types={
        'id': row.id, 'name': row.name, 'description': row.description, 'is_public': row.is_public,
        'qos_specs_id': row.qos_specs_id, 'created_at': row.created_at, 'updated_at': row.updated_at})


def see_sensitive(ctx):
    """Whether the caller sees all extra specs, or only those FOR_USERS."""
    return ctx.can(_SEE_SENSITIVE)


def for_caller(ctx, specs):
    """What the caller may see of ``specs`` ({key: value})."""
    return specs if see_sensitive(ctx) else {key: value for key, value in specs.items() if key in FOR_USERS}


def _shown(ctx, rows):
    see_specs = ctx.can(_SEE_SPECS)
    specs = volume_types.specs_of(ctx, rows) if see_specs else {}
    if see_specs and not see_sensitive(ctx):
        specs = {volume_type_id: {key: value for key, value in own.items() if key in FOR_USERS}
                 for volume_type_id, own in specs.items()}
    return Shown(specs, see_specs, ctx.can(_SEE_QOS), ctx.can(_SEE_ACCESS))

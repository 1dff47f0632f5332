# SPDX-License-Identifier: Apache-2.0
"""Volume types and their extra specs."""

import sqlalchemy as sa
from oslo_db import exception as db_exception

from blockctl import exceptions
from blockctl.db import conditions
from blockctl.db import pages
from blockctl.db import pairs
from blockctl.db.columns import utcnow
from blockctl.db.tables import quota_classes
from blockctl.db.tables import quota_usages
from blockctl.db.tables import quotas
from blockctl.db.tables import volume_type_extra_specs
from blockctl.db.tables import volume_type_projects
from blockctl.db.tables import volume_types
from blockctl.db.tables import volumes

_SPECS = volume_type_extra_specs.c.volume_type_id


def extra_specs(ctx, volume_type_id):
    """{key: value} of a type."""
    return pairs.read(ctx, _SPECS, volume_type_id)


#: What a list can be sorted by.
SORTS = {name: volume_types.c[name] for name in (
    'id', 'name', 'description', 'is_public', 'qos_specs_id', 'created_at', 'updated_at')}

_DEFAULT = (('created_at', 'desc'), ('id', 'desc'))

#: Resources whose usage and limits are kept for each type, under the type's id (db/quotas.py).
COUNTED = ('volumes', 'gigabytes', 'snapshots')


def usable(project_id):
    """The condition for types that a project may use: the public ones, and the private ones it was given."""
    given = sa.exists().where(volume_type_projects.c.volume_type_id == volume_types.c.id,
                              volume_type_projects.c.project_id == project_id)
    return sa.or_(volume_types.c.is_public, given)


def get(ctx, volume_type_id, *visible):
    """The row, when it meets the conditions ``visible``. Raises VolumeTypeNotFound."""
    row = ctx.conn.execute(sa.select(volume_types).where(volume_types.c.id == volume_type_id, *visible)).first()
    if row is None:
        raise exceptions.VolumeTypeNotFound(volume_type_id=volume_type_id)
    return row


def named(ctx, name):
    """The row of a name. Raises VolumeTypeNotFoundByName."""
    row = ctx.conn.execute(sa.select(volume_types).where(volume_types.c.name == name)).first()
    if row is None:
        raise exceptions.VolumeTypeNotFoundByName(name=name)
    return row


def page(ctx, visible, filters, page):
    """The Found page of the types that meet the conditions ``visible`` and the ``filters`` ({name: Wanted})."""
    columns = {'name': volume_types.c.name, 'extra_specs': _has_specs}
    return pages.fetch(ctx, sa.select(volume_types), visible, conditions.build(columns, filters), page, SORTS, _DEFAULT,
                       lambda: exceptions.VolumeTypeNotFound(volume_type_id=page.marker))


def _has_specs(wanted):
    if wanted.op != 'pairs':
        return sa.false()
    specs = volume_type_extra_specs
    return conditions.pairs(specs, specs.c.volume_type_id, volume_types.c.id, wanted)


def specs_of(ctx, rows):
    """{type id: {key: value}} of ``rows``, in one statement."""
    return pairs.of_rows(ctx, _SPECS, rows)


def names(ctx, *visible):
    """{id: name} of the types that meet the conditions ``visible``."""
    types = volume_types.c
    rows = ctx.conn.execute(sa.select(types.id, types.name).where(*visible).order_by(types.created_at.desc(), types.id))
    return {row.id: row.name for row in rows}


def everything(ctx):
    """[(row, {key: value} of its extra specs)] of all types, the oldest first."""
    rows = ctx.conn.execute(sa.select(volume_types).order_by(volume_types.c.created_at, volume_types.c.id)).all()
    specs = specs_of(ctx, rows)
    return [(row, specs[row.id]) for row in rows]


def in_use(ctx, volume_type_id):
    """Whether a volume has this type."""
    return ctx.conn.execute(
        sa.select(volumes.c.id).where(volumes.c.volume_type_id == volume_type_id).limit(1)).first() is not None


def insert_type(ctx, volume_type_id, name, description, is_public, specs):
    """A new type with its extra specs. Raises VolumeTypeExists."""
    _refuse_duplicate(ctx, sa.insert(volume_types).values(
        id=volume_type_id, name=name, description=description, is_public=is_public, created_at=utcnow()), name)
    set_extra_specs(ctx, volume_type_id, specs)


def change(ctx, volume_type_id, values):
    """Set name, description or is_public. Raises VolumeTypeNotFound or VolumeTypeExists."""
    statement = sa.update(volume_types).where(volume_types.c.id == volume_type_id).values(
        updated_at=utcnow(), **values)
    if _refuse_duplicate(ctx, statement, values.get('name')).rowcount == 0:
        raise exceptions.VolumeTypeNotFound(volume_type_id=volume_type_id)


def _refuse_duplicate(ctx, statement, name):
    # The name's own index decides, so that two requests at once cannot both have it.
    try:
        return ctx.conn.execute(statement)
    except db_exception.DBDuplicateEntry:
        raise exceptions.VolumeTypeExists(name=name) from None


def delete(ctx, volume_type_id):
    """Remove a type, what belongs to it, and the quota kept for it. Raises VolumeTypeNotFound or VolumeTypeInUse."""
    try:
        count = ctx.conn.execute(sa.delete(volume_types).where(volume_types.c.id == volume_type_id)).rowcount
    except db_exception.DBReferenceError:
        # The foreign key of volumes decides, so that none can be created with a type that goes.
        raise exceptions.VolumeTypeInUse(volume_type_id=volume_type_id) from None
    if count == 0:
        raise exceptions.VolumeTypeNotFound(volume_type_id=volume_type_id)
    resources = [f'{resource}_{volume_type_id}' for resource in COUNTED]
    for table in (quota_usages, quotas, quota_classes):
        ctx.conn.execute(sa.delete(table).where(table.c.resource.in_(resources)))


def set_extra_specs(ctx, volume_type_id, specs):
    """Add ``specs`` ({key: value or None}) to those of a type, or change what is there."""
    pairs.put(ctx, _SPECS, volume_type_id, specs)


def delete_extra_spec(ctx, volume_type_id, key):
    """Remove one. Raises ExtraSpecNotFound."""
    if not pairs.delete(ctx, _SPECS, volume_type_id, key):
        raise exceptions.ExtraSpecNotFound(volume_type_id=volume_type_id, key=key)

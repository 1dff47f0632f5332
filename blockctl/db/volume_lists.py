# SPDX-License-Identifier: Apache-2.0
"""Lists of volumes and what is shown with them: a constant number of statements, whatever the number of rows."""

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import pages
from blockctl.db.tables import volume_admin_metadata
from blockctl.db.tables import volume_image_metadata
from blockctl.db.tables import volume_metadata
from blockctl.db.tables import volume_types
from blockctl.db.tables import volumes

#: What a list can be sorted by.
SORTS = {name: volumes.c[name] for name in (
    'id', 'status', 'size', 'availability_zone', 'name', 'bootable', 'created_at', 'updated_at', 'host', 'user_id',
    'project_id', 'volume_type_id')}

_DEFAULT = (('created_at', 'desc'), ('id', 'desc'))

#: Notes of administrators that everybody who sees the volume sees as metadata.
_VISIBLE = ('readonly', 'attached_mode')

_SHOWN = sa.select(volumes, volume_types.c.name.label('volume_type_name')).select_from(
    volumes.outerjoin(volume_types, volume_types.c.id == volumes.c.volume_type_id))


def get(ctx, volume_id):
    """The row with ``volume_type_name``. Raises VolumeNotFound."""
    row = ctx.conn.execute(_SHOWN.where(volumes.c.id == volume_id)).first()
    if row is None:
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    return row


def page(ctx, conditions, page):
    """The Found page of the volumes that meet all ``conditions`` (SQL)."""
    return pages.fetch(ctx, _SHOWN.where(*conditions), page, SORTS, _DEFAULT,
                       lambda: exceptions.VolumeNotFound(volume_id=page.marker))


class Related:
    """What is shown with some volumes, by their ids."""

    def __init__(self):
        self.metadata = {}
        self.image_metadata = {}


def related(ctx, rows):
    """Metadata of ``rows``, of all kinds, in one statement."""
    found = Related()
    ids = [row.id for row in rows]
    if not ids:
        return found
    statement = sa.union_all(
        *(sa.select(sa.literal(kind).label('kind'), table.c.volume_id, table.c.key, table.c.value)
          .where(table.c.volume_id.in_(ids), *more)
          for kind, table, *more in (
              ('own', volume_metadata), ('image', volume_image_metadata),
              ('own', volume_admin_metadata, volume_admin_metadata.c.key.in_(_VISIBLE)))))
    for kind, volume_id, key, value in ctx.conn.execute(statement):
        place = found.metadata if kind == 'own' else found.image_metadata
        place.setdefault(volume_id, {})[key] = value
    return found

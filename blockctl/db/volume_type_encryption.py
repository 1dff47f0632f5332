# SPDX-License-Identifier: Apache-2.0
"""How volumes of a type are encrypted: one row for each type that says so.

It stays as it is while a volume has the type.  Whoever changes it locks the type's row first, and every volume that is
stored with a type, or gets another one, has that row locked by its foreign key: so none comes in between.
"""

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import volume_types as db_volume_types
from blockctl.db.columns import utcnow
from blockctl.db.tables import volume_type_encryptions as table
from blockctl.db.tables import volume_types

#: What says how data is encrypted: volumes of types that agree in these are encrypted alike.
SETTINGS = ('provider', 'cipher', 'key_size', 'control_location')


def get(ctx, volume_type_id):
    """The row, or None when volumes of the type are not encrypted."""
    return ctx.conn.execute(sa.select(table).where(table.c.volume_type_id == volume_type_id)).first()


def settings(ctx, volume_type_id):
    """{name: value} of SETTINGS, or None when volumes of the type (None: of no type) are not encrypted."""
    row = get(ctx, volume_type_id) if volume_type_id else None
    return None if row is None else settings_of(row)


def settings_of(row):
    """The same of a row that has these columns."""
    return {name: getattr(row, name) for name in SETTINGS} if row.provider is not None else None


def alike(ctx, volume_type_id, other_id):
    """Whether volumes of two types (None: of no type) are encrypted in the same way, or both not at all."""
    return volume_type_id == other_id or settings(ctx, volume_type_id) == settings(ctx, other_id)


def insert(ctx, volume_type_id, encryption_id, values):
    """Have volumes of a type be encrypted. Raises VolumeTypeEncryptionInUse, VolumeTypeEncryptionExists."""
    _lock(ctx, volume_type_id, 'create')
    if get(ctx, volume_type_id) is not None:
        raise exceptions.VolumeTypeEncryptionExists(volume_type_id=volume_type_id)
    ctx.conn.execute(sa.insert(table).values(
        volume_type_id=volume_type_id, encryption_id=encryption_id, created_at=utcnow(), **values))


def change(ctx, volume_type_id, values):
    """Set some of SETTINGS. Raises VolumeTypeEncryptionInUse, VolumeTypeEncryptionNotFound."""
    _lock(ctx, volume_type_id, 'update')
    statement = sa.update(table).where(table.c.volume_type_id == volume_type_id).values(updated_at=utcnow(), **values)
    _must_match(ctx, statement, volume_type_id)


def delete(ctx, volume_type_id):
    """Have volumes of a type not be encrypted. Raises VolumeTypeEncryptionInUse, VolumeTypeEncryptionNotFound."""
    _lock(ctx, volume_type_id, 'delete')
    _must_match(ctx, sa.delete(table).where(table.c.volume_type_id == volume_type_id), volume_type_id)


def _lock(ctx, volume_type_id, action):
    ctx.conn.execute(sa.select(volume_types.c.id).where(volume_types.c.id == volume_type_id).with_for_update()).first()
    if db_volume_types.in_use(ctx, volume_type_id):
        raise exceptions.VolumeTypeEncryptionInUse(action=action)


def _must_match(ctx, statement, volume_type_id):
    if ctx.conn.execute(statement).rowcount == 0:
        raise exceptions.VolumeTypeEncryptionNotFound(volume_type_id=volume_type_id)

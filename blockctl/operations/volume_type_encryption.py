# SPDX-License-Identifier: Apache-2.0
"""What can be done with the encryption of volume types."""

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import volume_type_encryption as db
from blockctl.flows import notifications
from blockctl.operations import volume_types


def show(ctx, volume_type_id):
    """The row, or None when volumes of the type are not encrypted. Raises VolumeTypeNotFound."""
    ctx.must('volume_extension:volume_type_encryption:get')
    with ctx.reading():
        volume_types.visible(ctx, volume_type_id)
        return db.get(ctx, volume_type_id)


def create(ctx, volume_type_id, values):
    """Have volumes of a type be encrypted; the row.

    ==================================  ==============================  =====================================
    condition                           error                           what the caller should do
    ==================================  ==============================  =====================================
    no such type                        VolumeTypeNotFound
    volumes have it                     VolumeTypeEncryptionInUse       make another type
    they are encrypted already          VolumeTypeEncryptionExists      update that
    ==================================  ==============================  =====================================
    """
    ctx.must('volume_extension:volume_type_encryption:create')
    with ctx.writing():
        volume_types.visible(ctx, volume_type_id)
        db.insert(ctx, volume_type_id, uuidutils.generate_uuid(), values)
        row = db.get(ctx, volume_type_id)
    notifications.emit(ctx, 'volume_type_encryption.create', type_id=volume_type_id, specs=values)
    return row


def update(ctx, volume_type_id, values):
    """Change ``values``. Raises VolumeTypeNotFound, VolumeTypeEncryptionInUse, VolumeTypeEncryptionNotFound."""
    ctx.must('volume_extension:volume_type_encryption:update')
    with ctx.writing():
        volume_types.visible(ctx, volume_type_id)
        db.change(ctx, volume_type_id, values)
    notifications.emit(ctx, 'volume_type_encryption.update', type_id=volume_type_id, specs=values)


def delete(ctx, volume_type_id):
    """Remove it. Raises VolumeTypeNotFound, VolumeTypeEncryptionInUse, VolumeTypeEncryptionNotFound."""
    ctx.must('volume_extension:volume_type_encryption:delete')
    with ctx.writing():
        volume_types.visible(ctx, volume_type_id)
        if db.get(ctx, volume_type_id) is None:  # a type in use that has none is not called in use
            raise exceptions.VolumeTypeEncryptionNotFound(volume_type_id=volume_type_id)
        db.delete(ctx, volume_type_id)
    notifications.emit(ctx, 'volume_type_encryption.delete', type_id=volume_type_id)

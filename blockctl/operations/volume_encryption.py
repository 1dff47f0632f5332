# SPDX-License-Identifier: Apache-2.0
"""What can be asked about the encryption of a volume: what a host needs to know to read its data."""

from blockctl import exceptions
from blockctl.db import volume_type_encryption
from blockctl.operations import volumes


def show(ctx, volume_id):
    """{name: value}: ``encryption_key_id``, which is None of a volume that is not encrypted, or has no key yet.

    With it, when the volume is encrypted, what its type says about how.  Raises VolumeNotFound.
    """
    with ctx.reading():
        row = volumes.visible(ctx, volume_id, 'volume_extension:volume_encryption_metadata')
        settings = volume_type_encryption.settings(ctx, row.volume_type_id)
    return {'encryption_key_id': row.encryption_key_id, **(settings or {})}


def show_one(ctx, volume_id, key):
    """One of these values. Raises VolumeNotFound, VolumeEncryptionNotFound."""
    shown = show(ctx, volume_id)
    if key not in shown:
        raise exceptions.VolumeEncryptionNotFound(volume_id=volume_id, key=key)
    return shown[key]

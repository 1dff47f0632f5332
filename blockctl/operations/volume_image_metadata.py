# SPDX-License-Identifier: Apache-2.0
"""What a volume keeps of the image it was made of: read and changed by those who know."""

from blockctl import exceptions
from blockctl.db import deadlocks
from blockctl.db import volume_changes
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.operations import volumes
from blockctl.states import VOLUME


def read(ctx, volume_id):
    """{key: value}. Raises ImageMetadataNotFound when there is none."""
    with ctx.reading():
        volumes.visible(ctx, volume_id, 'volume_extension:volume_image_metadata:show')
        found = volume_changes.image_metadata(ctx, volume_id)
    if not found:
        raise exceptions.ImageMetadataNotFound(volume_id=volume_id)
    return found


@deadlocks.retried
def add(ctx, volume_id, pairs):
    """Add or overwrite ``pairs``. Returns all of it."""
    with ctx.writing():
        seen = volumes.visible(ctx, volume_id, 'volume_extension:volume_image_metadata:set')
        transition(ctx, VOLUME, volume_id, 'image_metadata', table.c.project_id == seen.project_id)
        volume_changes.set_image_metadata(ctx, volume_id, pairs)
        return volume_changes.image_metadata(ctx, volume_id)


@deadlocks.retried
def remove(ctx, volume_id, key):
    """Remove one key. Raises ImageMetadataNotFound."""
    with ctx.writing():
        seen = volumes.visible(ctx, volume_id, 'volume_extension:volume_image_metadata:remove')
        transition(ctx, VOLUME, volume_id, 'image_metadata', table.c.project_id == seen.project_id)
        if not volume_changes.delete_image_metadata(ctx, volume_id, key):
            raise exceptions.ImageMetadataNotFound(volume_id=volume_id)

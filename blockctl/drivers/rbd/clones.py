# SPDX-License-Identifier: Apache-2.0
"""Clones: images that share what they have not changed with a snapshot of their parent (clone format 2).

The snapshot needs no protection, and may be removed before its clones: librbd keeps it in a trash of the parent, and
takes it away with the last clone.
"""

import contextlib

from blockctl import exceptions
from blockctl.drivers.rbd import images

#: After the name of a new volume: the snapshot of its source that lives while the clone is made.
_SUFFIX = '.clone_snap'


def is_temporary(snapshot_name, template):
    """Whether it is a snapshot made for the making of a clone only."""
    return snapshot_name.endswith(_SUFFIX) and template.gave(snapshot_name.removesuffix(_SUFFIX))


@contextlib.contextmanager
def temporary_snapshot(session, origin, volume, effect):
    """The name of a snapshot of ``origin`` that is there for the ``with`` block.

    A process that is killed in it leaves the snapshot: the one that goes on with the job makes an end of it, and so
    does the removal of the origin.
    """
    name = f'{volume.name}{_SUFFIX}'
    images.take_snapshot(session, origin, name, effect)
    try:
        yield name
    except exceptions.LeaseLost:
        raise
    except Exception:
        with contextlib.suppress(Exception):  # the failure is what counts
            _remove_snapshot(session, origin, name, effect)
        raise
    _remove_snapshot(session, origin, name, effect)


def make(session, source_name, snapshot_name, volume, effect):
    """Have the volume be a clone of the snapshot. It is as large as that; its objects are laid out as the parent's."""
    rbd, ioctx = session.rbd.RBD(), session.ioctx
    images.check(session, effect)
    try:
        rbd.clone(ioctx, source_name, snapshot_name, ioctx, volume.name)
    except session.rbd.ImageExists:
        if _is_complete(session, source_name, snapshot_name, volume.name):
            return
        # Broken off half-way; or made, and flattened since, while its job was not at its end: nobody has used it.
        images.remove(session, volume.name)
        images.check(session, effect)
        rbd.clone(ioctx, source_name, snapshot_name, ioctx, volume.name)


def grow(session, volume, effect):
    """Make a new volume as large as it has to be; nobody uses it yet."""
    with session.image(volume.name) as image:
        if image.size() < volume.size << 30:
            images.check(session, effect)
            image.resize(volume.size << 30, allow_shrink=False)


def depth(session, name):
    """How many parents, one behind the other, an image has."""
    found = 0
    image_id = images.id_of(session, name)
    ioctx = session.ioctx
    # Most have none, and then the header says so much quicker than an open image.
    while image_id and images.header_has(session, image_id, 'parent'):
        try:
            with session.image(None, image_id=image_id, read_only=True) as image:
                image_id = image.parent_id() if image.parent_info()[0] == ioctx.get_pool_name() else None
        except session.rbd.ImageNotFound:
            break  # made independent of its parent meanwhile
        found += 1
    return found


def flatten(session, image, progress):
    """Copy what an image shares with its parent; without a parent is fine."""
    if not _has_parent(session, image):
        return
    try:
        image.flatten(on_progress=progress)
    except session.rbd.InvalidArgument:
        if _has_parent(session, image):
            raise
        # Another client was at it too, and quicker.


def remove_unused_snapshots(session, image_id):
    """Remove the snapshots of an image that are in its trash although their clones are gone: a process was killed
    between the two.
    """
    with session.image(None, image_id=image_id) as image:
        for snap in list(image.list_snaps()):
            if 'trash' in snap and not _clones(session, image_id, snap['id']):
                image.remove_snap_by_id(snap['id'])


def _has_parent(session, image):
    try:
        image.parent_info()
    except session.rbd.ImageNotFound:
        return False
    return True


def _remove_snapshot(session, origin, name, effect):
    images.check(session, effect)
    with contextlib.suppress(session.rbd.ImageNotFound):
        origin.remove_snap(name)


def _is_complete(session, source_name, snapshot_name, name):
    """Whether ``name`` is a clone of the snapshot, or of one by that name that is in the trash.

    The last that librbd does for a clone is to enter it with its parent.
    """
    if images.size_if_complete(session, name) is None:
        return False
    child_id = images.id_of(session, name)
    with session.image(source_name, read_only=True) as source:
        source_id = source.id()
        snap_ids = [snap['id'] for snap in source.list_snaps()
                    if snap.get('trash', {}).get('original_name', snap['name']) == snapshot_name]
    return any(child_id in _clones(session, source_id, snap_id) for snap_id in snap_ids)


def _clones(session, image_id, snap_id):
    """Ids of the clones of a snapshot; none when it is half removed: that begins when they are gone."""
    with session.image(None, image_id=image_id, read_only=True) as image, contextlib.suppress(
            session.rbd.ImageNotFound):
        image.set_snap_by_id(snap_id)
        return {child['id'] for child in image.list_children2()}
    return set()

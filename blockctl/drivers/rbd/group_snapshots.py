# SPDX-License-Identifier: Apache-2.0
"""Snapshots of several images at one moment, by a group of librbd.

librbd stops all writers of the group's images for that moment: it takes the exclusive lock of each, and who writes
waits.  (To take the locks ourselves would not do: their users' writes would fail.)  The snapshots are of a kind of
their own, one of each image, that exist as long as the group; librbd 16 can read them, but makes no clones of them, so
a volume made of one is a copy (doc/adr/0007).  An image can be in one group only: it is in ours for that moment.
"""

import contextlib

from blockctl import exceptions
from blockctl.drivers.rbd import images

_PREFIX = 'blockctl-group-'
_MOMENT = 'moment'


def name_of(group_snapshot_id):
    """The name of the group that holds a group snapshot: the ``provider_id`` of its snapshots."""
    return f'{_PREFIX}{group_snapshot_id}'


def holds(snapshot):
    """Whether a snapshot (of drivers.interface) is one of a group."""
    return (snapshot.provider_id or '').startswith(_PREFIX)


def take(session, name, image_names, effect):
    """Take it. Raises BackendBusy while an image is in another group, whose snapshot is being taken."""
    rbd = session.rbd
    images.check(session, effect)
    with contextlib.suppress(rbd.ObjectExists):
        rbd.RBD().group_create(session.ioctx, name)
    group = rbd.Group(session.ioctx, name)
    if not _is_taken(rbd, group):
        _gather(session, group, name, image_names, effect)
        images.check(session, effect)
        group.create_snap(_MOMENT)
    for entry in list(group.list_images()):
        images.check(session, effect)
        group.remove_image(session.ioctx, entry['name'])


def _is_taken(rbd, group):
    """Whether it is there and whole; one that was broken off is removed."""
    found = [snap for snap in group.list_snaps() if snap['name'] == _MOMENT]
    if not found:
        return False
    if found[0]['state'] == rbd.RBD_GROUP_SNAP_STATE_COMPLETE:
        return True
    group.remove_snap(_MOMENT)
    return False


def _gather(session, group, name, image_names, effect):
    there = {entry['name'] for entry in group.list_images()}
    for image_name in image_names:
        if image_name not in there:
            images.check(session, effect)
            with session.image(image_name, read_only=True) as image:
                other = image.group()['name']
            if other:
                raise exceptions.BackendBusy(reason=f'{image_name} is in the group {other}, and cannot be in {name}')
            group.add_image(session.ioctx, image_name)


def remove(session, name, effect):
    """Remove it with its snapshots; absent is fine."""
    rbd = session.rbd
    images.check(session, effect)
    group = rbd.Group(session.ioctx, name)
    with contextlib.suppress(rbd.ObjectNotFound):
        group.remove_snap(_MOMENT)
    images.check(session, effect)
    with contextlib.suppress(rbd.ObjectNotFound):
        rbd.RBD().group_remove(session.ioctx, name)


@contextlib.contextmanager
def opened(session, snapshot):
    """The image of a snapshot's volume as it was then. Raises NotFoundOnBackend."""
    with session.image(snapshot.volume.name, read_only=True) as image:
        for snap in image.list_snaps():
            if snap.get('group', {}).get('name') == snapshot.provider_id:
                image.set_snap_by_id(snap['id'])
                yield image
                return
    raise exceptions.NotFoundOnBackend(name=f'{snapshot.volume.name} of {snapshot.provider_id}')

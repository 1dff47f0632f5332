# SPDX-License-Identifier: Apache-2.0
"""One image: whether it is there and whole, who uses it, how it gets another name, and how it goes."""

import contextlib
import errno
import time

from blockctl import exceptions
from blockctl.drivers.rbd import errors

#: Seconds between two reports of progress to the job.
PROGRESS_INTERVAL = 1.0


def check(session, effect):
    """Ask whether the job may still act, and act as the client it was claimed with only.

    A job whose client was cut off since would act under an address that no successor knows to fence.  It is put back,
    and claimed again with the new one.
    """
    effect.check()
    if effect.identity != session.address:
        raise exceptions.BackendUnavailable(
            reason=f'the job was claimed with the client {effect.identity}, and this is {session.address}')


def exists(session, object_name):
    """Whether the pool has this object (of any kind)."""
    try:
        session.ioctx.stat(object_name)
    except Exception as error:
        if errors.number_of(error) == errno.ENOENT:
            return False
        raise
    return True


def id_of(session, name):
    """An image's id: its name may change. Opening it to ask costs twenty times more. Raises NotFoundOnBackend."""
    return session.ioctx.read(f'rbd_id.{name}')[4:].decode()  # a string with its length before it


def header_has(session, image_id, prefix):
    """Whether a key of the image's header begins so: 'parent', 'snapshot_'. False when there is no such image."""
    return bool(session.read_omap(f'rbd_header.{image_id}', prefix, 1))


def size_if_complete(session, name):
    """Bytes of an image all of whose parts are there, else None."""
    rbd = session.rbd
    try:
        with session.image(name, read_only=True) as image:
            size, image_id, features = image.size(), image.id(), image.features()
    except rbd.ImageNotFound:
        return None
    parts = ((rbd.RBD_FEATURE_OBJECT_MAP, 'rbd_object_map'), (rbd.RBD_FEATURE_JOURNALING, 'journal'))
    if all(exists(session, f'{part}.{image_id}') for feature, part in parts if features & feature):
        return size
    return None


def users(image):
    """Addresses of the clients that have the image open for writing."""
    return {watcher['addr'] for watcher in image.watchers_list()}


def users_by_id(session, image_id):
    """The same of an image by its id; empty when there is none, or not all of it."""
    try:
        with session.image(None, image_id=image_id, read_only=True) as image:
            return users(image)
    except session.rbd.ImageNotFound:
        return set()


def snapshots(image):
    """Names of its snapshots, without those that were removed and wait in the trash for their clones to go."""
    return [snap['name'] for snap in image.list_snaps() if 'trash' not in snap]


def take_snapshot(session, image, name, effect):
    """Take a snapshot of an open image; taken before is fine.

    librbd enters it in the header first and makes its object map after; one without the map cannot be opened.
    """
    check(session, effect)
    with contextlib.suppress(session.rbd.ImageExists):
        image.create_snap(name)
        return
    if image.features() & session.rbd.RBD_FEATURE_OBJECT_MAP and not exists(
            session, f'rbd_object_map.{image.id()}.{image.snap_get_id(name):016x}'):
        image.remove_snap(name)
        check(session, effect)
        image.create_snap(name)


def remove(session, name, progress=None):
    """Remove an image, whole or in part; absent is fine. librbd says busy for a watcher, not empty for snapshots."""
    with contextlib.suppress(session.rbd.ImageNotFound):
        session.rbd.RBD().remove(session.ioctx, name, on_progress=progress)
        return
    # librbd says so too when it cleared away a remainder, and in a full pool when it failed.
    if exists(session, f'rbd_id.{name}'):
        raise exceptions.BackendFull(reason=f'{name} cannot be removed while the pool is full')


def rename(session, old, new, effect):
    """Rename an image; renamed before is fine. Raises BackendError when both are there, NotFoundOnBackend for none."""
    check(session, effect)
    try:
        session.rbd.RBD().rename(session.ioctx, old, new)
    except session.rbd.ImageNotFound:
        session.image(new, read_only=True).close()  # renamed before, or it is missing
    except session.rbd.ImageExists:
        _finish_rename(session, old, new, effect)


def _finish_rename(session, old, new, effect):
    """Go on with a rename that broke off: librbd links the new name, changes the directory, unlinks the old name."""
    try:
        with session.image(new, read_only=True) as image:
            image_id = image.id()
        with session.image(old, read_only=True) as image:
            same = image.id() == image_id
    except session.rbd.ImageNotFound:
        return  # only the new name is left
    if not same:
        raise exceptions.BackendError(reason=f'{new} is there already')
    listed = {entry['id']: entry['name'] for entry in session.rbd.RBD().list2(session.ioctx)}
    check(session, effect)
    if listed.get(image_id) == new:
        session.ioctx.remove_object(f'rbd_id.{old}')
    else:
        session.ioctx.remove_object(f'rbd_id.{new}')
        session.rbd.RBD().rename(session.ioctx, old, new)


class Progress:
    """librbd's progress callback, for the job: not more often than it needs to know. It must return an int."""

    def __init__(self, effect):
        self._effect = effect
        self._next = 0.0

    def __call__(self, done, total):
        now = time.monotonic()
        if now >= self._next:
            self._next = now + PROGRESS_INTERVAL
            self._effect.progress(done / total if total else 1.0)
        return 0

# SPDX-License-Identifier: Apache-2.0
"""Removing an image by way of the pool's trash, for half of what librbd's own removal costs.

That one opens the image three times, which is most of its CPU time.  Here the image is moved to the trash, and removed
from there at once.  An errand (errands.py) is written down first, with the image's id and its name; so who is killed at
any point leaves either the image by its name, or one in the trash that is found again twice: by the job, which is
repeated under the same name, and by upkeep.py, should no job ever come.

An image that a client makes independent of its parent is left where it is, for upkeep.py to remove when that is over;
and two never remove one image.  librbd 16 ends the process otherwise: to move or remove an image it asks the client
that is at it for the lock, may be handed its work with that, and does not wait for the end of it ("AsyncOpTracker ...
m_pending_ops == 0").
"""

import contextlib
import errno
import time

from blockctl import exceptions
from blockctl.drivers.rbd import errands
from blockctl.drivers.rbd import errors
from blockctl.drivers.rbd import images

#: Seconds that upkeep.py leaves the errand to the job that wrote it down. Both at once would do no harm.
_OWN = 60.0

_FULL = {errno.ENOSPC, errno.EDQUOT}


def remove(session, name, effect, progress=None):
    """Remove an image; whether it is gone. False: something stands in the way, or there is none by that name.

    Nothing has changed then. It may have to wait; if not, librbd's own removal says what it is.
    """
    try:
        image_id = images.id_of(session, name)
    except session.rados.ObjectNotFound:
        return _finish(session, name, effect, progress)
    if images.header_has(session, image_id, 'snapshot_') or not _write_down(session, name, image_id):
        return False
    images.check(session, effect)
    if is_flattened(session, image_id):
        errands.drop(session, errands.PURGE, image_id)
        return False
    try:
        session.rbd.RBD().trash_move(session.ioctx, name, 0)
    except (session.rbd.ImageNotFound, session.rbd.ImageBusy, session.rbd.ReadOnlyImage):
        errands.drop(session, errands.PURGE, image_id)
        return False
    try:
        _remove_from_trash(session, image_id, effect, progress)
    except (session.rbd.ImageBusy, session.rbd.ImageHasSnapshots):
        images.check(session, effect)
        session.rbd.RBD().trash_restore(session.ioctx, image_id, name)
        errands.drop(session, errands.PURGE, image_id)
        return False
    return True


def has_to_wait(session, image_id):
    """Whether it cannot be removed right now, but by upkeep.py later: it has snapshots, or is flattened."""
    return images.header_has(session, image_id, 'snapshot_') or is_flattened(session, image_id)


def is_flattened(session, image_id):
    """Whether a client makes the image independent of its parent, or did when it died.

    What is asked after PURGE was written down stays true: none begins with it then.
    """
    return 'by' in errands.details(session, errands.FLATTEN, image_id)


def leave(session, name, image_id, due):
    """Have upkeep.py remove an image that is flattened, when it is not any more and not before ``due``."""
    errands.add(session, errands.PURGE, image_id, due=due, left=name)


def _write_down(session, name, image_id):
    """Whether that was possible: in a full pool it is not."""
    try:
        errands.add(session, errands.PURGE, image_id, due=time.time() + _OWN, removes=name)
    except session.rados.Error as error:
        if errors.number_of(error) not in _FULL:
            raise
        return False
    return True


def _finish(session, name, effect, progress):
    """Go on with a removal that broke off when the image was in the trash already; whether there was one.

    Raises BackendBusy while another is at it.
    """
    found = [image_id for (kind, image_id), details in errands.read(session, f'{errands.PURGE}/').items()
             if details.get('removes') == name]
    for image_id in found:
        if images.users_by_id(session, image_id):
            raise exceptions.BackendBusy(reason=f'{name} is being removed')
        _remove_from_trash(session, image_id, effect, progress)
    return bool(found)


def _remove_from_trash(session, image_id, effect, progress):
    """Absent is fine: upkeep.py may have been faster."""
    images.check(session, effect)
    with contextlib.suppress(session.rbd.ImageNotFound):
        session.rbd.RBD().trash_remove(session.ioctx, image_id, on_progress=progress)
    errands.forget(session, image_id)

# SPDX-License-Identifier: Apache-2.0
"""What is still to be done to images when no job is about it any more, written down in the pool itself.

Any process that serves the pool may do it (upkeep.py), also after all were restarted.  One object of the pool holds
it: a key ``KIND/IMAGE-ID`` for each, details as JSON.  Ids, for names change; an id is never given twice.
"""

import contextlib
import json

OBJECT = 'blockctl_errands'

#: Of librados: the one that has the lock takes it again, for longer.
_MAY_RENEW = 1

#: Make the image independent of its parent. ``by``: the address of the client that is at it.
FLATTEN = 'flatten'
#: Remove the image from the trash as soon as it has no clones. ``due``: not before (seconds since 1970).
#: ``removes``: the name of a volume whose job is at that itself, and does it long before that (removal.py).
#: ``left``: the name by which it is in the pool still, not in the trash; nobody is to see it there any more.
PURGE = 'purge'


def add(session, kind, image_id, **details):
    """Write an errand down; again is the same as once, with the details of the last time."""
    with session.rados.WriteOpCtx() as operation:
        session.ioctx.set_omap(operation, (f'{kind}/{image_id}',), (json.dumps(details).encode(),))
        session.ioctx.operate_write_op(operation, OBJECT)


def drop(session, kind, image_id):
    """It is done, or of no use any more."""
    with session.rados.WriteOpCtx() as operation:
        session.ioctx.remove_omap_keys(operation, (f'{kind}/{image_id}',))
        session.ioctx.operate_write_op(operation, OBJECT)


def forget(session, image_id):
    """The image is gone, and with it all there was to do."""
    with session.rados.WriteOpCtx() as operation:
        session.ioctx.remove_omap_keys(operation, tuple(f'{kind}/{image_id}' for kind in (PURGE, FLATTEN)))
        session.ioctx.operate_write_op(operation, OBJECT)


def details(session, kind, image_id):
    """Details of one; empty when there is none."""
    return read(session, f'{kind}/{image_id}').get((kind, image_id), {})


def read(session, prefix=''):
    """{(kind, image id): details}, of all whose key begins with ``prefix``."""
    return {tuple(key.split('/', 1)): json.loads(value) for key, value in session.read_omap(OBJECT, prefix)}


def left(session):
    """Ids of the images that are gone for all but upkeep.py, though the pool lists them by their names."""
    return {image_id for (_, image_id), details in read(session, f'{PURGE}/').items() if 'left' in details}


def take_turn(session, kind, who, seconds):
    """Be the only one that does errands of the kind for so long, or for longer; whether that is so."""
    try:
        session.ioctx.lock_exclusive(OBJECT, kind, who, desc=session.address, duration=seconds, flags=_MAY_RENEW)
    except (session.rados.ObjectBusy, session.rados.ObjectExists):
        return False
    return True


def end_turn(session, kind, who):
    with contextlib.suppress(session.rados.ObjectNotFound):  # it ran out
        session.ioctx.unlock(OBJECT, kind, who)

# SPDX-License-Identifier: Apache-2.0
"""What is still to be done to images when no job is about it any more, written down in the pool itself.

Any process that serves the pool may do it (upkeep.py), also after all were restarted.  One object of the pool holds
it: a key ``KIND/IMAGE-ID`` for each, details as JSON.  Ids, for names change; an id is never given twice.
"""

import json

OBJECT = 'blockctl_errands'

#: Make the image independent of its parent. ``by``: the address of the client that is at it.
FLATTEN = 'flatten'
#: Remove the image from the trash as soon as it has no clones. ``due``: not before (seconds since 1970).
#: ``removes``: the name of a volume whose job is at that itself, and does it long before that (removal.py).
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

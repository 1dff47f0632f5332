# SPDX-License-Identifier: Apache-2.0
"""The key of an encrypted volume: made and removed by the jobs that make and remove the volume (doc/adr/0009).

A job that is about to make a key says so first, in its step.  Whoever takes it over there looks for a key by the
volume's name before it makes one, so what a killed worker has made is found, and used or removed.  Only the id is ever
stored; the key itself stays in the key manager, and in keys/ for as long as a header is made with it.
"""

import contextlib

from blockctl import encryption
from blockctl import exceptions
from blockctl.db import volume_changes
from blockctl.db import volume_type_encryption
from blockctl.db import volumes

#: The job's step while a key of its volume may be there that no row names.
MAKING = 'key'


def settings(ctx, volume):
    """How the volume is encrypted (settings of encryption.py), or None. Raises InvalidRequest for what cannot be.

    ``volume``: a row of db.volume_lists.
    """
    if not volume.encrypted:
        return None
    with ctx.reading():
        found = volume_type_encryption.settings(ctx, volume.volume_type_id)
    try:
        encryption.plan(found)
    except ValueError as error:
        raise exceptions.InvalidRequest(reason=f'the type of volume {volume.id}: {error}') from None
    return found


def make(work, volume, wanted, source_id=None):
    """The id of the volume's key, which it has afterwards; it may have had it before.

    ``source_id``: the encrypted volume it is made of, whose data its key opens.
    """
    if volume.encryption_key_id is not None:
        return volume.encryption_key_id
    keys, owner = work.ctx.app.keys, volume.project_id
    found = keys.named(owner, _name(volume.id)) if work.job.step == MAKING else []
    if work.job.step != MAKING:
        with work.ctx.writing():
            work.advance(step=MAKING)
    for superfluous in found[1:]:
        keys.delete(owner, superfluous)
    work.lease.enter(0)  # a step of its own: it may take as long as the key manager may
    work.lease.check()
    work.point('volume.create.volume.before_key')
    try:
        key_id = found[0] if found else _obtain(work, volume, wanted, source_id)
    except (exceptions.KeyRefused, exceptions.ConfigurationError):
        with work.ctx.writing():
            work.advance(step=None)  # none was made: the undo need not look for one
        raise
    work.point('volume.create.volume.key_made')
    try:
        with work.ctx.writing():
            volume_changes.set_key(work.ctx, volume.id, key_id)
            work.advance(step=None)
    except exceptions.LeaseLost:
        # Another worker makes the volume, and may have looked for keys before this one was there; or it has found it.
        with contextlib.suppress(exceptions.KeyManagerUnavailable, exceptions.KeyRefused):
            _remove_unless_named(work, volume.id, owner, key_id)
        raise
    return key_id


def _obtain(work, volume, wanted, source_id):
    """The id of a new key, or copy of that of the source."""
    keys, owner, name = work.ctx.app.keys, volume.project_id, _name(volume.id)
    if source_id is None:
        return keys.make(owner, name, wanted)
    with work.ctx.reading():
        source = volumes.get(work.ctx, source_id)
    try:
        return keys.copy(source.project_id, source.encryption_key_id, owner, name)
    except exceptions.KeyNotFound:
        with work.ctx.reading():
            now = volume_changes.key_of(work.ctx, source_id)
        if now == source.encryption_key_id:
            raise
    return _obtain(work, volume, wanted, source_id)  # it was given to another project just then, and has another key


def remove(work, volume, unnamed):
    """Remove the key of a volume that is not there any more. May be repeated.

    ``unnamed``: it may have one though its row names none.
    """
    keys, owner, key_id = work.ctx.app.keys, volume.project_id, volume.encryption_key_id
    found = [key_id] if key_id is not None else keys.named(owner, _name(volume.id)) if unnamed else []
    for each in found:
        keys.delete(owner, each)


def _name(volume_id):
    return f'volume-{volume_id}'


def _remove_unless_named(work, volume_id, owner, key_id):
    with work.ctx.reading():
        named = volume_changes.key_of(work.ctx, volume_id)
    if named != key_id:
        work.ctx.app.keys.delete(owner, key_id)

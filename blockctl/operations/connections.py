# SPDX-License-Identifier: Apache-2.0
"""Attaching as it was done before there were attachments: reserve, connect, attach; then all of that backwards.

These keep no record of who has reserved a volume, so its state says it: 'attaching' and 'detaching'.
"""

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import attachments
from blockctl.db import deadlocks
from blockctl.db import volume_changes
from blockctl.db import volumes as db_volumes
from blockctl.db.columns import utcnow
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.flows import attachment_connect
from blockctl.flows import notifications
from blockctl.operations import attachments as operations
from blockctl.operations import server_use
from blockctl.operations import volumes
from blockctl.states import VOLUME


@deadlocks.retried
def reserve(ctx, volume_id):
    """Note that a server is about to have the volume. Raises InvalidState."""
    with ctx.writing():
        seen = volumes.visible(ctx, volume_id, 'volume_extension:volume_actions:reserve')
        volume = db_volumes.lock(ctx, volume_id, seen.project_id)
        shared = volume.multiattach and _may(volume, 'reserve.share')
        transition(ctx, VOLUME, volume_id, 'reserve.share' if shared else 'reserve')


def unreserve(ctx, volume_id):
    """Take :func:`reserve` back. Of what is not reserved so, nothing changes."""
    _take_back(ctx, volume_id, 'volume_extension:volume_actions:unreserve', 'unreserve')


@deadlocks.retried
def begin_detaching(ctx, volume_id):
    """Note that a server is about to let the volume go. Raises InvalidState."""
    with ctx.writing():
        seen = volumes.visible(ctx, volume_id, 'volume_extension:volume_actions:begin_detaching')
        transition(ctx, VOLUME, volume_id, 'begin_detaching', table.c.attach_status == 'attached',
                   table.c.project_id == seen.project_id)


def roll_detaching(ctx, volume_id):
    """Take :func:`begin_detaching` back. Of what is not detaching, nothing changes."""
    _take_back(ctx, volume_id, 'volume_extension:volume_actions:roll_detaching', 'roll_detaching')


@deadlocks.retried
def _take_back(ctx, volume_id, rule, event):
    with ctx.writing():
        seen = volumes.visible(ctx, volume_id, rule)
        volume = db_volumes.lock(ctx, volume_id, seen.project_id)
        if _may(volume, event):
            transition(ctx, VOLUME, volume_id, event)
            attachments.settle(ctx, volume)


def _may(volume, event):
    return volume.status in VOLUME.moves[event].sources


def attach(ctx, volume_id, mountpoint, mode, instance_id=None, host=None):
    """Note that a server, or a host, has the volume. Repeating it changes nothing.

    Raises InvalidState; AlreadyAttached when another has it and its type allows one only; InvalidAttachMode for writing
    to what can only be read.
    """
    volume = _attach(ctx, volume_id, mountpoint, mode, instance_id, host)
    if volume is not None:
        notifications.volume(ctx, volume, 'attach.start')
        notifications.volume(ctx, volume, 'attach.end')


@deadlocks.retried
def _attach(ctx, volume_id, mountpoint, mode, instance_id, host):
    """The volume's row as it was; None: it was attached before."""
    with ctx.writing():
        seen = volumes.visible(ctx, volume_id, 'volume_extension:volume_actions:attach')
        volume = db_volumes.lock(ctx, volume_id, seen.project_id)
        notes = attachments.notes(ctx, volume_id)
        rows = [row for row in attachments.of_volume(ctx, volume_id) if row.attach_status == 'attached']
        again = any(row.instance_id == instance_id if instance_id else row.attached_host == host for row in rows)
        transition(ctx, VOLUME, volume_id, 'attach.legacy')
        if rows and not again and not volume.multiattach:
            raise exceptions.AlreadyAttached(volume_id=volume_id)
        if not again:
            if mode == attachment_connect.READ_WRITE and notes.get('readonly') == 'True':
                raise exceptions.InvalidAttachMode(mode=mode, volume_id=volume_id)
            attachments.insert(
                ctx, id=uuidutils.generate_uuid(), volume_id=volume_id, project_id=volume.project_id,
                instance_id=instance_id, attached_host=host, mountpoint=mountpoint, attach_mode=mode,
                attach_status='attached', attach_time=utcnow())
            volume_changes.set_note(ctx, volume_id, 'attached_mode', mode)
            volume_changes.set_note(ctx, volume_id, 'readonly', notes.get('readonly', 'False'))
        attachments.settle(ctx, volume)
    return None if again else volume


def detach(ctx, volume_id, attachment_id=None):
    """Note that a server has the volume no more. ``attachment_id``: which one; None: the only one there is, if any.

    Raises UsedByServer when its server has it and this is no service that asks; InvalidState; WhichAttachment.
    """
    _detach(ctx, volume_id, attachment_id, 'volume_extension:volume_actions:detach')


def force_detach(ctx, volume_id, attachment_id=None, connector=None):
    """The same, by an administrator's word: the connection of a host (``connector``) is taken back first."""
    _detach(ctx, volume_id, attachment_id, 'volume_extension:volume_admin_actions:force_detach', connector)


def _detach(ctx, volume_id, attachment_id, rule, connector=None):
    with ctx.reading():
        volume = volumes.visible(ctx, volume_id, rule)
        rows = server_use.meant(ctx, volume_id, attachment_id)
    server_use.must_be_unused(ctx, volume_id, rows)
    if len(rows) > 1:
        raise exceptions.WhichAttachment(volume_id=volume_id)
    _check_detach(ctx, volume, settle=not rows)
    if connector is not None:
        attachment_connect.terminate(ctx, volume, connector)
    for row in rows:
        operations.remove(ctx, volume_id, row.id)


@deadlocks.retried
def _check_detach(ctx, seen, settle):
    """Raise InvalidState unless it can be detached; ``settle``: what is only said to be attached is so no more."""
    with ctx.writing():
        volume = db_volumes.lock(ctx, seen.id, seen.project_id)
        transition(ctx, VOLUME, volume.id, 'detach.legacy')
        if settle and _may(volume, 'detach.unsaid'):
            transition(ctx, VOLUME, volume.id, 'detach.unsaid')
            attachments.settle(ctx, volume)


def initialize(ctx, volume_id, connector):
    """Connect a host. Returns os-brick's information. Raises InvalidState, ConnectionFailed, StillUnderWay."""
    with ctx.reading():
        volume = volumes.visible(ctx, volume_id, 'volume_extension:volume_actions:initialize_connection')
    return attachment_connect.initialize(ctx, volume, connector)


def terminate(ctx, volume_id, connector):
    """Take the connection of a host back, or of all (None). Raises UsedByServer, ConnectionFailed, StillUnderWay."""
    with ctx.reading():
        volume = volumes.visible(ctx, volume_id, 'volume_extension:volume_actions:terminate_connection')
        rows = attachments.of_volume(ctx, volume_id)
    server_use.must_be_unused(ctx, volume_id, rows)
    attachment_connect.terminate(ctx, volume, connector)

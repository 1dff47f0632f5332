# SPDX-License-Identifier: Apache-2.0
"""An administrator's word about a volume: what its status is, and that it goes whatever its status is."""

from blockctl import exceptions
from blockctl.db import attachments
from blockctl.db import deadlocks
from blockctl.db import jobs
from blockctl.db import snapshots
from blockctl.db import volume_changes
from blockctl.db import volumes as db_volumes
from blockctl.db.tables import volumes as table
from blockctl.db.transition import reset as set_status
from blockctl.flows import notifications
from blockctl.flows import volume_delete
from blockctl.flows import work_fence
from blockctl.operations import volumes
from blockctl.states import VOLUME

_ATTACH_STATES = ('attached', 'detached')
_MIGRATION_STATES = ('migrating', 'error', 'success', 'completing', 'none', 'starting')


def reset(ctx, volume_id, status=None, attach_status=None, migration_status=None):
    """Set what is given. Work that is under way on the volume ends where it is: what it took is returned.

    ``attach_status`` 'detached' ends all attachments; the volume is then available, unless ``status`` says otherwise.
    Raises InvalidField for values there are not, InvalidRequest for 'in-use' without an attachment, and ResourceBusy
    when another request is faster.
    """
    _check(status, attach_status, migration_status)
    row = _reset(ctx, volume_id, status, attach_status, migration_status)
    for event in ('reset_status.start', 'reset_status.end'):
        notifications.volume(ctx, row, event)


@deadlocks.retried
def _reset(ctx, volume_id, status, attach_status, migration_status):
    """The row as it was."""
    with ctx.writing():
        row = volumes.visible(ctx, volume_id, 'volume_extension:volume_admin_actions:reset_status')
        attached = attachments.of_volume(ctx, volume_id)
        if status == 'in-use' and not attached:
            raise exceptions.InvalidRequest(reason='status: a volume without attachments cannot be in-use')
        if attach_status == 'detached' and attached:
            status = status or 'available'
        values = {}
        if attach_status is not None:
            values['attach_status'] = attach_status
        if migration_status is not None:
            values['migration_status'] = None if migration_status == 'none' else migration_status
        unchanged = []
        if status is not None:
            # Usage and pools are locked before rows: had the row changed since it was read, this would be wrong.
            db_volumes.take_back_growth(ctx, row)
            unchanged = [table.c.size == row.size, table.c.growth == 0]
        if not set_status(ctx, VOLUME, volume_id, status, *unchanged, **values):
            raise exceptions.ResourceBusy(resource='volume', id=volume_id)
        if attach_status == 'detached':
            _forget_attachments(ctx, volume_id)
        if status is not None:
            work_fence.end_work(ctx, volume_id, row.host)
            snapshots.leave(ctx, volume_id)
    return row


def _forget_attachments(ctx, volume_id):
    """Remove them, and end what is under way on them."""
    for attachment in attachments.of_volume(ctx, volume_id):
        attachments.remove(ctx, attachment)
        jobs.supersede(ctx, attachment.id)
    volume_changes.delete_note(ctx, volume_id, 'attached_mode')


def _check(status, attach_status, migration_status):
    if (status, attach_status, migration_status) == (None, None, None):
        raise exceptions.InvalidRequest(
            reason="One of 'status', 'attach_status' and 'migration_status' has to be given.")
    for name, value, allowed in (('status', status, VOLUME.settable), ('attach_status', attach_status, _ATTACH_STATES),
                                 ('migration_status', migration_status, _MIGRATION_STATES)):
        if value is not None and value not in allowed:
            raise exceptions.InvalidField(field=name, value=value, reason=f'It must be one of {", ".join(allowed)}.')


def force_delete(ctx, volume_id):
    """Accept that a volume goes, whatever its status is, unless it is attached or migrates."""
    with ctx.reading():
        row = volumes.visible(ctx, volume_id, 'volume_extension:volume_admin_actions:force_delete')
    volume_delete.delete_volume(ctx, row, force=True)

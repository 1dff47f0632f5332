# SPDX-License-Identifier: Apache-2.0
"""What can be done with volumes. Creating one is in volume_create.py."""

from blockctl import exceptions
from blockctl.db import deadlocks
from blockctl.db import volume_changes
from blockctl.db import volume_lists
from blockctl.db import volumes as db_volumes
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.flows import notifications
from blockctl.flows import volume_delete
from blockctl.operations import backends
from blockctl.states import VOLUME

SORTS = frozenset(volume_lists.SORTS)


def show(ctx, volume_id):
    """(row, related) of a volume the caller may see. Another project's is not there: VolumeNotFound."""
    with ctx.reading():
        row = visible(ctx, volume_id, 'volume:get')
        return row, volume_lists.related(ctx, [row])


def visible(ctx, volume_id, rule):
    """The row, in the caller's transaction, when the caller may do ``rule`` to it.

    Raises VolumeNotFound, also for another project's (that it exists is nobody's business), NotAuthorized, or
    BackendIsFrozen for what would change it on storage that an administrator has frozen.
    """
    if not (volume_id.isascii() and len(volume_id) <= 36):
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    row = volume_lists.get(ctx, volume_id)
    if row.project_id != ctx.project_id and not ctx.is_admin:
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    ctx.must(rule, row)
    backends.must_be_thawed(ctx, rule, row.host)
    return row


def find(ctx, page, filters, all_tenants=False, details=False):
    """(Found, related) of the caller's project, or of all; ``related`` is None without ``details``.

    ``filters``: {name: Wanted}; a project_id among them counts with ``all_tenants`` only.
    """
    ctx.must('volume:get_all')
    if not all_tenants:
        filters = {name: wanted for name, wanted in filters.items() if name != 'project_id'}
    with ctx.reading():
        found = volume_lists.page(ctx, None if all_tenants else ctx.project_id, filters, page)
        return found, volume_lists.related(ctx, found.rows) if details else None


def summarize(ctx, all_tenants=False, with_metadata=False):
    """(number, GiB, {key: [values]} or None) of the volumes of the caller's project, or of all."""
    ctx.must('volume:get_all')
    project_id = None if all_tenants else ctx.project_id
    with ctx.reading():
        count, size = volume_lists.totals(ctx, project_id)
        return count, size, volume_lists.all_metadata(ctx, project_id) if with_metadata else None


def update(ctx, volume_id, values, metadata=None):
    """Change name, description and, when given, all metadata. Returns (row, related)."""
    with ctx.reading():
        row = visible(ctx, volume_id, 'volume:update')
    notifications.volume(ctx, row, 'update.start')
    row, related = _change(ctx, row, values, metadata)
    notifications.volume(ctx, row, 'update.end')
    return row, related


@deadlocks.retried
def _change(ctx, seen, values, metadata):
    with ctx.writing():
        db_volumes.lock(ctx, seen.id, seen.project_id)
        if values:
            volume_changes.describe(ctx, seen.id, **values)
        if metadata is not None:
            volume_changes.set_metadata(ctx, seen.id, metadata, replace=True)
        row = volume_lists.get(ctx, seen.id)
        return row, volume_lists.related(ctx, [row])


def delete(ctx, volume_id, force=False, cascade=False):
    """Accept that a volume goes. Raises VolumeNotFound, NotAuthorized, InvalidState.

    ``force``: whatever its status is; that is a right of its own.  ``cascade``: with its snapshots.
    """
    with ctx.reading():
        row = visible(ctx, volume_id, 'volume:delete')
    if force:
        ctx.must('volume:force_delete', row)
    volume_delete.delete_volume(ctx, row, force, cascade)


def set_bootable(ctx, volume_id, bootable):
    """Say whether a server can be started from the volume."""
    with ctx.writing():
        seen = visible(ctx, volume_id, 'volume:update')
        db_volumes.lock(ctx, volume_id, seen.project_id)
        volume_changes.describe(ctx, volume_id, bootable=bootable)


@deadlocks.retried
def set_readonly(ctx, volume_id, readonly):
    """Say that servers may only read the volume, from their next attachment on. Raises InvalidState."""
    with ctx.writing():
        seen = visible(ctx, volume_id, 'volume:update_readonly_flag')
        transition(ctx, VOLUME, volume_id, 'readonly', table.c.project_id == seen.project_id)
        volume_changes.set_note(ctx, volume_id, 'readonly', str(readonly))

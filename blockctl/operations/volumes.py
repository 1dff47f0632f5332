# SPDX-License-Identifier: Apache-2.0
"""What can be done with volumes."""

from blockctl import exceptions
from blockctl.db import volume_lists
from blockctl.db.tables import volumes as table

SORTS = frozenset(volume_lists.SORTS)


def show(ctx, volume_id):
    """(row, related) of a volume the caller may see. Another project's is not there: VolumeNotFound."""
    with ctx.reading():
        row = visible(ctx, volume_id, 'volume:get')
        return row, volume_lists.related(ctx, [row])


def visible(ctx, volume_id, rule):
    """The row, in the caller's transaction, when the caller may do ``rule`` to it."""
    if not (volume_id.isascii() and len(volume_id) <= 36):
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    row = volume_lists.get(ctx, volume_id)
    if row.project_id != ctx.project_id and not ctx.is_admin:
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    ctx.must(rule, row)
    return row


def find(ctx, page, details):
    """(Found, related)."""
    ctx.must('volume:get_all')
    with ctx.reading():
        found = volume_lists.page(ctx, [table.c.project_id == ctx.project_id], page)
        return found, volume_lists.related(ctx, found.rows) if details else None


def create(ctx, wanted):
    raise exceptions.InvalidRequest(reason='not yet')

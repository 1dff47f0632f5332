# SPDX-License-Identifier: Apache-2.0
"""What can be done with user messages."""

from blockctl import exceptions
from blockctl.db import messages

SORTS = frozenset(messages.SORTS)


def find(ctx, page, filters):
    """Found: the project's messages; for administrators those of all projects."""
    ctx.must('message:get_all')
    with ctx.reading():
        return messages.page(ctx, None if ctx.is_admin else ctx.project_id, filters, page)


def show(ctx, message_id):
    """The row. Raises MessageNotFound, also for another project's."""
    with ctx.reading():
        return _visible(ctx, message_id, 'message:get')


def delete(ctx, message_id):
    """Remove a message. Raises MessageNotFound, also for another project's."""
    with ctx.writing():
        _visible(ctx, message_id, 'message:delete')
        messages.delete(ctx, message_id)


def _visible(ctx, message_id, rule):
    if not (message_id.isascii() and len(message_id) <= 36):
        raise exceptions.MessageNotFound(message_id=message_id)
    row = messages.get(ctx, message_id)
    if row.project_id != ctx.project_id and not ctx.is_admin:
        raise exceptions.MessageNotFound(message_id=message_id)
    ctx.must(rule, row)
    return row

# SPDX-License-Identifier: Apache-2.0
"""Attachments: which server has, or is to have, a volume. What a volume's status is follows from them (:func:`settle`).

Whoever changes one holds the volume's row first (volumes.lock): volume, then attachment, then job.
"""

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import conditions
from blockctl.db import pages
from blockctl.db import pairs
from blockctl.db import volume_changes
from blockctl.db.columns import utcnow
from blockctl.db.tables import attachments
from blockctl.db.tables import volume_admin_metadata
from blockctl.db.transition import transition
from blockctl.states import VOLUME

#: The volume's event, by the first of these states that one of its attachments has.
_EVENTS = {
    'attached': 'attachments.attached',
    'attaching': 'attachments.attaching',
    'detaching': 'attachments.detaching',
    'reserved': 'attachments.reserved',
    'detached': 'attachments.detached',
}

#: What a list can be sorted by, and filtered by (api/filters.py says who may).
SORTS = {name: attachments.c[name] for name in (
    'id', 'volume_id', 'instance_id', 'attached_host', 'mountpoint', 'attach_status', 'attach_mode', 'attach_time',
    'created_at', 'updated_at')}

FILTERS = {name: attachments.c[name] for name in (
    'id', 'volume_id', 'instance_id', 'attached_host', 'mountpoint', 'attach_status', 'attach_mode', 'project_id')} | {
    'status': attachments.c.attach_status}

_DEFAULT = (('created_at', 'desc'), ('id', 'desc'))
_OLDEST_FIRST = (attachments.c.created_at, attachments.c.id)

_ALL = sa.select(attachments)
_ONE = _ALL.where(attachments.c.id == sa.bindparam('attachment_id'))
_BRIEF = _ONE.with_only_columns(*(attachments.c[name] for name in ('id', 'volume_id', 'project_id', 'instance_id')))
_OF_VOLUME = _ALL.where(attachments.c.volume_id == sa.bindparam('volume_id')).order_by(*_OLDEST_FIRST)
_STATES = sa.select(attachments.c.attach_status).where(attachments.c.volume_id == sa.bindparam('volume_id'))
_INSERT = sa.insert(attachments).values(created_at=utcnow())
_REMOVE = sa.delete(attachments).where(attachments.c.id == sa.bindparam('attachment_id'))


def get(ctx, attachment_id):
    """The row. Raises AttachmentNotFound."""
    row = find(ctx, attachment_id)
    if row is None:
        raise exceptions.AttachmentNotFound(attachment_id=attachment_id)
    return row


def find(ctx, attachment_id):
    """The row, or None."""
    return ctx.conn.execute(_ONE, {'attachment_id': attachment_id}).first()


def brief(ctx, attachment_id):
    """Its id, volume_id, project_id and instance_id, or None."""
    return ctx.conn.execute(_BRIEF, {'attachment_id': attachment_id}).first()


def of_volume(ctx, volume_id):
    """All of a volume, oldest first."""
    return ctx.conn.execute(_OF_VOLUME, {'volume_id': volume_id}).all()


def page(ctx, project_id, filters, wanted):
    """The Found page of the attachments of a project's volumes (None: of all) that meet ``filters``."""
    visible = [attachments.c.project_id == project_id] if project_id is not None else []
    return pages.fetch(ctx, _ALL, visible, conditions.build(FILTERS, filters), wanted, SORTS, _DEFAULT,
                       lambda: exceptions.AttachmentNotFound(attachment_id=wanted.marker))


def insert(ctx, **values):
    """Store a new attachment. The caller has the volume locked."""
    now = {name: value for name, value in values.items() if isinstance(value, utcnow)}
    ctx.conn.execute(_INSERT.values(now) if now else _INSERT,
                     {name: value for name, value in values.items() if name not in now})


def remove(ctx, row):
    """Remove an attachment. The caller has the volume locked."""
    ctx.conn.execute(_REMOVE, {'attachment_id': row.id})
    if row.connection_info is None:  # of old: its mode is a note of the volume
        volume_changes.delete_note(ctx, row.volume_id, 'attached_mode')


def settle(ctx, volume, found=None):
    """Have the volume's status follow from its attachments. ``volume``: the row as volumes.lock gave it.

    ``found``: the states that they have, where the caller knows.  Work that is under way on the volume keeps its own
    status, and looks at the attachments when it ends.
    """
    if found is None:
        found = set(ctx.conn.execute(_STATES, {'volume_id': volume.id}).scalars())
    strongest = next(status for status in _EVENTS if status in found or status == 'detached')
    event = _EVENTS[strongest]
    if volume.status not in VOLUME.moves[event].sources:
        event = 'attachments.apart'
    transition(ctx, VOLUME, volume.id, event, attach_status=strongest)


def notes(ctx, volume_id):
    """{key: value} of what administrators and the attaching of old noted: readonly, attached_mode."""
    return pairs.read(ctx, volume_admin_metadata.c.volume_id, volume_id)


def shown_with(ctx, volume_ids):
    """{volume id: [rows]} of the attachments that are shown with volumes: the complete ones, oldest first."""
    found = {}
    statement = _ALL.where(attachments.c.volume_id.in_(volume_ids), attachments.c.attach_status == 'attached')
    for row in ctx.conn.execute(statement.order_by(*_OLDEST_FIRST)):
        found.setdefault(row.volume_id, []).append(row)
    return found

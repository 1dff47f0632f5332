# SPDX-License-Identifier: Apache-2.0
"""User messages: what a tenant is told about work that failed after its request was answered."""

import sqlalchemy as sa
from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import conditions
from blockctl.db import pages
from blockctl.db.columns import utcnow
from blockctl.db.tables import messages


def write(ctx, job, resource_type, event_id, text, resource_id=None):
    """Store a message of level ERROR for the job's project, in the transaction that settles the failure.

    ``resource_id``: of what it is about, where that is not the job's own.
    ``text`` is for the tenant: no pool, host or backend names (DESIGN.md section 6).
    """
    ctx.conn.execute(sa.insert(messages).values(
        id=uuidutils.generate_uuid(), project_id=job.project_id, request_id=job.request_id,
        resource_type=resource_type, resource_id=resource_id or job.resource_id, event_id=event_id,
        message_level='ERROR', user_message=text[:1024], guaranteed_until=utcnow(ctx.conf.message_ttl),
        created_at=utcnow()))


#: What a list can be sorted by, and filtered by; the wire calls the resource's id resource_uuid.
SORTS = {name: messages.c[name] for name in (
    'id', 'created_at', 'updated_at', 'event_id', 'message_level', 'request_id', 'resource_type', 'project_id',
    'guaranteed_until')} | {'resource_uuid': messages.c.resource_id}

_FILTERS = {name: SORTS[name] for name in (
    'id', 'event_id', 'message_level', 'request_id', 'resource_type', 'resource_uuid')}

_DEFAULT = (('created_at', 'desc'), ('id', 'desc'))


def get(ctx, message_id):
    """The row. Raises MessageNotFound."""
    row = ctx.conn.execute(sa.select(messages).where(messages.c.id == message_id)).first()
    if row is None:
        raise exceptions.MessageNotFound(message_id=message_id)
    return row


def page(ctx, project_id, filters, page):
    """The Found page of a project's messages (None: of all projects') that meet ``filters`` ({name: Wanted})."""
    visible = [] if project_id is None else [messages.c.project_id == project_id]
    return pages.fetch(ctx, sa.select(messages), visible, conditions.build(_FILTERS, filters), page, SORTS, _DEFAULT,
                       lambda: exceptions.MessageNotFound(message_id=page.marker))


def purge_expired(ctx, limit):
    """Remove up to ``limit`` messages that are past their time (message_ttl). Returns how many it removed."""
    ids = list(ctx.conn.execute(
        sa.select(messages.c.id).where(messages.c.guaranteed_until < utcnow()).limit(limit)).scalars())
    if ids:
        ctx.conn.execute(sa.delete(messages).where(messages.c.id.in_(ids)))
    return len(ids)


def delete(ctx, message_id):
    """Remove a message. Raises MessageNotFound."""
    if ctx.conn.execute(sa.delete(messages).where(messages.c.id == message_id)).rowcount == 0:
        raise exceptions.MessageNotFound(message_id=message_id)

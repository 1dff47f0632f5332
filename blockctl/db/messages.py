# SPDX-License-Identifier: Apache-2.0
"""User messages: what a tenant is told about work that failed after its request was answered."""

import sqlalchemy as sa
from oslo_utils import uuidutils

from blockctl.db.columns import utcnow
from blockctl.db.tables import messages


def write(ctx, job, resource_type, event_id, text):
    """Store a message of level ERROR for the job's project, in the transaction that settles the failure.

    ``text`` is for the tenant: no pool, host or backend names (DESIGN.md section 6).
    """
    ctx.conn.execute(sa.insert(messages).values(
        id=uuidutils.generate_uuid(), project_id=job.project_id, request_id=job.request_id,
        resource_type=resource_type, resource_id=job.resource_id, event_id=event_id, message_level='ERROR',
        user_message=text[:1024], guaranteed_until=utcnow(ctx.conf.message_ttl), created_at=utcnow()))

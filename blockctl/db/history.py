# SPDX-License-Identifier: Apache-2.0
"""One narrow line for each row that is gone, for audit and usage reports."""

import sqlalchemy as sa

from blockctl.db.columns import utcnow
from blockctl.db.tables import history


_WRITE = sa.insert(history).values(deleted_at=utcnow())


def write(ctx, resource_type, row):
    """Note that ``row`` goes, in the transaction that removes it."""
    ctx.conn.execute(_WRITE, {
        'resource_type': resource_type, 'resource_id': row.id, 'project_id': row.project_id, 'size': row.size,
        'volume_type_id': row.volume_type_id, 'host': row.host, 'created_at': row.created_at})


def purge(ctx, older_than, limit):
    """Remove up to ``limit`` lines of what went more than ``older_than`` seconds ago. Returns how many it removed."""
    numbers = list(ctx.conn.execute(
        sa.select(history.c.number).where(history.c.deleted_at < utcnow(-older_than)).limit(limit)).scalars())
    if numbers:
        ctx.conn.execute(sa.delete(history).where(history.c.number.in_(numbers)))
    return len(numbers)

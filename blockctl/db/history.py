# SPDX-License-Identifier: Apache-2.0
"""One narrow line for each row that is gone, for audit and usage reports."""

import sqlalchemy as sa

from blockctl.db.columns import utcnow
from blockctl.db.tables import history


def write(ctx, resource_type, row):
    """Note that ``row`` goes, in the transaction that removes it."""
    ctx.conn.execute(sa.insert(history).values(
        resource_type=resource_type, resource_id=row.id, project_id=row.project_id, size=row.size,
        volume_type_id=row.volume_type_id, host=row.host, created_at=row.created_at, deleted_at=utcnow()))

# SPDX-License-Identifier: Apache-2.0
"""What a job found out for the request that waits for it. Read once; db/tables.py says why it is no part of the job."""

import sqlalchemy as sa

from blockctl.db.columns import utcnow
from blockctl.db.tables import answers

#: Seconds after which nobody can be waiting any more.
STALE = 3600


def give(ctx, job_id, answer):
    """Leave the answer (JSON) in the transaction that ends the job."""
    ctx.conn.execute(sa.insert(answers).values(job_id=job_id, answer=answer, created_at=utcnow()))


def take(ctx, job_id):
    """The answer, which is gone then; None when there is none."""
    row = ctx.conn.execute(sa.select(answers.c.answer).where(answers.c.job_id == job_id)).first()
    if row is None:
        return None
    ctx.conn.execute(sa.delete(answers).where(answers.c.job_id == job_id))
    return row.answer


def forget_stale(ctx):
    """Remove what nobody came for."""
    ctx.conn.execute(sa.delete(answers).where(answers.c.created_at < utcnow(-STALE)))

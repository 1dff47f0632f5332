# SPDX-License-Identifier: Apache-2.0
"""Holds: what a job of another resource reads (a clone its source) must not change or go meanwhile.

A hold lasts as long as its job lives, whatever ends that: nothing has to remember to let go.
"""

import sqlalchemy as sa

from blockctl.db.tables import holds
from blockctl.db.tables import jobs


_HOLD = sa.insert(holds)


def hold(ctx, resource_id, job_id):
    """Have the job hold the row. The caller has just moved the row by an event (db/transition.py), so has it locked.

    A job that holds its own resource keeps it to itself: no event but those of its keeper moves it while the job lives.
    For work during which the status stays what it was (a volume that migrates).
    """
    ctx.conn.execute(_HOLD, {'resource_id': resource_id, 'job_id': job_id})


def hold_all(ctx, resource_ids, job_id):
    """Have the job hold several rows, which the caller has locked. None at all is no work."""
    if resource_ids:
        ctx.conn.execute(sa.insert(holds), [{'resource_id': each, 'job_id': job_id} for each in resource_ids])


def let_go(ctx, job_id):
    """The job lives on, but does not read any more (its backend is gone, and what it began there will be removed)."""
    ctx.conn.execute(sa.delete(holds).where(holds.c.job_id == job_id))


def held(resource_id):
    """The condition that some live job holds the row; ``resource_id``: an id or a column."""
    return sa.exists().where(holds.c.resource_id == resource_id, holds.c.job_id == jobs.c.id, jobs.c.outcome.is_(None))


def held_beside(resource_id, owner_id):
    """The condition that a live job holds the row which is not that of ``owner_id``."""
    return sa.exists().where(holds.c.resource_id == resource_id, holds.c.job_id == jobs.c.id,
                             jobs.c.live_key != owner_id)


def kept(resource_id):
    """The condition that the row's own live job keeps it to itself."""
    return sa.exists().where(holds.c.resource_id == resource_id, holds.c.job_id == jobs.c.id,
                             jobs.c.live_key == resource_id)

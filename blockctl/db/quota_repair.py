# SPDX-License-Identifier: Apache-2.0
"""Quota usage against the rows, exactly, while requests come in; and putting right what should never be wrong.

Whoever changes rows that count locks usage first (DESIGN.md section 5).  So who has all of a project's usage locked can
count its rows one table after the other: nobody else's commit comes between.
"""

from blockctl import exceptions
from blockctl.db import checks
from blockctl.db import deadlocks
from blockctl.db import quotas

#: How often the project may begin to use something new while it is being counted.
_TRIES = 10


def suspects(ctx, project_id=None):
    """The projects, in order, with a difference at a first look, which locks nothing. ``project_id``: only that one."""
    with ctx.reading():
        found = {row[0] for row in checks.usage(ctx)}
    return sorted(found if project_id is None else found & {project_id})


def differences(ctx, project_id):
    """[(project, resource, recorded, counted)] where a project's usage is not what its rows say."""
    return _counted(ctx, project_id, repair=False)


def repair(ctx, project_id):
    """Record what the rows say. Returns what was otherwise, as :func:`differences`."""
    return _counted(ctx, project_id, repair=True)


def _counted(ctx, project_id, repair):
    for _ in range(_TRIES):
        found = _attempt(ctx, project_id, repair)
        if found is not None:
            return found
    raise exceptions.ResourceBusy(resource='quota usage of project', id=project_id)


@deadlocks.retried
def _attempt(ctx, project_id, repair):
    """The differences; None: something is used that there was no row of to lock. Now there is one: try again."""
    with ctx.writing():
        recorded = quotas.lock_usages(ctx, project_id)
        counted = {resource: amount for (_, resource), amount in checks.counted(ctx, project_id).items()}
        unlocked = sorted(set(counted) - set(recorded))
        for resource in unlocked:
            quotas.begin_usage(ctx, project_id, resource)
        if unlocked:
            return None
        wrong = [(project_id, resource, amount, counted.get(resource, 0))
                 for resource, amount in sorted(recorded.items()) if amount != counted.get(resource, 0)]
        if repair:
            for _, resource, _, amount in wrong:
                quotas.correct(ctx, project_id, resource, amount)
        return wrong

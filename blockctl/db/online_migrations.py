# SPDX-License-Identifier: Apache-2.0
"""Rows of older releases, brought to this one's form while services run (migrations of the schema only add).

The table has the steps of this release; a step goes when no release it helps is upgraded from any more.
"""

import collections

import sqlalchemy as sa

from blockctl.db.tables import services
from blockctl.db.tables import volumes

#: Rows that one transaction changes at most.
AT_ONCE = 500


def run(ctx, max_count=None, migrations=None):
    """Take every step until nothing is left, or ``max_count`` rows are done. Returns [(step, rows done, rows left)]."""
    found = []
    for name, (left, migrate) in (MIGRATIONS if migrations is None else migrations).items():
        done = _drain(ctx, migrate, max_count)
        if max_count is not None:
            max_count -= done
        with ctx.reading():
            found.append((name, done, left(ctx)))
    return found


def waiting(ctx):
    """{step: rows left}, without those that have none; in the caller's transaction."""
    counts = {name: left(ctx) for name, (left, _) in MIGRATIONS.items()}
    return {name: count for name, count in counts.items() if count}


def _drain(ctx, migrate, most):
    total = 0
    while most is None or total < most:
        limit = AT_ONCE if most is None else min(AT_ONCE, most - total)
        with ctx.writing():
            done = migrate(ctx, limit)
        total += done
        if done < limit:
            break
    return total


# --- volumes whose service was not known when they were placed, or renamed (blockctl-manage volume update_host)
def _unserved():
    its_service = sa.func.substr(volumes.c.host, 1, sa.func.length(services.c.host) + 1) == services.c.host + '#'
    # A cluster's volume has several services; which of them made it does not matter.
    return volumes.join(services, sa.and_(
        services.c.binary == 'cinder-volume', services.c.cluster_name.is_(None), its_service))


def _count_unserved(ctx):
    return ctx.conn.execute(sa.select(sa.func.count()).select_from(_unserved()).where(
        volumes.c.service_uuid.is_(None))).scalar_one()


def _name_services(ctx, limit):
    rows = ctx.conn.execute(sa.select(volumes.c.id, services.c.id.label('service_id')).select_from(_unserved()).where(
        volumes.c.service_uuid.is_(None)).order_by(volumes.c.id).limit(limit).with_for_update(of=volumes)).all()
    found = collections.defaultdict(list)
    for row in rows:
        found[row.service_id].append(row.id)
    for service_id, ids in found.items():
        ctx.conn.execute(sa.update(volumes).where(volumes.c.id.in_(ids)).values(service_uuid=service_id))
    return len(rows)


#: Step -> (function(ctx) that counts the rows left, function(ctx, limit) that does up to ``limit`` and returns how
#: many it did).
MIGRATIONS = {
    'service of each volume': (_count_unserved, _name_services),
}

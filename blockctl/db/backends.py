# SPDX-License-Identifier: Apache-2.0
"""Backends, as conditions in SQL: which services serve one, whether it takes new work, and whether it is frozen.

A backend is what pools, volumes and jobs name: host@backend of one service, or cluster@backend of all services that the
same ``cluster`` is configured for.
"""

import dataclasses

import sqlalchemy as sa

from blockctl.db.columns import utcnow
from blockctl.db.tables import clusters
from blockctl.db.tables import services
from blockctl.db.tables import snapshots
from blockctl.db.tables import volumes

#: The service of backends, as clients know it.
BINARY = 'cinder-volume'

#: The backend that a row of ``services`` serves.
SERVED = sa.func.coalesce(services.c.cluster_name, services.c.host)


def _service(backend, *where):
    return sa.exists().where(backend == SERVED, services.c.binary == BINARY, *where)


def _cluster(backend, *where):
    return sa.exists().where(clusters.c.name == backend, clusters.c.binary == BINARY, *where)


def closed(backend):
    """The condition that ``backend`` (a column) takes no new work: its cluster, or each of its services, is disabled.

    What is frozen takes none, whether it is disabled or not.  What has no service is not closed; it is down.
    """
    shut = services.c.disabled | services.c.frozen
    return sa.or_(_cluster(backend, clusters.c.disabled | clusters.c.frozen),
                  sa.and_(_service(backend, shut), ~_service(backend, ~shut)))


# Built once: it is asked in most requests.
_NAMED = sa.bindparam('backend', type_=services.c.host.type)
_FROZEN = sa.select(sa.or_(_cluster(_NAMED, clusters.c.frozen), _service(_NAMED, services.c.frozen)))


def is_frozen(ctx, backend):
    """Whether nothing may change what is on ``backend`` (its name)."""
    return bool(ctx.conn.execute(_FROZEN, {'backend': backend}).scalar())


def freeze(ctx, backend, frozen, reason=None):
    """Freeze or thaw a backend, which closes it to new work or opens it again. Returns False when it is so already."""
    values = {'frozen': frozen, 'disabled': frozen, 'disabled_reason': reason, 'updated_at': utcnow()}
    changed = [ctx.conn.execute(sa.update(table).where(
        table.c.binary == BINARY, named == backend, table.c.frozen.is_(not frozen)).values(**values)).rowcount
        for table, named in ((services, SERVED), (clusters, clusters.c.name))]
    return any(changed)


@dataclasses.dataclass(slots=True)
class Content:
    """What a project has on a backend; sizes in GiB."""

    volumes: int = 0
    volume_size: int = 0
    snapshots: int = 0
    snapshot_size: int = 0


def contents(ctx, backend):
    """{project: Content} of a backend."""
    there = sa.or_(volumes.c.host == backend, volumes.c.host.startswith(f'{backend}#', autoescape=True))
    found = {}
    for row in ctx.conn.execute(sa.select(
            volumes.c.project_id, sa.func.count().label('number'), sa.func.sum(volumes.c.size).label('size'),
            ).where(there).group_by(volumes.c.project_id)):
        found[row.project_id] = Content(volumes=row.number, volume_size=int(row.size))
    for row in ctx.conn.execute(sa.select(
            snapshots.c.project_id, sa.func.count().label('number'), sa.func.sum(snapshots.c.volume_size).label('size'),
            ).join(volumes, volumes.c.id == snapshots.c.volume_id).where(there).group_by(snapshots.c.project_id)):
        content = found.setdefault(row.project_id, Content())
        content.snapshots, content.snapshot_size = row.number, int(row.size)
    return found


def cluster_of(host):
    """``host`` (a backend, or a pool of it) where its backend is a cluster's, else NULL: a volume's cluster_name."""
    return sa.select(sa.literal(host, clusters.c.name.type)).where(
        clusters.c.binary == BINARY, clusters.c.name == host.partition('#')[0]).scalar_subquery()

# SPDX-License-Identifier: Apache-2.0
"""What of a backend is a volume or snapshot already, and how something there becomes one."""

import sqlalchemy as sa

from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db.columns import utcnow
from blockctl.db.tables import snapshots
from blockctl.db.tables import volumes


def _on(column, backend):
    return column.startswith(f'{backend}#', autoescape=True)


def holder(ctx, image_id):
    """The id of the volume whose image is named by ``image_id``, or None."""
    return ctx.conn.execute(sa.select(volumes.c.id).where(
        sa.or_(sa.and_(volumes.c.id == image_id, volumes.c.name_id.is_(None)), volumes.c.name_id == image_id))).scalar()


def images(ctx, backend):
    """{(pool's full name, id in the image's name): volume id} of all volumes of a backend (host@backend)."""
    rows = ctx.conn.execute(sa.select(
        volumes.c.host, sa.func.coalesce(volumes.c.name_id, volumes.c.id).label('image_id'), volumes.c.id,
    ).where(_on(volumes.c.host, backend)))
    return {(row.host, row.image_id): row.id for row in rows}


def of_snapshots(ctx, backend):
    """{(volume id, snapshot id)} of all snapshots of the volumes of a backend."""
    rows = ctx.conn.execute(sa.select(snapshots.c.volume_id, snapshots.c.id).join(
        volumes, volumes.c.id == snapshots.c.volume_id).where(_on(volumes.c.host, backend)))
    return {(row.volume_id, row.id) for row in rows}


def has_snapshot(ctx, snapshot_id):
    """Whether there is a snapshot of that id."""
    return ctx.conn.execute(sa.select(snapshots.c.id).where(snapshots.c.id == snapshot_id)).first() is not None


def take_in(ctx, row, size):
    """A volume that had no size yet has ``size`` GiB: take quota and count them in its pool. Raises OverQuota."""
    if row.use_quota:
        quotas.reserve(ctx, row.project_id, quotas.growth_deltas(size, row.volume_type_id))
    pools.count_in(ctx, row.host, size)
    ctx.conn.execute(sa.update(volumes).where(volumes.c.id == row.id).values(size=size, updated_at=utcnow()))

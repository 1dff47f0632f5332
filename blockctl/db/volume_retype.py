# SPDX-License-Identifier: Apache-2.0
"""Moving a volume, and its snapshots, from one type to another: quota is kept for each type."""

import collections

import sqlalchemy as sa

from blockctl import exceptions
from blockctl import states
from blockctl.db import quotas
from blockctl.db import volume_type_encryption
from blockctl.db import volume_types
from blockctl.db.columns import utcnow
from blockctl.db.tables import snapshots


#: What :func:`move` and :func:`check_encryption` raise that trying again will not mend.
FINAL = (exceptions.OverQuota, exceptions.VolumeTypeNotFound, exceptions.EncryptionDiffers)


def check_quota(ctx, row, volume_type_id):
    """Raise OverQuota when a project has no room for the volume and its snapshots in another type, as things are."""
    for project_id, changes in _changes(ctx, row, volume_type_id):
        gained = {name: amount for name, amount in changes.items() if amount > 0}
        quotas.reserve(ctx, project_id, gained)
        quotas.give_back(ctx, project_id, gained)


def move(ctx, row, volume_type_id):
    """Move the quota, and the snapshots with theirs; the volume's own column is set by who moves its status.

    Raises OverQuota, VolumeTypeNotFound (it was deleted meanwhile), or BackendBusy while one of the snapshots is on its
    way: its job knows it by the old type.
    """
    volume_types.get(ctx, volume_type_id)
    for project_id, changes in _changes(ctx, row, volume_type_id):
        quotas.reserve(ctx, project_id, changes)
    where = snapshots.c.volume_id == row.id
    rows = ctx.conn.execute(sa.select(snapshots.c.status).where(where).with_for_update()).all()
    if any(snapshot.status in states.SNAPSHOT.transitional for snapshot in rows):
        raise exceptions.BackendBusy(reason=f'a snapshot of volume {row.id} is being changed')
    if rows:
        ctx.conn.execute(sa.update(snapshots).where(where).values(
            volume_type_id=volume_type_id, updated_at=utcnow()))


def check_encryption(ctx, row, volume_type_id):
    """Raise EncryptionDiffers when a volume with its new type would not be encrypted as that says.

    Its row names the new type already: from there on the type's encryption cannot change.
    """
    if not volume_type_encryption.alike(ctx, row.volume_type_id, volume_type_id):
        raise exceptions.EncryptionDiffers()


def _changes(ctx, row, volume_type_id):
    """[(project, {resource: amount})], of the old type (less than 0) and the new one, in order of the projects.

    A snapshot counts for the project of who took it, which an administrator may have done in another one.
    """
    taken = [(row, quotas.volume_deltas(row.size + row.growth, None))] if row.use_quota else []
    counted = ctx.conn.execute(sa.select(
        snapshots.c.project_id, snapshots.c.volume_type_id, sa.func.count().label('count'),
        sa.func.sum(snapshots.c.volume_size).label('size'),
    ).where(snapshots.c.volume_id == row.id, snapshots.c.use_quota).group_by(
        snapshots.c.project_id, snapshots.c.volume_type_id))
    taken += [(found, quotas.snapshot_deltas(ctx.conf, int(found.size), None, found.count)) for found in counted]
    changes = collections.defaultdict(collections.Counter)
    for owner, amounts in taken:
        for name, amount in amounts.items():
            changes[owner.project_id][f'{name}_{volume_type_id}'] += amount
            if owner.volume_type_id:
                changes[owner.project_id][f'{name}_{owner.volume_type_id}'] -= amount
    return [(project_id, {name: amount for name, amount in changes[project_id].items() if amount})
            for project_id in sorted(changes)]

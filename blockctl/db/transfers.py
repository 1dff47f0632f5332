# SPDX-License-Identifier: Apache-2.0
"""Offers of volumes to other projects, and what changes hands when one is accepted.

Who makes, accepts or withdraws an offer moves its volume first (db/transition.py), so one of them is the first.
"""

import collections

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import conditions
from blockctl.db import jobs
from blockctl.db import pages
from blockctl.db import quotas
from blockctl.db.columns import utcnow
from blockctl.db.tables import snapshots
from blockctl.db.tables import transfers
from blockctl.db.transition import transition_all
from blockctl.states import SNAPSHOT

#: What a list can be sorted by; the names are those of the wire, old and new.
SORTS = {name: transfers.c[name] for name in ('id', 'name', 'volume_id', 'created_at', 'updated_at')} | {
    'display_name': transfers.c.name, 'source_project_id': transfers.c.project_id}

_DEFAULT = (('created_at', 'desc'), ('id', 'desc'))

_ALL = sa.select(transfers)


def _left_out(wanted):
    return conditions.compare(~transfers.c.with_snapshots, wanted)


def _accepted(wanted):
    """What was accepted is not here any more."""
    return sa.false() if wanted.value else sa.true()


_FILTERS = {'id': transfers.c.id, 'name': transfers.c.name, 'display_name': transfers.c.name,
            'volume_id': transfers.c.volume_id, 'source_project_id': transfers.c.project_id, 'no_snapshots': _left_out,
            'accepted': _accepted}


def get(ctx, transfer_id):
    """The row. Raises TransferNotFound."""
    row = ctx.conn.execute(_ALL.where(transfers.c.id == transfer_id)).first()
    if row is None:
        raise exceptions.TransferNotFound(transfer_id=transfer_id)
    return row


def page(ctx, project_id, filters, wanted):
    """The Found page of a project's offers (None: of all) that meet ``filters`` ({name: Wanted})."""
    visible = [] if project_id is None else [transfers.c.project_id == project_id]
    return pages.fetch(ctx, _ALL, visible, conditions.build(_FILTERS, filters), wanted, SORTS, _DEFAULT,
                       lambda: exceptions.TransferNotFound(transfer_id=wanted.marker))


def insert(ctx, **values):
    """Store an offer; the caller has just moved its volume to where it awaits that.

    An offer that was made before is dead: the volume's status was set by an administrator.
    """
    ctx.conn.execute(sa.delete(transfers).where(transfers.c.volume_id == values['volume_id']))
    ctx.conn.execute(sa.insert(transfers).values(created_at=utcnow(), **values))


def remove(ctx, transfer_id):
    """The offer stands no more. Raises TransferNotFound when somebody else was faster."""
    if ctx.conn.execute(sa.delete(transfers).where(transfers.c.id == transfer_id)).rowcount == 0:
        raise exceptions.TransferNotFound(transfer_id=transfer_id)


# --- what changes hands
def move_quota(ctx, volume, snapshot_rows, project_id):
    """Count a volume and ``snapshot_rows`` for another project. Raises OverQuota, VolumeSizeExceedsLimit.

    The first thing in a transaction (usage is locked before rows), so its caller has to see to it, when it has the rows
    locked, that they are what they were: :func:`move_snapshots`, and conditions on the volume.
    """
    taken = [(volume.project_id, quotas.volume_deltas(volume.size, volume.volume_type_id))] if volume.use_quota else []
    taken += [(row.project_id, quotas.snapshot_deltas(ctx.conf, row.volume_size, row.volume_type_id))
              for row in snapshot_rows if row.use_quota]
    changes = collections.defaultdict(collections.Counter)
    for former, deltas in taken:
        for resource, amount in deltas.items():
            changes[project_id][resource] += amount
            changes[former][resource] -= amount
    if volume.use_quota:
        _check_size(ctx, volume, project_id)
    for project in sorted(changes):
        quotas.reserve(ctx, project, {name: amount for name, amount in changes[project].items() if amount})


def _check_size(ctx, volume, project_id):
    limit = quotas.limits(ctx, project_id)['per_volume_gigabytes']
    if limit != quotas.UNLIMITED and volume.size > limit and project_id != volume.project_id:
        raise exceptions.VolumeSizeExceedsLimit(size=volume.size, limit=limit)


def movable_snapshots(ctx, volume_id):
    """The rows of a volume's snapshots. Raises CannotTransfer when one of them could not go with it now."""
    rows = ctx.conn.execute(sa.select(snapshots, jobs.at_work(snapshots.c.id).label('at_work')).where(
        snapshots.c.volume_id == volume_id).order_by(snapshots.c.id)).all()
    for row in rows:
        reason = _bound(row)
        if reason:
            raise exceptions.CannotTransfer(volume_id=volume_id, reason=f'its snapshot {row.id} {reason}')
    return rows


def _bound(row):
    """Why a snapshot cannot go to another project, or None."""
    allowed = SNAPSHOT.moves['transfer'].sources
    if row.status not in allowed:
        return f'is {row.status}; it must be {" or ".join(allowed)}'
    if row.at_work:
        return 'is being changed'
    if row.group_snapshot_id is not None:
        return f'is part of group snapshot {row.group_snapshot_id}'
    return None


def move_snapshots(ctx, volume_id, snapshot_rows, project_id, user_id):
    """Give the volume's snapshots another owner. The caller has the volume locked, so there come no new ones.

    Raises ResourceBusy unless they are, all of them and as they were, ``snapshot_rows``.
    """
    changed = (snapshots.c.status, snapshots.c.project_id, snapshots.c.use_quota, snapshots.c.group_snapshot_id,
               snapshots.c.volume_type_id)
    now = ctx.conn.execute(sa.select(snapshots.c.id, *changed).where(snapshots.c.volume_id == volume_id).order_by(
        snapshots.c.id).with_for_update()).all()
    if [tuple(row) for row in now] != [(row.id, *(getattr(row, each.name) for each in changed))
                                       for row in snapshot_rows]:
        raise exceptions.ResourceBusy(resource='volume', id=volume_id)
    transition_all(ctx, SNAPSHOT, [row.id for row in now], 'transfer')
    if now:
        ctx.conn.execute(sa.update(snapshots).where(snapshots.c.volume_id == volume_id).values(
            project_id=project_id, user_id=user_id, updated_at=utcnow()))


def set_snapshots_key(ctx, volume_id, former, key_id):
    """Name another key with the volume's snapshots that named ``former``: it is the volume's that opens their data."""
    ctx.conn.execute(sa.update(snapshots).where(
        snapshots.c.volume_id == volume_id, snapshots.c.encryption_key_id == former).values(encryption_key_id=key_id))

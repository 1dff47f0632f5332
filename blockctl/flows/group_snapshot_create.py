# SPDX-License-Identifier: Apache-2.0
"""Taking a snapshot of every volume of a group, by one job.

They are available when all of them are, and all in error when one could not be taken.  Where the type of the group
asks for snapshots of one moment, the driver takes them together (drivers.interface.GroupSnapshots); with a driver that
is not able to, they are taken one after another, which is one moment as long as no host can reach any of the volumes,
and the job fails else.  Where the type does not ask, they are taken one after another.
"""

import collections
import dataclasses
from typing import Any

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import deadlocks
from blockctl.db import group_snapshots
from blockctl.db import groups
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import quotas
from blockctl.db.transition import transition
from blockctl.db.transition import transition_all
from blockctl.drivers import interface
from blockctl.flows import change
from blockctl.flows import driver_values
from blockctl.flows import notifications
from blockctl.rpc import volume as volume_rpc
from blockctl.states import GROUP
from blockctl.states import GROUP_SNAPSHOT
from blockctl.states import SNAPSHOT
from blockctl.states import VOLUME

KIND = 'group_snapshot.create'

#: Of a volume, as far as quota and place of its snapshot depend on it.
_SEEN = ('id', 'size', 'volume_type_id', 'host')

#: The states of a volume in which no host can reach it. (Every event of an attachment stamps its volume.)
_UNREACHED = VOLUME.moves['extend'].sources


@deadlocks.retried
def create_group_snapshot(ctx, group, row, consistent):
    """Accept a snapshot of all volumes of ``group`` (a row of db.groups); returns its row (of db.group_snapshots).

    ``row``: the columns that the tenant gave; ``consistent``: of one moment.  All of it is in one transaction.
    Raises OverQuota, InvalidGroup (it is empty, or not in one place), InvalidState, ResourceBusy.
    """
    snapshot_id = uuidutils.generate_uuid()
    with ctx.writing():
        members = groups.members(ctx, group.id)
        if not members:
            raise exceptions.InvalidGroup(reason=f'Group {group.id} is empty. No group snapshot will be created.')
        quotas.reserve(ctx, group.project_id, _deltas(ctx, members))
        transition(ctx, GROUP, group.id, 'snapshot')
        if _seen(groups.lock_members(ctx, group.id)) != _seen(members):
            raise exceptions.ResourceBusy(resource='group', id=group.id)
        volume_ids = [member.id for member in members]
        transition_all(ctx, VOLUME, volume_ids, 'snapshot')
        backend = _backend(group, members)
        group_snapshots.insert(ctx, id=snapshot_id, project_id=group.project_id, user_id=ctx.user_id, group_id=group.id,
                               group_type_id=group.group_type_id, status=GROUP_SNAPSHOT.initial, **row)
        snapshots = [{
            'id': uuidutils.generate_uuid(), 'project_id': member.project_id, 'user_id': ctx.user_id,
            'volume_id': member.id, 'volume_size': member.size, 'volume_type_id': member.volume_type_id,
            'encryption_key_id': member.encryption_key_id, 'group_snapshot_id': snapshot_id,
            'status': SNAPSHOT.initial, **row} for member in members]
        group_snapshots.insert_snapshots(ctx, snapshots)
        job_id = jobs.post(ctx, KIND, snapshot_id, backend, {'consistent': consistent})
        holds.hold_all(ctx, [*volume_ids, *(snapshot['id'] for snapshot in snapshots)], job_id)
        ctx.app.points(f'{KIND}.api.before_commit')
        stored = group_snapshots.get(ctx, snapshot_id)
    ctx.app.points(f'{KIND}.api.committed')
    volume_rpc.tell(ctx, backend, 'create_group_snapshot', job_id)
    return stored


def _deltas(ctx, members):
    """What all snapshots take together, so that usage is locked in one order."""
    total = collections.Counter()
    for row in members:
        total.update(quotas.snapshot_deltas(ctx.conf, row.size, row.volume_type_id))
    return total


def _seen(rows):
    return [tuple(getattr(row, name) for name in _SEEN) for row in rows]


def _backend(group, members):
    """The backend that has all of them. (One may have been moved by an administrator since it was put in.)"""
    backends = {volume_rpc.backend_of(row.host) for row in members if row.host}
    if len(backends) != 1:
        raise exceptions.InvalidGroup(reason=f'The volumes of group {group.id} are not all in one place.')
    return backends.pop()


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What the job is about: the group snapshot's row, and [(snapshot's row, its volume's)]."""

    row: Any
    pairs: list


class GroupSnapshotChange(change.Change):
    """What creating and deleting have in common: where one ends, its snapshots end too."""

    machine = GROUP_SNAPSHOT

    @staticmethod
    def notify(ctx, taken, event):
        notifications.group_snapshot(ctx, taken.row, event)
        for row, volume in taken.pairs:
            notifications.snapshot(ctx, row, volume, event)

    def read(self, ctx, job):
        return Taken(group_snapshots.get(ctx, job.resource_id), group_snapshots.taken(ctx, job.resource_id))

    def _settle(self, ctx, job, detail):
        super()._settle(ctx, job, detail)
        holds.let_go(ctx, job.id)
        move_snapshots(ctx, job.resource_id, self.fails)


def move_snapshots(ctx, group_snapshot_id, event):
    """Move by ``event`` those of a group snapshot's snapshots that it can move: no one else's word is overruled.

    Returns their ids.  The caller has the group snapshot locked.
    """
    rows = group_snapshots.lock_snapshots(ctx, group_snapshot_id)
    ids = [row.id for row in rows if row.status in SNAPSHOT.moves[event].sources]
    transition_all(ctx, SNAPSHOT, ids, event)
    return ids


class Create(GroupSnapshotChange):
    """What a volume service does with the job."""

    kind = KIND
    action = user_messages.CREATE_GROUP_SNAPSHOT
    detail = user_messages.NOT_TAKEN
    fails = 'create.fail'
    event = 'create'

    def effect(self, work, taken):
        wanted = [driver_values.snapshot(work.ctx, row, volume) for row, volume in taken.pairs]
        driver = driver_values.able(work, interface.Snapshots)
        if not work.job.payload['consistent']:
            return _one_by_one(work, driver, wanted)
        if isinstance(driver, interface.GroupSnapshots):
            return dict(driver.create_group_snapshot(taken.row.id, wanted, work.effect()))
        _require_rest(taken, taken)
        for snapshot in wanted:  # what an earlier try left is of another moment
            driver.delete_snapshot(snapshot, work.effect())
        made = _one_by_one(work, driver, wanted)
        with work.ctx.reading():
            _require_rest(taken, self.read(work.ctx, work.job))
        return made

    def done(self, work, taken, made):
        ctx, row_id = work.ctx, work.job.resource_id
        transition(ctx, GROUP_SNAPSHOT, row_id, 'create.done')
        holds.let_go(ctx, work.job.id)
        group_snapshots.complete(ctx, move_snapshots(ctx, row_id, 'create.done'))
        for snapshot_id, values in made.items():
            if values:
                group_snapshots.located(ctx, snapshot_id, **values)


def _one_by_one(work, driver, wanted):
    return {snapshot.id: driver.create_snapshot(snapshot, work.effect()) for snapshot in wanted}


def _require_rest(before, after):
    """Raise BackendUnable unless no host could reach any of the volumes from the one look to the other."""
    looks = [[(volume.id, volume.updated_at) for _, volume in taken.pairs] for taken in (before, after)]
    if looks[0] != looks[1] or any(volume.status not in _UNREACHED for _, volume in after.pairs):
        raise exceptions.BackendUnable(ability=interface.GroupSnapshots.__name__)

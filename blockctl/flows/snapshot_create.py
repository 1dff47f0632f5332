# SPDX-License-Identifier: Apache-2.0
"""Taking a snapshot of a volume."""

import dataclasses

from oslo_utils import uuidutils

from blockctl import user_messages
from blockctl.db import deadlocks
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import quotas
from blockctl.db import snapshots
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.drivers import interface
from blockctl.flows import driver_values
from blockctl.flows import snapshot_change
from blockctl.rpc import volume as volume_rpc
from blockctl.states import SNAPSHOT
from blockctl.states import VOLUME

KIND = 'snapshot.create'


@dataclasses.dataclass(frozen=True, slots=True)
class CreateSnapshot:
    """What a tenant asked for, checked. ``volume``: its row; ``in_use_too``: also while a server has it."""

    volume: object
    name: str | None = None
    description: str | None = None
    metadata: dict = dataclasses.field(default_factory=dict)
    in_use_too: bool = True


@deadlocks.retried
def create_snapshot(ctx, request):
    """Accept a snapshot: its row, which is returned, its quota and its job are committed together.

    The job holds the volume: it neither grows, moves nor goes back before the snapshot is taken.  Raises OverQuota, or
    InvalidState when the volume's state does not allow it, or it has changed since it was read.
    """
    volume, snapshot_id = request.volume, uuidutils.generate_uuid()
    with ctx.writing():
        if volume.use_quota:
            quotas.reserve(ctx, ctx.project_id,
                           quotas.snapshot_deltas(ctx.conf, volume.size, volume.volume_type_id))
        unchanged = [table.c[name] == getattr(volume, name) for name in (
            'project_id', 'size', 'host', 'volume_type_id', 'use_quota')]
        transition(ctx, VOLUME, volume.id, 'snapshot' if request.in_use_too else 'snapshot.unused', *unchanged)
        snapshots.insert(
            ctx, request.metadata, id=snapshot_id, project_id=ctx.project_id, user_id=ctx.user_id, volume_id=volume.id,
            name=request.name, description=request.description, volume_size=volume.size, status=SNAPSHOT.initial,
            progress='0%', use_quota=volume.use_quota, volume_type_id=volume.volume_type_id,
            encryption_key_id=volume.encryption_key_id)
        row = snapshots.get(ctx, snapshot_id)
        job_id = jobs.post(ctx, KIND, snapshot_id, volume_rpc.backend_of(volume.host), {})
        holds.hold(ctx, volume.id, job_id)
        ctx.app.points('snapshot.create.api.before_commit')
    ctx.app.points('snapshot.create.api.committed')
    volume_rpc.tell(ctx, volume.host, 'create_snapshot', job_id)
    return row


class Create(snapshot_change.SnapshotChange):
    """What a volume service does with the job."""

    kind = KIND
    action = user_messages.CREATE_SNAPSHOT
    detail = user_messages.NOT_TAKEN
    fails = 'create.fail'
    event = 'create'

    def effect(self, work, row):
        driver = driver_values.able(work, interface.Snapshots)
        return dict(driver.create_snapshot(row.value(work.ctx), work.effect()) or {})

    def done(self, work, row, made):
        transition(work.ctx, SNAPSHOT, row.snapshot.id, 'create.done', progress='100%', **made)

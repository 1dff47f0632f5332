# SPDX-License-Identifier: Apache-2.0
"""Making a snapshot of one that its volume's image has already (manage), and forgetting one (unmanage)."""

from oslo_utils import uuidutils

from blockctl import user_messages
from blockctl.db import deadlocks
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import quotas
from blockctl.db import snapshots
from blockctl.db import volumes
from blockctl.db.tables import snapshots as table
from blockctl.db.tables import volumes as volume_table
from blockctl.db.transition import transition
from blockctl.drivers import interface
from blockctl.flows import driver_values
from blockctl.flows import notifications
from blockctl.flows import snapshot_change
from blockctl.rpc import volume as volume_rpc
from blockctl.states import SNAPSHOT
from blockctl.states import VOLUME

KIND = 'snapshot.manage'


@deadlocks.retried
def manage_snapshot(ctx, volume, source_name, name, description, metadata):
    """Accept that something becomes a snapshot of ``volume`` (a row); returns its row.

    It counts as one of the size the volume has.  Raises OverQuota, or InvalidState when the volume's state does not
    allow it.
    """
    snapshot_id = uuidutils.generate_uuid()
    with ctx.writing():
        if volume.use_quota:
            quotas.reserve(ctx, volume.project_id,
                           quotas.snapshot_deltas(ctx.conf, volume.size, volume.volume_type_id))
        transition(ctx, VOLUME, volume.id, 'snapshot', *(
            volume_table.c[column] == getattr(volume, column)
            for column in ('project_id', 'size', 'host', 'volume_type_id', 'use_quota')))
        snapshots.insert(
            ctx, metadata, id=snapshot_id, project_id=volume.project_id, user_id=ctx.user_id, volume_id=volume.id,
            name=name, description=description, volume_size=volume.size, status=SNAPSHOT.initial,
            use_quota=volume.use_quota, volume_type_id=volume.volume_type_id,
            encryption_key_id=volume.encryption_key_id)
        row = snapshots.get(ctx, snapshot_id)
        job_id = jobs.post(ctx, KIND, snapshot_id, volume_rpc.backend_of(volume.host), {'source_name': source_name})
        holds.hold(ctx, volume.id, job_id)
        ctx.app.points('snapshot.manage.api.before_commit')
    ctx.app.points('snapshot.manage.api.committed')
    volume_rpc.tell(ctx, volume.host, 'manage_snapshot', job_id)
    return row


def unmanage_snapshot(ctx, snapshot_id):
    """Forget a snapshot and leave it where it is, by its name. Raises SnapshotNotFound, InvalidState."""
    with ctx.reading():
        row = snapshots.get(ctx, snapshot_id)
        volume = volumes.get(ctx, row.volume_id)
    _forget(ctx, snapshot_id)
    for event in ('delete.start', 'delete.end'):  # there is none of its own
        notifications.snapshot(ctx, row, volume, event)


@deadlocks.retried
def _forget(ctx, snapshot_id):
    with ctx.writing():
        transition(ctx, SNAPSHOT, snapshot_id, 'unmanage', table.c.group_snapshot_id.is_(None))
        jobs.supersede(ctx, snapshot_id)
        snapshots.remove(ctx, snapshot_id)


class Manage(snapshot_change.SnapshotChange):
    """What a volume service does with the job."""

    kind = KIND
    action = user_messages.MANAGE_SNAPSHOT
    detail = user_messages.NOT_MANAGED
    fails = 'create.fail'
    event = 'manage_existing_snapshot'

    def effect(self, work, row):
        driver = driver_values.able(work, interface.Manages)
        driver.rename_snapshot(row.value(work.ctx), work.job.payload['source_name'], work.effect())

    def done(self, work, row, made):
        transition(work.ctx, SNAPSHOT, row.snapshot.id, 'create.done', progress='100%')

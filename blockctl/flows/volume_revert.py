# SPDX-License-Identifier: Apache-2.0
"""Putting a volume back to its latest snapshot."""

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import deadlocks
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import snapshots
from blockctl.db import volumes
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.drivers import interface
from blockctl.flows import change
from blockctl.flows import driver_values
from blockctl.flows import snapshot_change
from blockctl.rpc import volume as volume_rpc
from blockctl.states import SNAPSHOT
from blockctl.states import VOLUME

KIND = 'volume.revert'


@deadlocks.retried
def revert_volume(ctx, volume, snapshot_id):
    """Accept that a volume gets the data of its latest snapshot back; the job holds the snapshot.

    ``volume``: its row, as it was when the request was checked.  Raises InvalidState for the state of either, or
    InvalidRequest when there is a later snapshot by now.
    """
    with ctx.writing():
        transition(ctx, VOLUME, volume.id, 'revert', table.c.project_id == volume.project_id,
                   table.c.size == volume.size, table.c.host == volume.host)
        # Whoever takes or removes one has locked the volume, or the snapshot.
        if snapshots.latest(ctx, volume.id) != snapshot_id:
            raise exceptions.InvalidRequest(
                reason=f'snapshot_id: {snapshot_id} is not the latest snapshot of volume {volume.id}')
        transition(ctx, SNAPSHOT, snapshot_id, 'revert')
        job_id = jobs.post(ctx, KIND, volume.id, volume_rpc.backend_of(volume.host), {'snapshot_id': snapshot_id})
        holds.hold(ctx, snapshot_id, job_id)
        ctx.app.points('volume.revert.api.before_commit')
    ctx.app.points('volume.revert.api.committed')
    volume_rpc.tell(ctx, volume.host, 'revert_volume', job_id)


class Revert(change.Change):
    """What a volume service does with the job; its ``row`` is a snapshot_change.Placed."""

    kind = KIND
    action = user_messages.REVERT_VOLUME
    detail = user_messages.NOT_REVERTED
    fails = 'revert.fail'
    event = 'revert'

    def read(self, ctx, job):
        return snapshot_change.Placed(snapshots.get(ctx, job.payload['snapshot_id']), volumes.get(ctx, job.resource_id))

    @staticmethod
    def notify(ctx, row, event):
        change.Change.notify(ctx, row.volume, event)
        row.tell(ctx, event)

    def effect(self, work, row):
        driver = driver_values.able(work, interface.Reverts)
        driver.revert(driver_values.volume(work.ctx, row.volume), row.value(work.ctx), work.effect())

    def done(self, work, row, made):
        transition(work.ctx, VOLUME, row.volume.id, 'revert.done')
        snapshots.leave(work.ctx, row.volume.id)

    def failing(self, detail):
        return 'revert.refuse' if detail is user_messages.UNABLE else self.fails

    def failed(self, ctx, job):
        volumes.lock(ctx, job.resource_id)
        snapshots.leave(ctx, job.resource_id)

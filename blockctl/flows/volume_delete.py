# SPDX-License-Identifier: Apache-2.0
"""Deleting a volume."""

from oslo_db import api as db_api

from blockctl import user_messages
from blockctl.db import jobs
from blockctl.db import volumes
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.flows import change
from blockctl.flows import driver_values
from blockctl.rpc import volume as volume_rpc
from blockctl.states import VOLUME

KIND = 'volume.delete'


@db_api.wrap_db_retry(max_retries=5, retry_on_deadlock=True, retry_interval=0.02, max_retry_interval=0.2)
def delete_volume(ctx, row, force=False):
    """Accept that a volume goes: its job is committed when this returns, or the volume is gone already.

    Raises InvalidState when its state does not allow it (``force`` allows any but an attached one's).
    """
    with ctx.writing():
        event = 'delete.force' if force else 'delete'
        transition(ctx, VOLUME, row.id, event, table.c.attach_status == 'detached',
                   table.c.migration_status.is_(None))
        # A live job here is a creation that is forced to end, or the clean-up of one that had failed.
        to_fence, not_before = jobs.supersede(ctx, row.id)
        row = volumes.get(ctx, row.id)
        if row.host is None:
            volumes.remove(ctx, row)  # no pool has it
            return
        job_id = jobs.post(ctx, KIND, row.id, volume_rpc.backend_of(row.host), {}, to_fence,
                           not_before)
        ctx.app.points('volume.delete.api.before_commit')
    ctx.app.points('volume.delete.api.committed')
    volume_rpc.tell(ctx, row.host, 'delete_volume', job_id)


class Delete(change.Change):
    """What a volume service does with the job."""

    kind = KIND
    action = user_messages.DELETE_VOLUME
    fails = 'delete.fail'
    event = 'delete'

    def effect(self, work, row):
        work.driver.delete(driver_values.volume(work.ctx, row), work.effect())

    def done(self, work, row, made):
        volumes.remove(work.ctx, row)

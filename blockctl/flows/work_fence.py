# SPDX-License-Identifier: Apache-2.0
"""What follows when the work on a resource is ended by an administrator's word: its worker may be about to act, and
does not know yet.  Until it is cut off, nobody else may work on it (but delete it, which waits for the same).
"""

from blockctl.db import jobs
from blockctl.db.columns import utcnow
from blockctl.rpc import volume as volume_rpc

KIND = 'work.fence'


def end_work(ctx, resource_id, host):
    """End the live job of a resource on ``host`` (None: it is nowhere), in the transaction that sets its status.

    Where a worker has it in hand, a job is posted that waits for the end of its lease and fences it off.
    """
    to_fence, not_before = jobs.supersede(ctx, resource_id)
    if host is not None and (to_fence or not_before is not None):
        jobs.post(ctx, KIND, resource_id, volume_rpc.backend_of(host), {}, to_fence, not_before)


class Fence:
    """What a volume service does with the job: all of it is done before (jobs/runner.py fences what a job names)."""

    def run(self, work):
        with work.ctx.writing():
            jobs.finish(work.ctx, work.job, 'done')

    def give_up(self, work, reason):
        """What cannot be fenced for so long has not acted for so long either."""
        self.run(work)

    def unserved(self, ctx, job):
        """Nobody can fence (jobs/sweeper.py): the job waits for the backend, like what the resource needs it for."""
        jobs.advance(ctx, job, payload={**job.payload, 'stranded': True},
                     not_before=utcnow(ctx.conf.jobs.retry_interval_max))

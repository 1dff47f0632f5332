# SPDX-License-Identifier: Apache-2.0
"""What a volume service listens to: each message names a job of its backend."""

from blockctl.rpc import volume as volume_rpc


class Endpoint:
    """RPC methods, one for each of the operations. They note the job and return; the runner does the work."""

    def __init__(self, runner):
        self._runner = runner
        for operation in volume_rpc.OPERATIONS:
            setattr(self, operation, self._note)

    def _note(self, ctxt, job_id):
        self._runner.ring(job_id)

# SPDX-License-Identifier: Apache-2.0
"""What a volume service listens to about volumes: each message names a job of its backend."""


class Endpoint:
    """RPC methods. They note the job and return; the runner does the work (jobs/runner.py)."""

    def __init__(self, runner):
        self._runner = runner

    def create_volume(self, ctxt, job_id):
        self._runner.ring(job_id)

    def delete_volume(self, ctxt, job_id):
        self._runner.ring(job_id)

# SPDX-License-Identifier: Apache-2.0
"""What the schedulers listen to: each message names a job that wants a pool."""


class Endpoint:
    """RPC methods. They note the job and return; the runner does the work (jobs/runner.py)."""

    def __init__(self, runner):
        self._runner = runner

    def create_volume(self, ctxt, job_id):
        self._runner.ring(job_id)

    migrate_volume = retype_volume = manage_volume = create_volume
    create_group = delete_group = look_again = create_volume

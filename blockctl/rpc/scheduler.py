# SPDX-License-Identifier: Apache-2.0
"""What can be said to the schedulers."""

from blockctl.rpc import transport


def create_volume(ctx, job_id):
    """A volume wants a pool."""
    ctx.app.doorbell.ring(transport.SCHEDULER, 'create_volume', job_id)

# SPDX-License-Identifier: Apache-2.0
"""What can be said to the schedulers."""

from blockctl.rpc import transport


def create_volume(ctx, job_id):
    """A volume wants a pool."""
    ctx.app.doorbell.ring(transport.SCHEDULER, 'create_volume', job_id)


def migrate_volume(ctx, job_id):
    """A volume wants another pool."""
    ctx.app.doorbell.ring(transport.SCHEDULER, 'migrate_volume', job_id)


def retype_volume(ctx, job_id):
    """A volume wants another type, and perhaps another pool for that."""
    ctx.app.doorbell.ring(transport.SCHEDULER, 'retype_volume', job_id)


def manage_volume(ctx, job_id):
    """Something on a backend wants to be a volume: does its pool fit?"""
    ctx.app.doorbell.ring(transport.SCHEDULER, 'manage_volume', job_id)


def create_group(ctx, job_id):
    """A group wants a place, or waits for its volumes."""
    ctx.app.doorbell.ring(transport.SCHEDULER, 'create_group', job_id)


def delete_group(ctx, job_id):
    """A group waits for its volumes to go."""
    ctx.app.doorbell.ring(transport.SCHEDULER, 'delete_group', job_id)


def look_again(ctx, job_id):
    """One of those that a job waits for has ended."""
    ctx.app.doorbell.ring(transport.SCHEDULER, 'look_again', job_id)

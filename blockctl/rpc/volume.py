# SPDX-License-Identifier: Apache-2.0
"""What can be said to a volume service. ``host`` is host@backend, or host@backend#pool."""


def backend_of(host):
    """'node1@rbd1' from 'node1@rbd1#volumes': the topic of its jobs."""
    return host.partition('#')[0]


def pool_of(host):
    """'volumes' from 'node1@rbd1#volumes'."""
    return host.partition('#')[2]


def create_volume(ctx, host, job_id):
    """A volume was promised a pool of this backend, and is to be made there."""
    ctx.app.doorbell.ring(backend_of(host), 'create_volume', job_id)


def delete_volume(ctx, host, job_id):
    """A volume on this backend is to go."""
    ctx.app.doorbell.ring(backend_of(host), 'delete_volume', job_id)

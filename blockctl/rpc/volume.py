# SPDX-License-Identifier: Apache-2.0
"""What can be said to a volume service. ``host`` is host@backend, or host@backend#pool."""

#: The methods of its endpoint. Each says that a job of the backend is there, and takes the job's id only.
OPERATIONS = ('create_volume', 'delete_volume', 'create_snapshot', 'delete_snapshot', 'revert_volume',
              'create_group_snapshot', 'delete_group_snapshot',
              'extend_volume', 'volume_extended', 'migrate_volume', 'retype_volume',
              'clear_volume', 'manage_volume', 'list_manageable', 'manage_snapshot',
              'connect_attachment', 'disconnect_attachment', 'initialize_connection', 'terminate_connection',
              'transfer_volume', 'clear_key', 'look_again')


def backend_of(host):
    """'node1@rbd1' from 'node1@rbd1#volumes': the topic of its jobs."""
    return host.partition('#')[0]


def pool_of(host):
    """'volumes' from 'node1@rbd1#volumes'."""
    return host.partition('#')[2]


def tell(ctx, host, operation, job_id):
    """A job of this backend is there: one of OPERATIONS."""
    ctx.app.doorbell.ring(backend_of(host), operation, job_id)

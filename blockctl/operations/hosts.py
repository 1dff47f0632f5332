# SPDX-License-Identifier: Apache-2.0
"""The backend an administrator names in a request: ``host`` (host@backend, or host@backend#pool) or ``cluster``."""

from blockctl import exceptions
from blockctl.db import services
from blockctl.operations import services as service_operations
from blockctl.rpc import volume as volume_rpc


def one(host, cluster):
    """Whichever is given. Raises InvalidRequest unless it is exactly one."""
    if bool(host) == bool(cluster):
        raise exceptions.InvalidRequest(reason='One and only one of cluster and host must be set.')
    return host or cluster


def service(ctx, host):
    """The service of a backend, as db.services has it, or None (of a cluster, too); in the caller's transaction."""
    backend = volume_rpc.backend_of(host or '')
    return next((row for row in services.everything(ctx)
                 if row.binary == service_operations.VOLUME and row.host == backend), None)


def serves(ctx, row):
    """Whether a service takes new work."""
    return row is not None and not row.disabled and services.is_up(row, ctx.conf.service_down_time)

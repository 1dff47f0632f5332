# SPDX-License-Identifier: Apache-2.0
"""The backend an administrator names in a request: ``host`` (host@backend, or host@backend#pool) or ``cluster``.

A host whose service belongs to a cluster names the backend of that cluster.
"""

from blockctl import exceptions
from blockctl.db import backends as db
from blockctl.db import deadlocks
from blockctl.db import services
from blockctl.db import volumes
from blockctl.rpc import volume as volume_rpc

#: Rights to what is refused while a backend is frozen: all that would change what is on it, or what it answers for.
#: Servers go on with the volumes they have, and may get others.
_REFUSED_WHILE_FROZEN = frozenset({
    'volume:create', 'volume:delete', 'volume:extend', 'volume:retype', 'volume:revert_to_snapshot', 'volume:reimage',
    'volume_extension:volume_admin_actions:force_delete', 'volume_extension:volume_admin_actions:migrate_volume',
    'volume_extension:volume_manage', 'volume_extension:volume_unmanage',
    'volume:create_snapshot', 'volume:delete_snapshot', 'volume_extension:snapshot_admin_actions:force_delete',
    'snapshot_extension:snapshot_manage', 'snapshot_extension:snapshot_unmanage',
    'group:create', 'group:delete', 'group:create_group_snapshot', 'group:delete_group_snapshot'})


def one(host, cluster):
    """Whichever is given. Raises InvalidRequest unless it is exactly one."""
    if bool(host) == bool(cluster):
        raise exceptions.InvalidRequest(reason='One and only one of cluster and host must be set.')
    return host or cluster


def place(ctx, host=None, cluster=None):
    """What ``host`` or ``cluster`` is called by pools and jobs, with its pool, if it has one; None: no such service.

    In the caller's transaction.
    """
    wanted = host or cluster or ''
    backend, mark, pool = wanted.partition('#')
    for row in services.everything(ctx):
        if row.binary == db.BINARY and backend in (
                (row.cluster_name,) if cluster else (row.host, row.backend)):
            return f'{row.backend}{mark}{pool}'
    return None


def serves(ctx, host):
    """Whether the backend of ``host`` (as :func:`place` says it; None: it is none) is up and takes new work."""
    return host is not None and services.taking(ctx, ctx.conf.service_down_time).get(volume_rpc.backend_of(host), False)


def must_be_thawed(ctx, rule, host=None, volume_id=None):
    """Raise BackendIsFrozen when ``rule`` is a right to change what is on the backend of ``host``, and that is frozen.

    ``host`` None: it is on no storage, or where the volume ``volume_id`` is.  In the caller's transaction.
    """
    if rule not in _REFUSED_WHILE_FROZEN:
        return
    if volume_id is not None:
        host = volumes.get(ctx, volume_id).host
    if host is not None and db.is_frozen(ctx, volume_rpc.backend_of(host)):
        raise exceptions.BackendIsFrozen()


# --- freezing, and failing over
@deadlocks.retried
def freeze(ctx, host=None, cluster=None):
    """Take no new work on a backend and let nothing change what is there. Raises NoServiceFound, CannotFreeze."""
    ctx.must('volume:freeze_host')
    with ctx.writing():
        backend = _named(ctx, host, cluster)
        if not db.freeze(ctx, backend, True, 'frozen'):
            raise exceptions.CannotFreeze(field='cluster' if cluster else 'host', value=backend, state='frozen already')


@deadlocks.retried
def thaw(ctx, host=None, cluster=None):
    """Take new work on a backend again, and allow changes. Raises NoServiceFound, CannotFreeze."""
    ctx.must('volume:thaw_host')
    with ctx.writing():
        backend = _named(ctx, host, cluster)
        if not db.freeze(ctx, backend, False):
            raise exceptions.CannotFreeze(field='cluster' if cluster else 'host', value=backend, state='not frozen')


def fail_over(ctx, host=None, cluster=None):
    """Refuse: no driver replicates, so there is nothing to go over to. Raises NoServiceFound, else CannotFailOver."""
    ctx.must('volume:failover_host')
    with ctx.reading():
        backend = _named(ctx, host, cluster)
    raise exceptions.CannotFailOver(field='cluster' if cluster else 'host', value=backend)


def _named(ctx, host, cluster):
    """The backend; it is never a pool. Raises InvalidRequest unless it is exactly one of the two, NoServiceFound."""
    wanted = one(host, cluster)
    found = place(ctx, host, cluster)
    if found is None or '#' in found:
        raise exceptions.NoServiceFound(field='cluster' if cluster else 'host', value=wanted)
    return found

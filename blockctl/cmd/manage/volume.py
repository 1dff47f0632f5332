# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage volume: what is done to volumes whatever their state is."""

from blockctl import exceptions
from blockctl.cmd import answers
from blockctl.cmd.answers import Answer
from blockctl.cmd.manage import bell
from blockctl.db import volume_hosts
from blockctl.operations import volume_status

#: Volumes that one transaction renames at most.
AT_ONCE = 500


def delete(ctx, args):
    """Delete a volume whatever its status is, as os-force_delete does.

    The volume service removes its image; until then its status is deleting.
    """
    with bell.sending(ctx):
        volume_status.force_delete(ctx, args.volume_id)
    return Answer(('Volume', 'Result'), [(args.volume_id, 'accepted')])


def update_host(ctx, args):
    """Have volumes name another host, after a service or a pool was renamed.

    Both names are host@backend#pool, or both are host@backend: then that of all its pools. Nothing is moved: the new
    name must stand for the same storage. A volume that is being worked on stays; exit status 1 tells that there are
    some: run it again.
    """
    if ('#' in args.currenthost) != ('#' in args.newhost):
        raise exceptions.InvalidRequest(reason='either both names have a pool (host@backend#pool), or none has')
    rows = [_rename(ctx, old, args.newhost + old.removeprefix(args.currenthost)) for old in _pools(ctx, args)]
    status = answers.FOUND if any(row[-1] for row in rows) else answers.WELL
    return Answer(('From', 'To', 'Volumes', 'Groups', 'Volumes left'), rows, status)


def _pools(ctx, args):
    if '#' in args.currenthost:
        return [args.currenthost]
    with ctx.reading():
        return volume_hosts.pools_named(ctx, args.currenthost)


def _rename(ctx, old, new):
    volumes = 0
    while True:
        with ctx.writing():
            renamed = volume_hosts.rename(ctx, old, new, AT_ONCE)
        volumes += renamed
        if renamed < AT_ONCE:
            break
    with ctx.writing():
        groups = volume_hosts.rename_groups(ctx, old, new)
        return old, new, volumes, groups, volume_hosts.left(ctx, old)

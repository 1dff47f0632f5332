# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage cluster: names that several services of one backend share."""

from blockctl.cmd.answers import Answer
from blockctl.db import clusters
from blockctl.db import services


def show_all(ctx, args):
    """List clusters, and how many of their services are down."""
    with ctx.reading():
        rows = clusters.everything(ctx)
        members = services.everything(ctx)
    return Answer(('Name', 'Binary', 'Status', 'State', 'Services', 'Services down'),
                  [_row(ctx, row, members) for row in rows])


def _row(ctx, cluster, everything):
    members = [row for row in everything if (row.binary, row.cluster_name) == (cluster.binary, cluster.name)]
    down = [row for row in members if not services.is_up(row, ctx.conf.service_down_time)]
    return (cluster.name, cluster.binary, 'disabled' if cluster.disabled else 'enabled',
            'up' if len(down) < len(members) else 'down', len(members), len(down))


def remove(ctx, args):
    """Forget a cluster that no process serves any more, and the pools of it that no volume is on.

    With --recursive its services are forgotten too; without, it must have none.
    """
    with ctx.writing():
        clusters.remove(ctx, args.binary, args.cluster, ctx.conf.service_down_time, with_services=args.recursive)
    return Answer(('Name', 'Binary', 'Result'), [(args.cluster, args.binary, 'removed')])


def rename(ctx, args):
    """Have all that names a cluster, or its backends, name another in its place.

    For the time when none of its processes runs, and nothing is left for them to do.
    """
    with ctx.writing():
        counts = clusters.rename(ctx, args.current, args.new, ctx.conf.service_down_time)
    return Answer(('Table', 'Rows renamed'), list(counts.items()))

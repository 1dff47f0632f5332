# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage service: what is, or was, served by processes."""

from blockctl.cmd.answers import Answer
from blockctl.db import services


def show_all(ctx, args):
    """List services, and whether a process serves them."""
    with ctx.reading():
        rows = services.everything(ctx)
    seconds = ctx.conf.service_down_time
    return Answer(('Binary', 'Host', 'Zone', 'Status', 'State', 'Last beat'), [
        (row.binary, row.host, row.availability_zone, 'disabled' if row.disabled else 'enabled',
         'up' if services.is_up(row, seconds) else 'down', row.last_beat) for row in rows])


def remove(ctx, args):
    """Forget a service that no process serves any more, and the pools of it that no volume is on."""
    with ctx.writing():
        services.remove(ctx, args.binary, args.host, ctx.conf.service_down_time)
    return Answer(('Binary', 'Host', 'Result'), [(args.binary, args.host, 'removed')])

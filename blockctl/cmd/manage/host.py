# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage host: where services are."""

from blockctl.cmd.answers import Answer
from blockctl.db import services


def show_all(ctx, args):
    """List hosts and the zones of their services."""
    with ctx.reading():
        rows = services.everything(ctx)
    found = sorted({(row.host, row.availability_zone or '') for row in rows})
    return Answer(('Host', 'Zone'), [row for row in found if args.zone in (None, row[1])])

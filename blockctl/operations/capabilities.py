# SPDX-License-Identifier: Apache-2.0
"""What backends say they can do."""

from blockctl import exceptions
from blockctl.db import pools
from blockctl.operations import backends


def show(ctx, host):
    """The last report on a backend, as volume/reports.py makes it, of its first pool: all have the same here.

    Raises CapabilitiesNotFound for what is no backend, or has not reported yet.
    """
    ctx.must('volume_extension:capabilities')
    with ctx.reading():
        place = backends.place(ctx, host)
        report = next((pool.report for pool in pools.everything(ctx) if pool.backend == place), None)
    if report is None:
        raise exceptions.CapabilitiesNotFound(host=host)
    return report

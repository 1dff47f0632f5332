# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage quota: usage, and the rows it is of."""

from blockctl.cmd import answers
from blockctl.db import quota_repair

_HEADING = ('Project', 'Resource', 'Recorded', 'Counted')


def check(ctx, args):
    """Compare quota usage with the rows; changes nothing.

    Requests may come in meanwhile: where a first look finds a difference, those of that project wait for the second.
    """
    return answers.check(_HEADING, [row for project_id in quota_repair.suspects(ctx, args.project_id)
                                    for row in quota_repair.differences(ctx, project_id)])


def sync(ctx, args):
    """Make quota usage what the rows say, and tell what was not.

    One project after the other, each in a transaction for which its other requests wait.
    """
    return answers.Answer(_HEADING, [row for project_id in quota_repair.suspects(ctx, args.project_id)
                                     for row in quota_repair.repair(ctx, project_id)])

# SPDX-License-Identifier: Apache-2.0
"""What a project may have, and has."""

from blockctl.db import quotas


def find(ctx, project_id=None):
    """(limits, usages) by resource; usages is None for who may not see them.

    ``project_id``: another project, for administrators; others get their own.
    """
    if project_id is None or not ctx.is_admin:
        project_id = ctx.project_id
    see_usage = ctx.can('limits_extension:used_limits', {'project_id': project_id})
    with ctx.reading():
        return quotas.limits(ctx, project_id), quotas.usages(ctx, project_id) if see_usage else None

# SPDX-License-Identifier: Apache-2.0
"""Quota classes: limits by name. Those of the class 'default' hold for projects without their own.

Unless ``use_default_quota_class`` is off: then the options do.
"""

from blockctl.db import quotas as db
from blockctl.operations import quotas


def show(ctx, class_name):
    """{name as outside: limit}."""
    ctx.must('volume_extension:quota_classes:get')
    with ctx.reading():
        return quotas.limits_of(quotas.names(ctx), db.class_limits(ctx, class_name))


def update(ctx, class_name, limits):
    """Set ``limits`` ({name as outside: limit}). Returns all. Raises InvalidRequest for what is not counted."""
    ctx.must('volume_extension:quota_classes:update')
    with ctx.writing():
        counted = quotas.names(ctx)
        db.set_class_limits(ctx, class_name, quotas.inside(counted, limits, 'quota class set'))
        return quotas.limits_of(counted, db.class_limits(ctx, class_name))

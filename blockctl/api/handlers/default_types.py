# SPDX-License-Identifier: Apache-2.0
"""Default types of projects."""

from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import default_types as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import default_types as view
from blockctl.operations import default_types


@endpoint(since='3.62', view=view.DETAIL)
def index(ctx, call):
    """All at once, as in the reference: there are not many."""
    return Many(default_types.find(ctx))


@endpoint(since='3.62', view=view.DETAIL)
def show(ctx, call, project_id):
    return One(default_types.show(ctx, project_id))


@endpoint(since='3.62', body=schema.UPDATE, view=view.DETAIL)
def update(ctx, call, project_id):
    return One(default_types.update(ctx, project_id, call.body['volume_type']))


@endpoint(since='3.62', code=204)
def delete(ctx, call, project_id):
    default_types.delete(ctx, project_id)

# SPDX-License-Identifier: Apache-2.0
"""Snapshots of consistency groups: group snapshots as older clients ask for them."""

from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.handlers import groups
from blockctl.api.schemas import cgsnapshots as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import cgsnapshots as view
from blockctl.operations import group_snapshots


@endpoint(view=view.BRIEF)
def index(ctx, call):
    return _list(ctx, call)


@endpoint(view=view.DETAIL)
def detail(ctx, call):
    return _list(ctx, call)


def _list(ctx, call):
    """Nothing tells that there are more pages: clients of old do not look for it."""
    page = pagination.page(ctx, call, group_snapshots.SORTS, counted_since=None)
    wanted = filters.read(ctx, call, 'group_snapshot', everybody=True)
    found = group_snapshots.find(ctx, page, wanted, pagination.all_tenants(ctx, call), of_consistency_groups=True)
    return Many(found.rows)


@endpoint(view=view.DETAIL)
def show(ctx, call, group_snapshot_id):
    return One(group_snapshots.show(ctx, group_snapshot_id, of_consistency_groups=True))


@endpoint(body=schema.CREATE, view=view.BRIEF, code=202)
def create(ctx, call):
    return One(group_snapshots.create(ctx, call.body['consistencygroup_id'], of_consistency_groups=True,
                                      **groups.described(call.body)))


@endpoint(code=202)
def delete(ctx, call, group_snapshot_id):
    group_snapshots.delete(ctx, group_snapshot_id, of_consistency_groups=True)

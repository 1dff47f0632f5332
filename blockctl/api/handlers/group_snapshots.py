# SPDX-License-Identifier: Apache-2.0
"""Group snapshots."""

from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.handlers import groups
from blockctl.api.schemas import group_snapshots as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import group_snapshots as view
from blockctl.db import pages
from blockctl.operations import group_snapshots


@endpoint(since='3.14', until='3.28', view=view.BRIEF)
def index_all(ctx, call):
    return _list_all(ctx, call)


@endpoint(since='3.14', until='3.28', view=view.DETAIL)
def detail_all(ctx, call):
    return _list_all(ctx, call)


def _list_all(ctx, call):
    """Before 3.29 the list was neither paged nor sorted nor filtered."""
    page = pages.Page(limit=ctx.conf.osapi_max_limit)
    return Many(group_snapshots.find(ctx, page, {}, pagination.all_tenants(ctx, call)).rows)


@endpoint(since='3.29', view=view.BRIEF)
def index(ctx, call):
    return _list(ctx, call)


@endpoint(since='3.29', view=view.DETAIL)
def detail(ctx, call):
    return _list(ctx, call)


def _list(ctx, call):
    page = pagination.page(ctx, call, group_snapshots.SORTS, counted_since=None)
    wanted = filters.read(ctx, call, 'group_snapshot')
    found = group_snapshots.find(ctx, page, wanted, pagination.all_tenants(ctx, call))
    return Many(found.rows, next_url=pagination.next_url(call, found))


@endpoint(since='3.14', view=view.DETAIL)
def show(ctx, call, group_snapshot_id):
    return One(group_snapshots.show(ctx, group_snapshot_id))


@endpoint(since='3.14', body=schema.CREATE, view=view.CREATED, code=202)
def create(ctx, call):
    return One(group_snapshots.create(ctx, call.body['group_id'], **groups.described(call.body)))


@endpoint(since='3.14', code=202)
def delete(ctx, call, group_snapshot_id):
    group_snapshots.delete(ctx, group_snapshot_id)


@endpoint(since='3.19', body=schema.RESET_STATUS, code=202)
def reset_status(ctx, call, group_snapshot_id):
    group_snapshots.reset_status(ctx, group_snapshot_id, call.body['status'].lower())

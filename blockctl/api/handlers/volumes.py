# SPDX-License-Identifier: Apache-2.0
"""Volumes."""

from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import volumes as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import volumes as view
from blockctl.operations import volumes


@endpoint(view=view.BRIEF)
def index(ctx, call):
    return _list(ctx, call, details=False)


@endpoint(view=view.DETAIL)
def detail(ctx, call):
    return _list(ctx, call, details=True)


def _list(ctx, call, details):
    page = pagination.page(ctx, call, volumes.SORTS)
    found, related = volumes.find(ctx, page, details)
    return Many(found.rows, related, pagination.next_url(call, found), found.count)


@endpoint(view=view.DETAIL)
def show(ctx, call, volume_id):
    return One(*volumes.show(ctx, volume_id))


@endpoint(body=schema.CREATE, view=view.CHANGED, code=202)
def create(ctx, call):
    return One(*volumes.create(ctx, call.body))

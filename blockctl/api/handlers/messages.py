# SPDX-License-Identifier: Apache-2.0
"""User messages."""

from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import messages as view
from blockctl.db import pages
from blockctl.operations import messages


@endpoint(since='3.3', until='3.4', view=view.DETAIL)
def index_all(ctx, call):
    """Before 3.5 the list was neither paged nor sorted nor filtered."""
    return Many(messages.find(ctx, pages.Page(limit=ctx.conf.osapi_max_limit), {}).rows)


@endpoint(since='3.5', view=view.DETAIL)
def index(ctx, call):
    page = pagination.page(ctx, call, messages.SORTS, counted_since=None)
    found = messages.find(ctx, page, filters.read(ctx, call, 'message'))
    return Many(found.rows, next_url=pagination.next_url(call, found))


@endpoint(since='3.3', view=view.DETAIL)
def show(ctx, call, message_id):
    return One(messages.show(ctx, message_id))


@endpoint(since='3.3', code=204)
def delete(ctx, call, message_id):
    messages.delete(ctx, message_id)

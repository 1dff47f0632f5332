# SPDX-License-Identifier: Apache-2.0
"""Attachments."""

from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import attachments as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import attachments as view
from blockctl.operations import attachments

SINCE = '3.27'


@endpoint(since=SINCE, view=view.BRIEF)
def index(ctx, call):
    return _list(ctx, call)


@endpoint(since=SINCE, view=view.DETAIL)
def detail(ctx, call):
    return _list(ctx, call)


def _list(ctx, call):
    # No version of it counts, or has a link to the next page.
    page = pagination.page(ctx, call, attachments.SORTS, counted_since=None)
    wanted = filters.read(ctx, call, 'attachment')
    return Many(attachments.find(ctx, page, wanted, pagination.all_tenants(ctx, call)).rows)


@endpoint(since=SINCE, view=view.DETAIL)
def show(ctx, call, attachment_id):
    return One(attachments.show(ctx, attachment_id))


@endpoint(since=SINCE, body=schema.CREATE, view=view.DETAIL)
def create(ctx, call):
    body = call.body
    return One(attachments.create(ctx, attachments.NewAttachment(
        volume_id=body['volume_uuid'], instance_id=body.get('instance_uuid'),
        connector=body.get('connector') or None, mode=body.get('mode'))))


@endpoint(since=SINCE, body=schema.UPDATE, view=view.DETAIL)
def update(ctx, call, attachment_id):
    return One(attachments.update(ctx, attachment_id, call.body['connector']))


@endpoint(since=SINCE, view=view.BRIEF)
def delete(ctx, call, attachment_id):
    """Answers the attachments that the volume still has."""
    return Many(attachments.delete(ctx, attachment_id))


@endpoint(since='3.44', code=204)
def complete(ctx, call, attachment_id):
    attachments.complete(ctx, attachment_id)

# SPDX-License-Identifier: Apache-2.0
"""Transfers of volumes: /os-volume-transfer, and from 3.55 on by that name or as /volume-transfers."""

from blockctl import microversions
from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api import parameter_types as t
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import transfers as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import transfers as view
from blockctl.db import pages
from blockctl.operations import transfers


@endpoint(view=view.BRIEF)
def index(ctx, call):
    return _list(ctx, call)


@endpoint(view=view.DETAIL)
def detail(ctx, call):
    return _list(ctx, call)


def _list(ctx, call):
    paged = call.version >= microversions.TRANSFER_PAGINATION
    page = (pagination.page(ctx, call, transfers.SORTS, counted_since=None) if paged
            else pages.Page(limit=ctx.conf.osapi_max_limit))
    wanted = filters.read(ctx, call, 'transfer', everybody=True)
    found = transfers.find(ctx, page, wanted, pagination.all_tenants(ctx, call))
    return Many(found.rows, next_url=pagination.next_url(call, found) if paged else None)


@endpoint(view=view.DETAIL)
def show(ctx, call, transfer_id):
    return One(transfers.show(ctx, transfer_id))


@endpoint(body=schema.CREATE, view=view.CREATED, code=202)
def create(ctx, call):
    body = call.body
    left_out = pagination.boolean('no_snapshots', str(body.get('no_snapshots', False)))
    return One(*transfers.create(ctx, body['volume_id'], with_snapshots=not left_out,
                                 encrypted=call.version >= microversions.TRANSFER_ENCRYPTED, **t.described(body)))


@endpoint(body=schema.ACCEPT, view=view.BRIEF, code=202)
def accept(ctx, call, transfer_id):
    return One(transfers.accept(ctx, transfer_id, str(call.body['auth_key'])))


@endpoint(code=202)
def delete(ctx, call, transfer_id):
    transfers.delete(ctx, transfer_id)

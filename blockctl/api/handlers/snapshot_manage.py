# SPDX-License-Identifier: Apache-2.0
"""Snapshots made of what is on a backend: os-snapshot-manage, and manageable_snapshots since 3.8."""

from blockctl.api.endpoint import endpoint
from blockctl.api.handlers import volume_manage
from blockctl.api.schemas import snapshot_manage as schema
from blockctl.api.versioned import One
from blockctl.api.views import snapshot_manage as view
from blockctl.api.views import volume_manage as lists
from blockctl.operations import snapshot_manage


def _index(ctx, call):
    return _list(ctx, call, detail=False)


def _detail(ctx, call):
    return _list(ctx, call, detail=True)


def _list(ctx, call, detail):
    page, where = volume_manage.page_of(ctx, call)
    return {'manageable-snapshots': lists.listed(snapshot_manage.find(ctx, page, **where), detail=detail)}


def _create(ctx, call):
    body = call.body
    return One(*snapshot_manage.manage(ctx, body['volume_id'], body['ref']['source-name'], body.get('name'),
                                       body.get('description'), body.get('metadata')))


# Each under its older name and, from 3.8 on, as a resource of its own.
index_older, index = endpoint()(_index), endpoint(since='3.8')(_index)
detail_older, detail = endpoint()(_detail), endpoint(since='3.8')(_detail)
_CREATE = {'body': schema.MANAGE, 'view': view.ACCEPTED, 'code': 202}
create_older, create = endpoint(**_CREATE)(_create), endpoint(since='3.8', **_CREATE)(_create)

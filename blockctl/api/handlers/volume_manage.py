# SPDX-License-Identifier: Apache-2.0
"""Volumes made of what is on a backend: os-volume-manage, and manageable_volumes since 3.8."""

import dataclasses
import json

from blockctl import exceptions
from blockctl import microversions
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import volume_manage as schema
from blockctl.api.versioned import One
from blockctl.api.views import volume_manage as view
from blockctl.operations import manageable
from blockctl.operations import volume_manage


def page_of(ctx, call):
    """(Page whose marker is a reference, {host or cluster}) of a query string."""
    page = pagination.page(ctx, call, manageable.SORTS, counted_since=None)
    if page.marker is not None:
        page = dataclasses.replace(page, marker=_reference(page.marker))
    where = {'host': call.query.get('host')}
    if call.version >= microversions.MANAGEABLE_CLUSTER:
        where['cluster'] = call.query.get('cluster')
    return page, where


def _reference(text):
    try:
        marker = json.loads(text)
    except (ValueError, RecursionError):
        marker = None
    if not isinstance(marker, dict):
        raise exceptions.InvalidField(field='marker', value=text[:80],
                                      reason='It must be a reference as JSON, such as {"source-name": "name"}.')
    return marker


def _index(ctx, call):
    return _list(ctx, call, detail=False)


def _detail(ctx, call):
    return _list(ctx, call, detail=True)


def _list(ctx, call, detail):
    page, where = page_of(ctx, call)
    return {'manageable-volumes': view.listed(volume_manage.find(ctx, page, **where), detail=detail)}


def _create(ctx, call):
    body = call.body
    return One(*volume_manage.manage(ctx, volume_manage.Existing(
        source_name=body['ref']['source-name'], host=body.get('host'), cluster=body.get('cluster'),
        name=body.get('name'), description=body.get('description'), volume_type=body.get('volume_type'),
        availability_zone=body.get('availability_zone'), metadata=body.get('metadata') or {},
        bootable=pagination.boolean('bootable', str(body.get('bootable', False))))))


# Each under its older name and, from 3.8 on, as a resource of its own.
index_older, index = endpoint()(_index), endpoint(since='3.8')(_index)
detail_older, detail = endpoint()(_detail), endpoint(since='3.8')(_detail)
_CREATE = {'body': schema.MANAGE, 'view': view.ACCEPTED, 'code': 202}
create_older, create = endpoint(**_CREATE)(_create), endpoint(since='3.8', **_CREATE)(_create)

# SPDX-License-Identifier: Apache-2.0
"""Snapshots."""

from blockctl import exceptions
from blockctl import microversions
from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api import parameter_types as t
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import snapshots as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import snapshots as view
from blockctl.operations import snapshots


@endpoint(view=view.BRIEF)
def index(ctx, call):
    return _list(ctx, call)


@endpoint(view=view.DETAIL)
def detail(ctx, call):
    return _list(ctx, call)


def _list(ctx, call):
    sorts = snapshots.SORTS if call.version >= microversions.SNAPSHOT_SORT else snapshots.SORTS - {'name'}
    page = pagination.page(ctx, call, sorts)
    wanted = filters.read(ctx, call, 'snapshot')
    found, metadata = snapshots.find(ctx, page, wanted, pagination.all_tenants(ctx, call))
    return Many(found.rows, metadata, pagination.next_url(call, found), found.count)


@endpoint(view=view.DETAIL)
def show(ctx, call, snapshot_id):
    return One(*snapshots.show(ctx, snapshot_id))


@endpoint(body=schema.CREATE, view=view.CHANGED, code=202)
def create(ctx, call):
    body = call.body
    if body['volume_id'] is None:
        raise exceptions.VolumeNotFound(volume_id=None)
    return One(*snapshots.create(ctx, snapshots.NewSnapshot(
        volume_id=body['volume_id'], metadata=body.get('metadata') or {}, in_use_too=_in_use_too(call),
        **t.described(body))))


def _in_use_too(call):
    """Whether a server may have the volume: to be asked for until 3.65, and so from 3.66 on."""
    force = pagination.boolean('force', str(call.body['force'])) if 'force' in call.body else None
    if call.version < microversions.SNAPSHOT_IN_USE:
        return bool(force)
    if force is False:
        raise exceptions.InvalidField(
            field='force', value=call.body['force'],
            reason='Since microversion 3.66 snapshots of volumes in use need no force, and cannot be refused by it.')
    return True


@endpoint(body=schema.UPDATE, view=view.CHANGED)
def update(ctx, call, snapshot_id):
    return One(*snapshots.update(ctx, snapshot_id, t.described(call.body)))


@endpoint(code=202)
def delete(ctx, call, snapshot_id):
    snapshots.delete(ctx, snapshot_id)

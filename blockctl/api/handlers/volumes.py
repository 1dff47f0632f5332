# SPDX-License-Identifier: Apache-2.0
"""Volumes."""

from blockctl import exceptions
from blockctl import microversions
from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api import parameter_types as t
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import volumes as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import volumes as view
from blockctl.operations import volume_create
from blockctl.operations import volumes


@endpoint(view=view.BRIEF)
def index(ctx, call):
    return _list(ctx, call, details=False)


@endpoint(view=view.DETAIL)
def detail(ctx, call):
    return _list(ctx, call, details=True)


def _list(ctx, call, details):
    page = pagination.page(ctx, call, volumes.SORTS)
    wanted = filters.read(ctx, call, 'volume')
    found, related = volumes.find(ctx, page, wanted, pagination.all_tenants(ctx, call), details)
    return Many(found.rows, related, pagination.next_url(call, found), found.count)


@endpoint(view=view.DETAIL)
def show(ctx, call, volume_id):
    return One(*volumes.show(ctx, volume_id))


@endpoint(body=schema.CREATE, view=view.CHANGED, code=202)
def create(ctx, call):
    body = call.body
    if body.get('multiattach') not in (None, False) and pagination.boolean('multiattach', str(body['multiattach'])):
        raise exceptions.InvalidField(field='multiattach', value=True,
                                      reason='Use a volume type that has multiattach enabled instead.')
    name, description = _names(body)
    return One(*volume_create.create(ctx, volume_create.NewVolume(
        size=t.size('size', body['size']) if body.get('size') is not None else None,
        name=name, description=description,
        volume_type=body.get('volume_type') or None, availability_zone=body.get('availability_zone'),
        metadata=body.get('metadata') or {}, snapshot_id=body.get('snapshot_id'),
        source_volid=body.get('source_volid'), image_ref=body.get('imageRef') or body.get('image_id'),
        backup_id=body.get('backup_id'), group_id=body.get('group_id') or body.get('consistencygroup_id'),
        scheduler_hints=_hints(call))))


def _names(body):
    """(name, description), without blanks around them."""
    name = body['name'] if 'name' in body else body.get('display_name')
    description = body['description'] if 'description' in body else body.get('display_description')
    return tuple(text.strip() if text is not None else None for text in (name, description))


def _hints(call):
    """From beside the volume, where they belong, or from inside it, as was once possible."""
    places = (call.document.get('OS-SCH-HNT:scheduler_hints'), call.body.get('OS-SCH-HNT:scheduler_hints'),
              call.body.get('scheduler_hints'))
    return next((hints for hints in places if hints), {})


@endpoint(body=schema.UPDATE, view=view.CHANGED)
def update(ctx, call, volume_id):
    name, description = _names(call.body)
    values = {}
    if 'name' in call.body or 'display_name' in call.body:
        values['name'] = name
    if 'description' in call.body or 'display_description' in call.body:
        values['description'] = description
    return One(*volumes.update(ctx, volume_id, values, call.body.get('metadata')))


@endpoint(code=202)
def delete(ctx, call, volume_id):
    """``cascade`` deletes its snapshots with it; unknown keys are of no interest."""
    force = cascade = False
    if call.version >= microversions.DELETE_FORCE and 'force' in call.query:
        force = pagination.boolean('force', call.query['force'])
    if 'cascade' in call.query:
        cascade = pagination.boolean('cascade', call.query['cascade'])
    volumes.delete(ctx, volume_id, force, cascade)


@endpoint(since='3.12')
def summary(ctx, call):
    with_metadata = call.version >= microversions.SUMMARY_METADATA
    count, size, metadata = volumes.summarize(ctx, pagination.all_tenants(ctx, call), with_metadata)
    shown = {'total_count': count, 'total_size': size}
    if with_metadata:
        shown['metadata'] = metadata
    return {'volume-summary': shown}

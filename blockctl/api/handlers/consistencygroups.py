# SPDX-License-Identifier: Apache-2.0
"""Consistency groups: groups as older clients ask for them. Any group can be asked for here."""

from blockctl import exceptions
from blockctl import microversions
from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.handlers import groups as group_handlers
from blockctl.api.schemas import consistencygroups as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import consistencygroups as view
from blockctl.operations import group_create
from blockctl.operations import groups


@endpoint(view=view.BRIEF)
def index(ctx, call):
    return _list(ctx, call, details=False)


@endpoint(view=view.DETAIL)
def detail(ctx, call):
    return _list(ctx, call, details=True)


def _list(ctx, call, details):
    page = pagination.page(ctx, call, groups.SORTS, counted_since=None)
    wanted = filters.read(ctx, call, 'group', everybody=True)
    found, related = groups.find(ctx, page, wanted, pagination.all_tenants(ctx, call), details, consistency_groups=True)
    return Many(found.rows, related, pagination.next_url(call, found))


@endpoint(view=view.DETAIL)
def show(ctx, call, group_id):
    return One(*groups.show(ctx, group_id, consistency_groups=True))


@endpoint(body=schema.CREATE, view=view.BRIEF, code=202)
def create(ctx, call):
    body = call.body
    types = group_handlers.ids(body, 'volume_types')
    if not types:
        raise exceptions.InvalidRequest('volume_types must be provided to create a consistency group.')
    return One(group_create.create_consistency_group(ctx, types, body.get('availability_zone'),
                                                     **group_handlers.described(body)))


@endpoint(body=schema.CREATE_FROM_SRC, view=view.BRIEF, code=202)
def create_from_src(ctx, call):
    body, described = call.body, group_handlers.described(call.body)
    snapshot_id, group_id = body.get('cgsnapshot_id'), body.get('source_cgid')
    if bool(snapshot_id) == bool(group_id):
        raise exceptions.InvalidRequest("One of 'cgsnapshot_id' and 'source_cgid' must be provided to create a "
                                        'consistency group from a source, and not both.')
    if snapshot_id:
        return One(group_create.create_from_snapshot(ctx, snapshot_id, consistency_groups=True, **described))
    return One(group_create.create_from_group(ctx, group_id, consistency_groups=True, **described))


@endpoint(body=schema.UPDATE, code=202)
def update(ctx, call, group_id):
    """Before 3.6 an empty name or description means "as it is"; to change nothing else is refused at any version."""
    if not any(call.body.values()):
        raise exceptions.InvalidRequest('Name, description, add_volumes, and remove_volumes can not be all empty in '
                                        'the request body.')
    values = group_handlers.changes(call.body)
    if call.version < microversions.CG_UPDATE_BLANK:
        values = {name: value for name, value in values.items() if value}
    groups.update(ctx, group_id, values, group_handlers.ids(call.body, 'add_volumes'),
                  group_handlers.ids(call.body, 'remove_volumes'), consistency_groups=True)


@endpoint(body=schema.DELETE, code=202)
def delete(ctx, call, group_id):
    """``force``: with its volumes."""
    force = (call.body.get('consistencygroup') or {}).get('force', False)
    groups.delete(ctx, group_id, pagination.boolean('force', str(force)), consistency_groups=True)


@endpoint(code=202)
def delete_empty(ctx, call, group_id):
    groups.delete(ctx, group_id, with_volumes=False, consistency_groups=True)

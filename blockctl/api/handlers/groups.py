# SPDX-License-Identifier: Apache-2.0
"""Groups."""

from blockctl import exceptions
from blockctl import microversions
from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import groups as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import groups as view
from blockctl.operations import group_create
from blockctl.operations import groups


@endpoint(since='3.13', view=view.BRIEF)
def index(ctx, call):
    return _list(ctx, call, details=False)


@endpoint(since='3.13', view=view.DETAIL)
def detail(ctx, call):
    return _list(ctx, call, details=True)


def _list(ctx, call, details):
    page = pagination.page(ctx, call, groups.SORTS, counted_since=None)
    wanted = filters.read(ctx, call, 'group', skip={'list_volume'})
    found, related = groups.find(ctx, page, wanted, pagination.all_tenants(ctx, call), details, _list_volume(call))
    return Many(found.rows, related, pagination.next_url(call, found))


def _list_volume(call):
    """Whether volumes are to be shown with a group."""
    if call.version < microversions.GROUP_VOLUMES or 'list_volume' not in call.query:
        return False
    return pagination.boolean('list_volume', call.query['list_volume'])


@endpoint(since='3.13', view=view.DETAIL)
def show(ctx, call, group_id):
    return One(*groups.show(ctx, group_id, _list_volume(call)))


@endpoint(since='3.13', body=schema.CREATE, view=view.BRIEF, code=202)
def create(ctx, call):
    body = call.body
    return One(group_create.create(ctx, body['group_type'], body['volume_types'], body.get('availability_zone'),
                                   **described(body)))


def described(body):
    """{name: ..., description: ...} of what is made, without blanks around the name."""
    name = body.get('name')
    return {'name': name.strip() if name is not None else None, 'description': body.get('description')}


def changes(body):
    """What of name and description is to change: null means "as it is"."""
    return {key: value for key, value in described(body).items() if value is not None}


def ids(body, name):
    """The ids of a text like 'a,b'; none is none."""
    return [part.strip() for part in (body.get(name) or '').split(',') if part.strip()]


@endpoint(since='3.13', body=schema.UPDATE, code=202)
def update(ctx, call, group_id):
    groups.update(ctx, group_id, changes(call.body), ids(call.body, 'add_volumes'), ids(call.body, 'remove_volumes'))


# --- actions
@endpoint(since='3.14', body=schema.CREATE_FROM_SRC, view=view.BRIEF, code=202)
def create_from_src(ctx, call):
    """The action of no group: its path has none."""
    body = call.body
    if ('group_snapshot_id' in body) == ('source_group_id' in body):
        raise exceptions.InvalidRequest(
            reason='create-from-src: it must have one of group_snapshot_id and source_group_id')
    if 'group_snapshot_id' in body:
        return One(group_create.create_from_snapshot(ctx, body['group_snapshot_id'], **described(body)))
    return One(group_create.create_from_group(ctx, body['source_group_id'], **described(body)))


@endpoint(since='3.13', body=schema.DELETE, code=202)
def delete(ctx, call, group_id):
    groups.delete(ctx, group_id, pagination.boolean('delete-volumes', str(call.body.get('delete-volumes', False))))


@endpoint(since='3.20', body=schema.RESET_STATUS, code=202)
def reset_status(ctx, call, group_id):
    groups.reset_status(ctx, group_id, call.body['status'].lower())


@endpoint(since='3.38', body=schema.ENABLE_REPLICATION, code=202)
def enable_replication(ctx, call, group_id):
    groups.replicate(ctx, group_id, 'group:enable_replication')


@endpoint(since='3.38', body=schema.DISABLE_REPLICATION, code=202)
def disable_replication(ctx, call, group_id):
    groups.replicate(ctx, group_id, 'group:disable_replication')


@endpoint(since='3.38', body=schema.FAILOVER_REPLICATION, code=202)
def failover_replication(ctx, call, group_id):
    groups.replicate(ctx, group_id, 'group:failover_replication')


@endpoint(since='3.38', body=schema.LIST_REPLICATION_TARGETS)
def list_replication_targets(ctx, call, group_id):
    groups.replicate(ctx, group_id, 'group:list_replication_targets')

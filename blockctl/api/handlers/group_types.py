# SPDX-License-Identifier: Apache-2.0
"""Group types."""

from blockctl import exceptions
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import group_types as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import group_types as view
from blockctl.operations import group_types


@endpoint(since='3.11', view=view.DETAIL)
def index(ctx, call):
    """Other query keys than is_public and those of paging are of no interest."""
    page = pagination.page(ctx, call, group_types.SORTS, counted_since=None)
    found, shown = group_types.find(ctx, page, _is_public(ctx, call))
    return Many(found.rows, shown, pagination.next_url(call, found))


def _is_public(ctx, call):
    """True, False, or None for all; of interest for administrators only."""
    text = call.query.get('is_public')
    if text is None or not ctx.is_admin:
        return True
    return None if text.lower() == 'none' else pagination.boolean('is_public', text)


@endpoint(since='3.11', view=view.DETAIL)
def show(ctx, call, group_type_id):
    return One(*group_types.show(ctx, group_type_id))


@endpoint(since='3.11', view=view.DETAIL)
def default(ctx, call):
    return One(*group_types.default(ctx))


@endpoint(since='3.11', body=schema.CREATE, view=view.DETAIL, code=202)
def create(ctx, call):
    is_public = pagination.boolean('is_public', str(call.body.get('is_public', True)))
    return One(*group_types.create(ctx, call.body['name'].strip(), call.body.get('description'), is_public,
                                   call.body.get('group_specs')))


@endpoint(since='3.11', body=schema.UPDATE, view=view.DETAIL)
def update(ctx, call, group_type_id):
    """Null means "as it is"."""
    values = {name: value for name, value in call.body.items() if value is not None}
    if not values:
        raise exceptions.InvalidRequest('Specify group type name, description or a combination thereof.')
    if 'name' in values:
        values['name'] = values['name'].strip()
    if 'is_public' in values:
        values['is_public'] = pagination.boolean('is_public', str(values['is_public']))
    return One(*group_types.update(ctx, group_type_id, values))


@endpoint(since='3.11', code=202)
def delete(ctx, call, group_type_id):
    group_types.delete(ctx, group_type_id)

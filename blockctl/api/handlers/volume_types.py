# SPDX-License-Identifier: Apache-2.0
"""Volume types."""

from blockctl import exceptions
from blockctl import microversions
from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import volume_types as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import volume_types as view
from blockctl.operations import volume_types


@endpoint(view=view.DETAIL)
def index(ctx, call):
    page = pagination.page(ctx, call, volume_types.SORTS, counted_since=None)
    # Before 3.52 users could not filter at all: what they ask is not heard, rather than refused.
    heard = ctx.is_admin or call.version >= microversions.TYPE_SPEC_FILTER
    wanted = filters.read(ctx, call, 'volume_type', skip={'is_public'}) if heard else {}
    found, shown = volume_types.find(ctx, page, wanted, _is_public(ctx, call))
    return Many(found.rows, shown, pagination.next_url(call, found))


def _is_public(ctx, call):
    """True, False, or None for all; of interest for administrators only."""
    text = call.query.get('is_public')
    if text is None or not ctx.is_admin:
        return True
    return None if text.lower() == 'none' else pagination.boolean('is_public', text)


@endpoint(view=view.DETAIL)
def show(ctx, call, type_id):
    return One(*volume_types.show(ctx, type_id))


@endpoint(view=view.DEFAULT)
def default(ctx, call):
    return One(*volume_types.default(ctx))


@endpoint(body=schema.CREATE, view=view.CREATED)
def create(ctx, call):
    is_public = pagination.boolean('os-volume-type-access:is_public',
                                   str(call.body.get('os-volume-type-access:is_public', True)))
    return One(*volume_types.create(ctx, call.body['name'], call.body.get('description'), is_public,
                                    call.body.get('extra_specs')))


@endpoint(body=schema.UPDATE, view=view.CHANGED)
def update(ctx, call, type_id):
    """Null means "as it is"."""
    values = {name: value for name, value in call.body.items() if value is not None}
    if not values:
        raise exceptions.InvalidRequest('Specify volume type name, description, is_public or a combination thereof.')
    if 'is_public' in values:
        values['is_public'] = pagination.boolean('is_public', str(values['is_public']))
    return One(*volume_types.update(ctx, type_id, values))


@endpoint(code=202)
def delete(ctx, call, type_id):
    volume_types.delete(ctx, type_id)

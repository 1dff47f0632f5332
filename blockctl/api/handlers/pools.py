# SPDX-License-Identifier: Apache-2.0
"""Pools, as schedulers see them."""

from blockctl import exceptions
from blockctl import microversions
from blockctl.api import filters
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.operations import pools


@endpoint()
def index(ctx, call):
    detail = 'detail' in call.query and pagination.boolean('detail', call.query['detail'])
    found = pools.find(ctx, **_filters(ctx, call))
    return {'pools': [{'name': pool.name, 'capabilities': pool.capabilities} if detail else {'name': pool.name}
                      for pool in found]}


def _filters(ctx, call):
    """Arguments of operations.pools.find. From 3.31 on what the operator does not allow is refused, whoever asks."""
    given = {name: value for name, value in call.query.items() if name != 'detail'}
    if call.version < microversions.POOL_FILTERS or not given:
        return {}
    if call.version >= microversions.RESOURCE_FILTERS:
        refused = sorted(set(given) - set(filters.allowed(ctx.conf.resource_query_filters_file).get('pool', ())))
        if refused:
            told = ', '.join(name[:80] for name in refused[:10])
            raise exceptions.InvalidRequest(f'Invalid filters {told} are found in query options.')
    name, volume_type = given.pop('name', None), given.pop('volume_type', None)
    if call.version < microversions.POOL_TYPE_FILTER:
        volume_type = None
    return {'name': name, 'volume_type': volume_type, 'capabilities': given}

# SPDX-License-Identifier: Apache-2.0
"""Which filters users may give with which list."""

from blockctl.api import filters
from blockctl.api.endpoint import endpoint


@endpoint(since='3.33')
def index(ctx, call):
    wanted = call.query.get('resource')
    return {'resource_filters': [
        {'resource': resource, 'filters': list(names)}
        for resource, names in filters.allowed(ctx.conf.resource_query_filters_file).items()
        if not wanted or resource == wanted]}

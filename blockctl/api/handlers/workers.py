# SPDX-License-Identifier: Apache-2.0
"""Interrupted work."""

from blockctl import exceptions
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import workers as schema
from blockctl.api.views import workers as view
from blockctl.operations import workers


@endpoint(since='3.24', body=schema.CLEANUP, code=202)
def cleanup(ctx, call):
    given = {name: value for name, value in call.body.items() if value is not None}
    service_id = given.get('service_id')
    cleaning, unavailable = workers.clean(ctx, workers.Which(
        binary=given.get('binary'), host=given.get('host'), cluster_name=given.get('cluster_name'),
        disabled=_boolean(given, 'disabled', None), is_up=_boolean(given, 'is_up', False),
        service_id=None if service_id is None else str(service_id), resource=_resource(given),
        resource_id=given.get('resource_id')))
    return {'cleaning': view.shown(cleaning), 'unavailable': view.shown(unavailable)}


def _boolean(given, name, default):
    return pagination.boolean(name, str(given[name])) if name in given else default


def _resource(given):
    wanted = given.get('resource_type')
    if wanted is not None and wanted.lower() not in workers.RESOURCES:
        raise exceptions.InvalidField(field='resource_type', value=wanted, reason='It must be Volume or Snapshot.')
    return wanted and wanted.lower()

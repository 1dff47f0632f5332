# SPDX-License-Identifier: Apache-2.0
"""Which projects may use a private volume type."""

from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import volume_type_access as schema
from blockctl.operations import volume_type_access


@endpoint()
def index(ctx, call, type_id):
    return {'volume_type_access': [{'volume_type_id': type_id, 'project_id': project_id}
                                   for project_id in volume_type_access.find(ctx, type_id)]}


@endpoint(body=schema.ADD, code=202)
def add(ctx, call, type_id):
    volume_type_access.add(ctx, type_id, call.body['project'])


@endpoint(body=schema.REMOVE, code=202)
def remove(ctx, call, type_id):
    volume_type_access.remove(ctx, type_id, call.body['project'])

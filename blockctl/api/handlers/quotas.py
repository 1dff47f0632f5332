# SPDX-License-Identifier: Apache-2.0
"""The quota of projects."""

from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import quotas as schema
from blockctl.operations import quotas


@endpoint()
def show(ctx, call, project_id):
    usage = 'usage' in call.query and pagination.boolean('usage', call.query['usage'])
    shown = {name: {'limit': resource.limit, 'in_use': resource.in_use, 'reserved': 0} if usage else resource.limit
             for name, resource in quotas.show(ctx, project_id).items()}
    return {'quota_set': shown | {'id': project_id}}


@endpoint()
def defaults(ctx, call, project_id):
    return {'quota_set': quotas.defaults(ctx, project_id) | {'id': project_id}}


@endpoint(body=schema.UPDATE)
def update(ctx, call, project_id):
    limits = {name: int(value) for name, value in call.body.items() if name not in schema.NOT_LIMITS}
    return {'quota_set': quotas.update(ctx, project_id, limits)}


@endpoint()
def delete(ctx, call, project_id):
    quotas.delete(ctx, project_id)

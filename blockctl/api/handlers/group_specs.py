# SPDX-License-Identifier: Apache-2.0
"""Specs of group types."""

from blockctl import exceptions
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import group_specs as schema
from blockctl.operations import group_specs


@endpoint(since='3.11')
def index(ctx, call, group_type_id):
    return {'group_specs': group_specs.find(ctx, group_type_id)}


@endpoint(since='3.11')
def show(ctx, call, group_type_id, key):
    return {key: group_specs.show(ctx, group_type_id, key)}


@endpoint(since='3.11', body=schema.CREATE, code=202)
def create(ctx, call, group_type_id):
    group_specs.create(ctx, group_type_id, call.body)
    return {'group_specs': call.body}


@endpoint(since='3.11', body=schema.ONE)
def update(ctx, call, group_type_id, key):
    if key not in call.body:
        raise exceptions.InvalidField(field=key[:80], value=next(iter(call.body)),
                                      reason='Request body and URI mismatch.')
    group_specs.update(ctx, group_type_id, key, call.body[key])
    return call.body


@endpoint(since='3.11', code=202)
def delete(ctx, call, group_type_id, key):
    group_specs.delete(ctx, group_type_id, key)

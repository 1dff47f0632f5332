# SPDX-License-Identifier: Apache-2.0
"""Extra specs of volume types."""

from blockctl import exceptions
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import volume_type_extra_specs as schema
from blockctl.operations import volume_type_extra_specs as extra_specs


@endpoint()
def index(ctx, call, type_id):
    return {'extra_specs': extra_specs.find(ctx, type_id)}


@endpoint()
def show(ctx, call, type_id, key):
    return {key: extra_specs.show(ctx, type_id, key)}


@endpoint(body=schema.CREATE)
def create(ctx, call, type_id):
    extra_specs.create(ctx, type_id, call.body)
    return {'extra_specs': call.body}


@endpoint(body=schema.ONE)
def update(ctx, call, type_id, key):
    if key not in call.body:
        raise exceptions.InvalidField(field=key[:80], value=next(iter(call.body)),
                                      reason='Request body and URI mismatch.')
    extra_specs.update(ctx, type_id, key, call.body[key])
    return call.body


@endpoint(code=202)
def delete(ctx, call, type_id, key):
    extra_specs.delete(ctx, type_id, key)

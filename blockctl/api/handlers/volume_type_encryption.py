# SPDX-License-Identifier: Apache-2.0
"""The encryption of volume types.

A type has one at most, so the last part of a path names none: clients put 'provider' there, and the reference looks at
no more than the type.
"""

from blockctl import exceptions
from blockctl.api import parameter_types
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import volume_type_encryption as schema
from blockctl.api.views import volume_type_encryption as view
from blockctl.operations import volume_type_encryption as encryption


@endpoint()
def index(ctx, call, type_id):
    return view.detail(encryption.show(ctx, type_id))


@endpoint()
def show(ctx, call, type_id, key):
    shown = view.detail(encryption.show(ctx, type_id))
    if key not in shown:
        raise exceptions.VolumeTypeEncryptionNotFound(volume_type_id=type_id)
    return {key: shown[key]}


@endpoint(body=schema.CREATE)
def create(ctx, call, type_id):
    asked = _asked(call)
    return {'encryption': view.created(encryption.create(ctx, type_id, asked), asked)}


@endpoint(body=schema.UPDATE)
def update(ctx, call, type_id, key):
    asked = _asked(call)
    encryption.update(ctx, type_id, asked)
    return {'encryption': asked}


@endpoint(code=202)
def delete(ctx, call, type_id, key):
    encryption.delete(ctx, type_id)


def _asked(call):
    given = call.body['encryption']
    asked = {name: given[name] for name in schema.NAMES if name in given}
    if 'key_size' in asked:
        asked['key_size'] = parameter_types.bits('key_size', asked['key_size'])
    return asked

# SPDX-License-Identifier: Apache-2.0
"""Metadata of snapshots."""

from blockctl import exceptions
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import volume_metadata as schema
from blockctl.operations import snapshot_metadata


@endpoint()
def index(ctx, call, snapshot_id):
    return {'metadata': snapshot_metadata.read(ctx, snapshot_id)}


@endpoint()
def show(ctx, call, snapshot_id, key):
    return {'meta': {key: snapshot_metadata.read_one(ctx, snapshot_id, key)}}


@endpoint(body=schema.MANY)
def create(ctx, call, snapshot_id):
    return {'metadata': snapshot_metadata.write(ctx, snapshot_id, call.body)}


@endpoint(body=schema.MANY)
def update_all(ctx, call, snapshot_id):
    return {'metadata': snapshot_metadata.write(ctx, snapshot_id, call.body, replace=True)}


@endpoint(body=schema.ONE)
def update(ctx, call, snapshot_id, key):
    if key not in call.body:
        raise exceptions.InvalidField(field='meta', value=next(iter(call.body)),
                                      reason='Request body and URI mismatch.')
    snapshot_metadata.write(ctx, snapshot_id, call.body)
    return {'meta': call.body}


@endpoint()
def delete(ctx, call, snapshot_id, key):
    snapshot_metadata.remove(ctx, snapshot_id, key)

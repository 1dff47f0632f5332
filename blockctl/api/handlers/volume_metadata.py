# SPDX-License-Identifier: Apache-2.0
"""Metadata of volumes. From 3.15 on it is read with an ETag and changed under If-Match."""

from blockctl import exceptions
from blockctl import microversions
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import volume_metadata as schema
from blockctl.operations import volume_metadata


@endpoint()
def index(ctx, call, volume_id):
    metadata = volume_metadata.read(ctx, volume_id)
    if call.version >= microversions.METADATA_ETAG:
        call.response_headers['ETag'] = volume_metadata.fingerprint(metadata)
    return {'metadata': metadata}


@endpoint()
def show(ctx, call, volume_id, key):
    return {'meta': {key: volume_metadata.read_one(ctx, volume_id, key)}}


@endpoint(body=schema.MANY)
def create(ctx, call, volume_id):
    return {'metadata': volume_metadata.add(ctx, volume_id, call.body, _seen(call))}


@endpoint(body=schema.MANY)
def update_all(ctx, call, volume_id):
    return {'metadata': volume_metadata.replace(ctx, volume_id, call.body, _seen(call))}


@endpoint(body=schema.ONE)
def update(ctx, call, volume_id, key):
    if key not in call.body:
        raise exceptions.InvalidField(field='meta', value=next(iter(call.body)),
                                      reason='Request body and URI mismatch.')
    volume_metadata.change(ctx, volume_id, key, call.body[key], _seen(call))
    return {'meta': call.body}


@endpoint()
def delete(ctx, call, volume_id, key):
    volume_metadata.remove(ctx, volume_id, key, _seen(call))


def _seen(call):
    """The fingerprints that If-Match names, or None when any will do."""
    header = call.headers.get('If-Match')
    if header is None or call.version < microversions.METADATA_ETAG:
        return None
    tags = {tag.strip().removeprefix('W/').strip('"') for tag in header.split(',')}
    return None if '*' in tags else tags

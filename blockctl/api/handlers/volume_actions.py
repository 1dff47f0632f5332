# SPDX-License-Identifier: Apache-2.0
"""What is asked of a volume by POST .../action, in blocks by what the actions are about."""

from blockctl import exceptions
from blockctl import microversions
from blockctl.api import pagination
from blockctl.api import parameter_types as t
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import volume_actions as schema
from blockctl.operations import connections
from blockctl.operations import volume_extend
from blockctl.operations import volume_image_metadata
from blockctl.operations import volume_manage
from blockctl.operations import volume_migrate
from blockctl.operations import volume_retype
from blockctl.operations import volume_revert
from blockctl.operations import volume_status
from blockctl.operations import volumes


def _flag(call, name, default=False):
    """A boolean of the body, which may be text."""
    return pagination.boolean(name, str(call.body.get(name, default)))


# --- extend
@endpoint(body=schema.EXTEND, code=202)
def extend(ctx, call, volume_id):
    volume_extend.extend(ctx, volume_id, t.size('new_size', call.body['new_size']),
                         in_use_too=call.version >= microversions.EXTEND_IN_USE)


@endpoint(body=schema.EXTEND_COMPLETION, code=202)
def extend_completion(ctx, call, volume_id):
    volume_extend.complete(ctx, volume_id)


# --- status
@endpoint(body=schema.RESET_STATUS, code=202)
def reset_status(ctx, call, volume_id):
    volume_status.reset(ctx, volume_id, **{name: value.lower() for name, value in call.body.items() if value})


@endpoint(code=202)
def force_delete(ctx, call, volume_id):
    volume_status.force_delete(ctx, volume_id)


# --- flags
@endpoint(body=schema.SET_BOOTABLE)
def set_bootable(ctx, call, volume_id):
    volumes.set_bootable(ctx, volume_id, _flag(call, 'bootable'))


@endpoint(body=schema.UPDATE_READONLY, code=202)
def update_readonly(ctx, call, volume_id):
    volumes.set_readonly(ctx, volume_id, _flag(call, 'readonly'))


# --- image metadata
@endpoint(body=schema.SET_IMAGE_METADATA)
def set_image_metadata(ctx, call, volume_id):
    return {'metadata': volume_image_metadata.add(ctx, volume_id, call.body['metadata'])}


@endpoint()
def show_image_metadata(ctx, call, volume_id):
    return {'metadata': volume_image_metadata.read(ctx, volume_id)}


@endpoint(body=schema.UNSET_IMAGE_METADATA)
def unset_image_metadata(ctx, call, volume_id):
    volume_image_metadata.remove(ctx, volume_id, call.body['key'])


# --- another place, another type, another master
@endpoint(body=schema.RETYPE, code=202)
def retype(ctx, call, volume_id):
    volume_retype.retype(ctx, volume_id, call.body['new_type'], call.body.get('migration_policy', 'never'))


@endpoint(body=schema.MIGRATE, code=202)
def migrate(ctx, call, volume_id):
    volume_migrate.migrate(ctx, volume_id, call.body.get('host'), call.body.get('cluster'),
                           _flag(call, 'force_host_copy'), _flag(call, 'lock_volume'))


@endpoint(body=schema.MIGRATE_COMPLETION)
def migrate_completion(ctx, call, volume_id):
    volume_migrate.complete(ctx, volume_id, call.body['new_volume'])


@endpoint(code=202)
def unmanage(ctx, call, volume_id):
    volume_manage.unmanage(ctx, volume_id)


# --- attach: as it was done before there were attachments
@endpoint(code=202)
def reserve(ctx, call, volume_id):
    connections.reserve(ctx, volume_id)


@endpoint(code=202)
def unreserve(ctx, call, volume_id):
    connections.unreserve(ctx, volume_id)


@endpoint(code=202)
def begin_detaching(ctx, call, volume_id):
    connections.begin_detaching(ctx, volume_id)


@endpoint(code=202)
def roll_detaching(ctx, call, volume_id):
    connections.roll_detaching(ctx, volume_id)


@endpoint(body=schema.ATTACH, code=202)
def attach(ctx, call, volume_id):
    body = call.body
    if 'instance_uuid' not in body and 'host_name' not in body:
        raise exceptions.InvalidRequest(reason='os-attach: instance_uuid or host_name has to be given')
    connections.attach(ctx, volume_id, body['mountpoint'], body.get('mode', 'rw'), body.get('instance_uuid'),
                       body.get('host_name'))


@endpoint(body=schema.DETACH, code=202)
def detach(ctx, call, volume_id):
    connections.detach(ctx, volume_id, call.body.get('attachment_id'))


@endpoint(body=schema.FORCE_DETACH, code=202)
def force_detach(ctx, call, volume_id):
    connections.force_detach(ctx, volume_id, call.body.get('attachment_id'), call.body.get('connector'))


@endpoint(body=schema.INITIALIZE_CONNECTION)
def initialize_connection(ctx, call, volume_id):
    return {'connection_info': connections.initialize(ctx, volume_id, call.body['connector'])}


@endpoint(body=schema.TERMINATE_CONNECTION, code=202)
def terminate_connection(ctx, call, volume_id):
    connections.terminate(ctx, volume_id, call.body['connector'])


# --- revert
@endpoint(body=schema.REVERT, code=202, since='3.40')
def revert(ctx, call, volume_id):
    volume_revert.revert(ctx, volume_id, call.body['snapshot_id'])

# SPDX-License-Identifier: Apache-2.0
"""What is asked of a volume by POST .../action: one body for each key that has one."""

from blockctl.api import parameter_types as t
from blockctl.api.schemas import attachments
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

# --- extend
EXTEND = Body('os-extend', Param('new_size', t.SIZE, required=True), closed_since='3.0')

EXTEND_COMPLETION = Body('os-extend_volume_completion', Param('error', t.BOOLEAN), closed_since='3.0')

# --- status
_STATUS = t.text_or_null(36)
RESET_STATUS = Body(
    'os-reset_status',
    Param('status', _STATUS),
    Param('attach_status', _STATUS),
    Param('migration_status', _STATUS),
    closed_since='3.0')

# --- flags
SET_BOOTABLE = Body('os-set_bootable', Param('bootable', t.BOOLEAN, required=True), closed_since='3.0')

UPDATE_READONLY = Body('os-update_readonly_flag', Param('readonly', t.BOOLEAN, required=True), closed_since='3.0')

# --- image metadata: values may be longer than a tenant's own
SET_IMAGE_METADATA = Body(
    'os-set_image_metadata', Param('metadata', {**t.METADATA, 'additionalProperties': t.text(4096)}, required=True),
    closed_since='3.0')

UNSET_IMAGE_METADATA = Body('os-unset_image_metadata', Param('key', t.text(255, 1), required=True), closed_since='3.0')

# --- another place, another type
RETYPE = Body(
    'os-retype',
    Param('new_type', t.text(255), required=True),
    Param('migration_policy', {'enum': ['on-demand', 'never']}),
    closed_since='3.0')

MIGRATE = Body(
    'os-migrate_volume',
    Param('host', t.HOST, required=True, until='3.15'),
    Param('host', t.HOST_OR_NULL, since='3.16'),
    Param('cluster', t.HOST_OR_NULL, since='3.16'),
    Param('force_host_copy', t.BOOLEAN),
    Param('lock_volume', t.BOOLEAN),
    closed_since='3.0')

MIGRATE_COMPLETION = Body(
    'os-migrate_volume_completion', Param('new_volume', t.UUID, required=True), Param('error', {}), closed_since='3.0')

# --- attach: as it was done before there were attachments
ATTACH = Body(
    'os-attach',
    Param('instance_uuid', t.UUID),
    Param('host_name', t.text(255, 1)),
    Param('mountpoint', t.text(255, 1), required=True),
    Param('mode', attachments.MODE),
    closed_since='3.0')

DETACH = Body('os-detach', Param('attachment_id', t.UUID_OR_NULL), closed_since='3.0')

FORCE_DETACH = Body(
    'os-force_detach',
    Param('attachment_id', t.UUID_OR_NULL),
    Param('connector', t.or_null(attachments.CONNECTOR)),
    closed_since='3.0')

INITIALIZE_CONNECTION = Body(
    'os-initialize_connection', Param('connector', attachments.CONNECTOR, required=True), closed_since='3.0')

TERMINATE_CONNECTION = Body(
    'os-terminate_connection', Param('connector', t.or_null(attachments.CONNECTOR), required=True), closed_since='3.0')

# --- revert
REVERT = Body('revert', Param('snapshot_id', t.UUID, required=True))

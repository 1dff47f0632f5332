# SPDX-License-Identifier: Apache-2.0
"""What may be asked of a volume by POST .../action, in blocks by what the actions are about."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import rules

_PATH = '/volumes/{volume_id}/action'


def _action(key):
    return [('POST', f'{_PATH} ({key})')]


_EXTEND = (
    ('volume:extend', MEMBER, 'Extend a volume.', _action('os-extend')),
    ('volume:extend_attached_volume', MEMBER, 'Extend a volume while it is attached.', _action('os-extend')),
    ('volume_extension:volume_admin_actions:extend_volume_completion', ADMIN,
     'Say that a server has taken note of the new size of a volume.', _action('os-extend_volume_completion')),
)

_STATUS = (
    ('volume_extension:volume_admin_actions:reset_status', ADMIN, 'Set the status of a volume.',
     _action('os-reset_status')),
    ('volume_extension:volume_admin_actions:force_delete', ADMIN, 'Delete a volume whatever its status.',
     _action('os-force_delete')),
)

_FLAGS = (
    ('volume:update_readonly_flag', MEMBER, 'Make a volume one that can only be read, or undo that.',
     _action('os-update_readonly_flag')),
)

_IMAGE_METADATA = (
    ('volume_extension:volume_image_metadata:set', MEMBER, 'Add to the image metadata of a volume.',
     _action('os-set_image_metadata')),
    ('volume_extension:volume_image_metadata:remove', MEMBER, 'Remove image metadata of a volume.',
     _action('os-unset_image_metadata')),
)

_PLACE = (
    ('volume:retype', MEMBER, 'Give a volume another type.', _action('os-retype')),
    ('volume_extension:volume_admin_actions:migrate_volume', ADMIN, 'Move a volume to another pool.',
     _action('os-migrate_volume')),
    ('volume_extension:volume_admin_actions:migrate_volume_completion', ADMIN,
     'Say that a server has copied a volume it uses.', _action('os-migrate_volume_completion')),
    ('volume_extension:volume_unmanage', ADMIN, 'Forget a volume and leave its image.', _action('os-unmanage')),
)

_ATTACH = (
    *((f'volume_extension:volume_actions:{name}', MEMBER, description, _action(f'os-{name}')) for name, description in (
        ('reserve', 'Reserve a volume for a server.'),
        ('unreserve', 'Take the reservation of a volume back.'),
        ('begin_detaching', 'Say that a server is about to let a volume go.'),
        ('roll_detaching', 'Take that back.'),
        ('attach', 'Say that a server has a volume.'),
        ('detach', 'Say that a server has a volume no more.'),
        ('initialize_connection', 'Connect a host to a volume.'),
        ('terminate_connection', 'Take the connection of a host to a volume back.'))),
    ('volume_extension:volume_admin_actions:force_detach', ADMIN, 'Detach a volume whatever its status.',
     _action('os-force_detach')),
)

_REVERT = (
    ('volume:revert_to_snapshot', MEMBER, 'Put a volume back to its latest snapshot.', _action('revert')),
)

# Nothing asks these yet: they are here so that a policy file which has them stays as it is.
_IMAGE = (
    ('volume_extension:volume_actions:upload_image', MEMBER, 'Make an image of a volume.',
     _action('os-volume_upload_image')),
    ('volume_extension:volume_actions:upload_public', ADMIN, 'Make a public image of a volume.',
     _action('os-volume_upload_image')),
    ('volume:reimage', MEMBER, 'Put an image on a volume again.', _action('os-reimage')),
    ('volume:reimage_reserved', MEMBER, 'The same, while the volume is reserved.', _action('os-reimage')),
)

RULES = rules(*_EXTEND, *_STATUS, *_FLAGS, *_IMAGE_METADATA, *_PLACE, *_ATTACH, *_REVERT, *_IMAGE)


def list_rules():
    return RULES

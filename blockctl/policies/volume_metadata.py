# SPDX-License-Identifier: Apache-2.0
"""Metadata of volumes, the tenant's and that of images."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume:get_volume_metadata', READER, 'Read metadata of a volume.',
     [('GET', '/volumes/{volume_id}/metadata'), ('GET', '/volumes/{volume_id}/metadata/{key}')]),
    ('volume:create_volume_metadata', MEMBER, 'Add metadata to a volume.', [('POST', '/volumes/{volume_id}/metadata')]),
    ('volume:update_volume_metadata', MEMBER, 'Change or replace metadata of a volume.',
     [('PUT', '/volumes/{volume_id}/metadata'), ('PUT', '/volumes/{volume_id}/metadata/{key}')]),
    ('volume:delete_volume_metadata', MEMBER, 'Remove metadata of a volume.',
     [('DELETE', '/volumes/{volume_id}/metadata/{key}')]),
    ('volume_extension:volume_image_metadata:show', READER, 'See the image metadata of a volume.',
     [('GET', '/volumes/detail'), ('GET', '/volumes/{volume_id}')]),
    ('volume:update_volume_admin_metadata', ADMIN, 'Change what administrators note on a volume.',
     [('POST', '/volumes/{volume_id}/action (os-update_readonly_flag)')]),
)


def list_rules():
    return RULES

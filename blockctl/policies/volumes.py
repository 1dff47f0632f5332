# SPDX-License-Identifier: Apache-2.0
"""Volumes."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume:create', MEMBER, 'Create a volume.', [('POST', '/volumes')]),
    ('volume:create_from_image', MEMBER, 'Create a volume from an image.', [('POST', '/volumes')]),
    ('volume:multiattach', MEMBER, 'Create a volume that several servers may share.', [('POST', '/volumes')]),
    ('volume:get', READER, 'Show a volume.', [('GET', '/volumes/{volume_id}')]),
    ('volume:get_all', READER, 'List or summarise volumes.',
     [('GET', '/volumes'), ('GET', '/volumes/detail'), ('GET', '/volumes/summary')]),
    ('volume:update', MEMBER, 'Change the name, description or metadata of a volume.',
     [('PUT', '/volumes/{volume_id}')]),
    ('volume:delete', MEMBER, 'Delete a volume.', [('DELETE', '/volumes/{volume_id}')]),
    ('volume:force_delete', ADMIN, 'Delete a volume whatever its status.', [('DELETE', '/volumes/{volume_id}')]),
    ('volume_extension:volume_host_attribute', ADMIN, 'See the host of a volume.',
     [('GET', '/volumes/{volume_id}'), ('GET', '/volumes/detail')]),
    ('volume_extension:volume_tenant_attribute', READER, 'See the project of a volume.',
     [('GET', '/volumes/{volume_id}'), ('GET', '/volumes/detail')]),
    ('volume_extension:volume_mig_status_attribute', ADMIN, 'See the migration status of a volume.',
     [('GET', '/volumes/{volume_id}'), ('GET', '/volumes/detail')]),
    ('volume_extension:volume_encryption_metadata', READER, 'See how a volume is encrypted.',
     [('GET', '/volumes/{volume_id}/encryption'), ('GET', '/volumes/{volume_id}/encryption/{key}')]),
)


def list_rules():
    return RULES

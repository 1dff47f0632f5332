# SPDX-License-Identifier: Apache-2.0
"""Backups. Nothing asks these yet: they are here so that a policy file which has them stays as it is."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

_ONE = '/backups/{backup_id}'

RULES = rules(
    ('backup:get_all', READER, 'List backups.', [('GET', '/backups'), ('GET', '/backups/detail')]),
    ('backup:backup_project_attribute', ADMIN, 'See the project of a backup.',
     [('GET', _ONE), ('GET', '/backups/detail')]),
    ('backup:create', MEMBER, 'Create a backup.', [('POST', '/backups')]),
    ('backup:get', READER, 'Show a backup.', [('GET', _ONE)]),
    ('backup:update', MEMBER, 'Change name, description and metadata of a backup.', [('PUT', _ONE)]),
    ('backup:delete', MEMBER, 'Delete a backup.', [('DELETE', _ONE)]),
    ('backup:restore', MEMBER, 'Restore a backup to a volume.', [('POST', f'{_ONE}/restore')]),
    ('backup:backup-import', ADMIN, 'Take in the record of a backup.', [('POST', f'{_ONE}/import_record')]),
    ('backup:export-import', ADMIN, 'Give out the record of a backup.', [('GET', f'{_ONE}/export_record')]),
    ('volume_extension:backup_admin_actions:reset_status', ADMIN, 'Set the status of a backup.',
     [('POST', f'{_ONE}/action (os-reset_status)')]),
    ('volume_extension:backup_admin_actions:force_delete', ADMIN, 'Delete a backup whatever its status.',
     [('POST', f'{_ONE}/action (os-force_delete)')]),
)


def list_rules():
    return RULES

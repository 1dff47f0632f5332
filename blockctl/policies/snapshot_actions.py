# SPDX-License-Identifier: Apache-2.0
"""What may be asked of a snapshot by POST .../action."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import rules

_PATH = '/snapshots/{snapshot_id}/action'

RULES = rules(
    ('volume_extension:snapshot_admin_actions:reset_status', ADMIN, 'Set the status of a snapshot.',
     [('POST', f'{_PATH} (os-reset_status)')]),
    ('volume_extension:snapshot_admin_actions:force_delete', ADMIN, 'Delete a snapshot whatever its status.',
     [('POST', f'{_PATH} (os-force_delete)')]),
    ('snapshot_extension:snapshot_actions:update_snapshot_status', MEMBER,
     'Report how far the taking or removing of a snapshot is.', [('POST', f'{_PATH} (os-update_snapshot_status)')]),
)


def list_rules():
    return RULES

# SPDX-License-Identifier: Apache-2.0
"""Group snapshots, also of consistency groups."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

_ONE = '/group_snapshots/{group_snapshot_id}'
_OLD = '/cgsnapshots/{group_snapshot_id}'

RULES = rules(
    ('group:get_all_group_snapshots', READER, 'List group snapshots.',
     [('GET', '/group_snapshots'), ('GET', '/group_snapshots/detail'), ('GET', '/cgsnapshots'),
      ('GET', '/cgsnapshots/detail')]),
    ('group:create_group_snapshot', MEMBER, 'Create a group snapshot.',
     [('POST', '/group_snapshots'), ('POST', '/cgsnapshots')]),
    ('group:get_group_snapshot', READER, 'Show a group snapshot.', [('GET', _ONE), ('GET', _OLD)]),
    # Nothing asks it, here or in the reference, but policy files have it.
    ('group:update_group_snapshot', MEMBER, 'Change a group snapshot.', [('PUT', _ONE)]),
    ('group:delete_group_snapshot', MEMBER, 'Delete a group snapshot.', [('DELETE', _ONE), ('DELETE', _OLD)]),
    ('group:group_snapshot_project_attribute', ADMIN, 'See the project of a group snapshot.',
     [('GET', _ONE), ('GET', '/group_snapshots/detail')]),
    ('group:reset_group_snapshot_status', ADMIN, 'Set the status of a group snapshot.',
     [('POST', f'{_ONE}/action (reset_status)')]),
)


def list_rules():
    return RULES

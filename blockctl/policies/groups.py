# SPDX-License-Identifier: Apache-2.0
"""Groups, and consistency groups, which are groups of one type."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

_ONE = '/groups/{group_id}'
_OLD = '/consistencygroups/{group_id}'


def _action(key):
    return [('POST', f'{_ONE}/action ({key})')]


RULES = rules(
    ('group:get_all', READER, 'List groups.',
     [('GET', '/groups'), ('GET', '/groups/detail'), ('GET', '/consistencygroups'),
      ('GET', '/consistencygroups/detail')]),
    ('group:create', MEMBER, 'Create a group, also from a group snapshot or another group.',
     [('POST', '/groups'), ('POST', '/groups/action (create-from-src)'), ('POST', '/consistencygroups'),
      ('POST', '/consistencygroups/create_from_src')]),
    ('group:get', READER, 'Show a group.', [('GET', _ONE), ('GET', _OLD)]),
    ('group:update', MEMBER, 'Change a group, put volumes in or take them out.',
     [('PUT', _ONE), ('PUT', _OLD), ('PUT', f'{_OLD}/update')]),
    ('group:delete', MEMBER, 'Delete a group.',
     [*_action('delete'), ('DELETE', _OLD), ('POST', f'{_OLD}/delete')]),
    ('group:group_project_attribute', ADMIN, 'See the project of a group.', [('GET', _ONE), ('GET', '/groups/detail')]),
    ('group:reset_status', ADMIN, 'Set the status of a group.', _action('reset_status')),
    ('group:enable_replication', MEMBER, 'Switch the replication of a group on.', _action('enable_replication')),
    ('group:disable_replication', MEMBER, 'Switch the replication of a group off.', _action('disable_replication')),
    ('group:failover_replication', MEMBER, 'Fail a group over.', _action('failover_replication')),
    ('group:list_replication_targets', MEMBER, 'List where a group is replicated to.',
     _action('list_replication_targets')),
)


def list_rules():
    return RULES

# SPDX-License-Identifier: Apache-2.0
"""Group types."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

RULES = rules(
    ('group:group_types:create', ADMIN, 'Create a group type.', [('POST', '/group_types')]),
    ('group:group_types:update', ADMIN, 'Change a group type.', [('PUT', '/group_types/{group_type_id}')]),
    ('group:group_types:delete', ADMIN, 'Delete a group type.', [('DELETE', '/group_types/{group_type_id}')]),
    ('group:access_group_types_specs', ADMIN, 'See group specs with a group type.',
     [('GET', '/group_types'), ('GET', '/group_types/{group_type_id}')]),
)


def list_rules():
    return RULES

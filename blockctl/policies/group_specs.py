# SPDX-License-Identifier: Apache-2.0
"""Group specs of group types."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

_ALL, _ONE = '/group_types/{group_type_id}/group_specs', '/group_types/{group_type_id}/group_specs/{key}'

RULES = rules(
    ('group:group_types_specs:get_all', ADMIN, 'List group specs.', [('GET', _ALL)]),
    ('group:group_types_specs:get', ADMIN, 'Show a group spec.', [('GET', _ONE)]),
    ('group:group_types_specs:create', ADMIN, 'Add group specs.', [('POST', _ALL)]),
    ('group:group_types_specs:update', ADMIN, 'Change a group spec.', [('PUT', _ONE)]),
    ('group:group_types_specs:delete', ADMIN, 'Remove a group spec.', [('DELETE', _ONE)]),
)


def list_rules():
    return RULES

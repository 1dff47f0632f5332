# SPDX-License-Identifier: Apache-2.0
"""Extra specs of volume types."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

_ALL, _ONE = '/types/{type_id}/extra_specs', '/types/{type_id}/extra_specs/{key}'

RULES = rules(
    ('volume_extension:types_extra_specs:index', READER, 'List extra specs.', [('GET', _ALL)]),
    ('volume_extension:types_extra_specs:show', READER, 'Show an extra spec.', [('GET', _ONE)]),
    ('volume_extension:types_extra_specs:create', ADMIN, 'Add extra specs.', [('POST', _ALL)]),
    ('volume_extension:types_extra_specs:update', ADMIN, 'Change an extra spec.', [('PUT', _ONE)]),
    ('volume_extension:types_extra_specs:delete', ADMIN, 'Remove an extra spec.', [('DELETE', _ONE)]),
    ('volume_extension:types_extra_specs:read_sensitive', ADMIN,
     'See extra specs beyond those that concern users, such as the backend a type asks for.',
     [('GET', '/types'), ('GET', '/types/{type_id}'), ('GET', _ALL), ('GET', _ONE)]),
)


def list_rules():
    return RULES

# SPDX-License-Identifier: Apache-2.0
"""Volume types."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume_extension:type_create', ADMIN, 'Create a type.', [('POST', '/types')]),
    ('volume_extension:type_update', ADMIN, 'Change a type.', [('PUT', '/types/{type_id}')]),
    ('volume_extension:type_delete', ADMIN, 'Delete a type.', [('DELETE', '/types/{type_id}')]),
    ('volume_extension:type_get', READER, 'Show a type.', [('GET', '/types/{type_id}')]),
    ('volume_extension:type_get_all', READER, 'List types.', [('GET', '/types')]),
    ('volume_extension:access_types_extra_specs', READER, 'See extra specs with a type.',
     [('GET', '/types'), ('GET', '/types/{type_id}')]),
    ('volume_extension:access_types_qos_specs_id', ADMIN, 'See the QoS specs of a type.',
     [('GET', '/types'), ('GET', '/types/{type_id}')]),
)


def list_rules():
    return RULES

# SPDX-License-Identifier: Apache-2.0
"""QoS specs."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

_ONE = '/qos-specs/{qos_specs_id}'

RULES = rules(
    ('volume_extension:qos_specs_manage:get_all', ADMIN, 'List QoS specs, or the types associated with some.',
     [('GET', '/qos-specs'), ('GET', f'{_ONE}/associations')]),
    ('volume_extension:qos_specs_manage:get', ADMIN, 'Show QoS specs.', [('GET', _ONE)]),
    ('volume_extension:qos_specs_manage:create', ADMIN, 'Create QoS specs.', [('POST', '/qos-specs')]),
    ('volume_extension:qos_specs_manage:update', ADMIN, 'Change QoS specs, or which types are associated with them.',
     [('PUT', _ONE), ('GET', f'{_ONE}/associate'), ('GET', f'{_ONE}/disassociate'),
      ('GET', f'{_ONE}/disassociate_all')]),
    ('volume_extension:qos_specs_manage:delete', ADMIN, 'Delete QoS specs, or some of their keys.',
     [('DELETE', _ONE), ('PUT', f'{_ONE}/delete_keys')]),
)


def list_rules():
    return RULES

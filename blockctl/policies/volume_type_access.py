# SPDX-License-Identifier: Apache-2.0
"""Which projects may use a private type."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume_extension:volume_type_access', MEMBER, 'See whether a type is public.',
     [('GET', '/types'), ('GET', '/types/{type_id}'), ('POST', '/types')]),
    ('volume_extension:volume_type_access:addProjectAccess', ADMIN, 'Let a project use a type.',
     [('POST', '/types/{type_id}/action (addProjectAccess)')]),
    ('volume_extension:volume_type_access:removeProjectAccess', ADMIN, 'Stop a project from using a type.',
     [('POST', '/types/{type_id}/action (removeProjectAccess)')]),
    ('volume_extension:volume_type_access:get_all_for_type', ADMIN, 'List the projects that may use a type.',
     [('GET', '/types/{type_id}/os-volume-type-access')]),
)


def list_rules():
    return RULES

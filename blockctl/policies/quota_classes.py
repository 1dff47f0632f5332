# SPDX-License-Identifier: Apache-2.0
"""Default quota."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume_extension:quota_classes:get', ADMIN, 'Show a quota class.',
     [('GET', '/os-quota-class-sets/{class_name}')]),
    ('volume_extension:quota_classes:update', ADMIN, 'Change a quota class.',
     [('PUT', '/os-quota-class-sets/{class_name}')]),
)


def list_rules():
    return RULES

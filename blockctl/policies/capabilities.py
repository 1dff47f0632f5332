# SPDX-License-Identifier: Apache-2.0
"""What backends say they can do."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume_extension:capabilities', ADMIN, 'Show what a backend can do.', [('GET', '/capabilities/{host_name}')]),
)


def list_rules():
    return RULES

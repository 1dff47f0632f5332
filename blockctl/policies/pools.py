# SPDX-License-Identifier: Apache-2.0
"""What pools report."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

RULES = rules(
    ('scheduler_extension:scheduler_stats:get_pools', ADMIN, 'List pools.', [('GET', '/scheduler-stats/get_pools')]),
)


def list_rules():
    return RULES

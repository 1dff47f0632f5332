# SPDX-License-Identifier: Apache-2.0
"""The work of services that are gone."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

RULES = rules(
    ('workers:cleanup', ADMIN, 'Have interrupted work looked at now.', [('POST', '/workers/cleanup')]),
)


def list_rules():
    return RULES

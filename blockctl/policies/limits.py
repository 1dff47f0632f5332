# SPDX-License-Identifier: Apache-2.0
"""Limits."""

from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

RULES = rules(
    ('limits_extension:used_limits', READER, 'See what a project uses of its limits.', [('GET', '/limits')]),
)


def list_rules():
    return RULES

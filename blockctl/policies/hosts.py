# SPDX-License-Identifier: Apache-2.0
"""Hosts: services by where they run."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume_extension:hosts', ADMIN, 'List, show, enable and disable hosts.',
     [('GET', '/os-hosts'), ('GET', '/os-hosts/{host_name}'), ('PUT', '/os-hosts/{host_name}')]),
)


def list_rules():
    return RULES

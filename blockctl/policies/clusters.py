# SPDX-License-Identifier: Apache-2.0
"""Clusters of services."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

RULES = rules(
    ('clusters:get_all', ADMIN, 'List clusters.', [('GET', '/clusters'), ('GET', '/clusters/detail')]),
    ('clusters:get', ADMIN, 'Show a cluster.', [('GET', '/clusters/{cluster_name}')]),
    ('clusters:update', ADMIN, 'Enable or disable a cluster.',
     [('PUT', '/clusters/enable'), ('PUT', '/clusters/disable')]),
)


def list_rules():
    return RULES

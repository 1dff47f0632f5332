# SPDX-License-Identifier: Apache-2.0
"""Quota of projects."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume_extension:quotas:show', READER, 'Show the quota of a project.', [('GET', '/os-quota-sets/{project_id}')]),
    ('volume_extension:quotas:update', ADMIN, 'Change the quota of a project.',
     [('PUT', '/os-quota-sets/{project_id}')]),
    ('volume_extension:quotas:delete', ADMIN, 'Give a project the default quota again.',
     [('DELETE', '/os-quota-sets/{project_id}')]),
)


def list_rules():
    return RULES

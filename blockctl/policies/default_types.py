# SPDX-License-Identifier: Apache-2.0
"""Default types of projects."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

_ONE = '/default-types/{project_id}'

RULES = rules(
    ('volume_extension:default_set_or_update', ADMIN, 'Set or change the default type of a project.', [('PUT', _ONE)]),
    ('volume_extension:default_get', ADMIN, 'Show the default type of a project.', [('GET', _ONE)]),
    ('volume_extension:default_get_all', ADMIN, 'List the default types of all projects that have one.',
     [('GET', '/default-types')]),
    ('volume_extension:default_unset', ADMIN, 'Let the default type of the configuration hold for a project.',
     [('DELETE', _ONE)]),
)


def list_rules():
    return RULES

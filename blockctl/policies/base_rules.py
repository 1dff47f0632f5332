# SPDX-License-Identifier: Apache-2.0
"""Who people are: the rules the others are made of, and a short way to write those down."""

from oslo_policy import policy

ADMIN = 'rule:admin_api'
MEMBER = 'rule:xena_system_admin_or_project_member'
READER = 'rule:xena_system_admin_or_project_reader'


def rules(*rows):
    """Documented rules of rows (name, check string, description, [(method, path), ...])."""
    return [policy.DocumentedRuleDefault(name, check, description,
                                         [{'method': method, 'path': path} for method, path in operations])
            for name, check, description, operations in rows]


RULES = (
    policy.RuleDefault('context_is_admin', 'role:admin', 'Who counts as an administrator.'),
    policy.RuleDefault('admin_or_owner',
                       'is_admin:True or (role:admin and is_admin_project:True) or project_id:%(project_id)s',
                       'Kept for policy files written for older releases.'),
    policy.RuleDefault('system_or_domain_or_project_admin',
                       '(role:admin and system_scope:all) or (role:admin and domain_id:%(domain_id)s) or '
                       '(role:admin and project_id:%(project_id)s)', 'Kept for policy files that name it.'),
    policy.RuleDefault('admin_api', 'is_admin:True or (role:admin and is_admin_project:True)',
                       'What only administrators may do.'),
    policy.RuleDefault('xena_system_admin_or_project_reader',
                       '(role:admin) or (role:reader and project_id:%(project_id)s)',
                       'Administrators, and who may look at the project.'),
    policy.RuleDefault('xena_system_admin_or_project_member',
                       '(role:admin) or (role:member and project_id:%(project_id)s)',
                       'Administrators, and who may change things in the project.'),
)


def list_rules():
    return RULES

# SPDX-License-Identifier: Apache-2.0
"""Making volumes of what is on a backend already."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume_extension:list_manageable', ADMIN, 'List what is on a backend and could be a volume.',
     [('GET', '/os-volume-manage'), ('GET', '/os-volume-manage/detail'), ('GET', '/manageable_volumes'),
      ('GET', '/manageable_volumes/detail')]),
    ('volume_extension:volume_manage', ADMIN, 'Make a volume of what is on a backend.',
     [('POST', '/os-volume-manage'), ('POST', '/manageable_volumes')]),
)


def list_rules():
    return RULES

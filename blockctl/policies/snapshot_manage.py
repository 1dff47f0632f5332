# SPDX-License-Identifier: Apache-2.0
"""Making snapshots of what volumes on a backend have already."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

RULES = rules(
    ('snapshot_extension:list_manageable', ADMIN, 'List what is on a backend and could be a snapshot.',
     [('GET', '/os-snapshot-manage'), ('GET', '/os-snapshot-manage/detail'), ('GET', '/manageable_snapshots'),
      ('GET', '/manageable_snapshots/detail')]),
    ('snapshot_extension:snapshot_manage', ADMIN, 'Make a snapshot of what is on a backend.',
     [('POST', '/os-snapshot-manage'), ('POST', '/manageable_snapshots')]),
    ('snapshot_extension:snapshot_unmanage', ADMIN, 'Forget a snapshot and leave it on its backend.',
     [('POST', '/snapshots/{snapshot_id}/action (os-unmanage)')]),
)


def list_rules():
    return RULES

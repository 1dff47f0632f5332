# SPDX-License-Identifier: Apache-2.0
"""Metadata of snapshots."""

from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume:get_snapshot_metadata', READER, 'Read metadata of a snapshot.',
     [('GET', '/snapshots/{snapshot_id}/metadata'), ('GET', '/snapshots/{snapshot_id}/metadata/{key}')]),
    ('volume:update_snapshot_metadata', MEMBER, 'Add, change or replace metadata of a snapshot.',
     [('POST', '/snapshots/{snapshot_id}/metadata'), ('PUT', '/snapshots/{snapshot_id}/metadata'),
      ('PUT', '/snapshots/{snapshot_id}/metadata/{key}')]),
    ('volume:delete_snapshot_metadata', MEMBER, 'Remove metadata of a snapshot.',
     [('DELETE', '/snapshots/{snapshot_id}/metadata/{key}')]),
)


def list_rules():
    return RULES

# SPDX-License-Identifier: Apache-2.0
"""Snapshots."""

from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume:get_all_snapshots', READER, 'List snapshots.', [('GET', '/snapshots'), ('GET', '/snapshots/detail')]),
    ('volume_extension:extended_snapshot_attributes', READER, 'See the project and the progress of a snapshot.',
     [('GET', '/snapshots/{snapshot_id}'), ('GET', '/snapshots/detail')]),
    ('volume:create_snapshot', MEMBER, 'Take a snapshot of a volume.', [('POST', '/snapshots')]),
    ('volume:get_snapshot', READER, 'Show a snapshot.', [('GET', '/snapshots/{snapshot_id}')]),
    ('volume:update_snapshot', MEMBER, 'Change the name or description of a snapshot.',
     [('PUT', '/snapshots/{snapshot_id}')]),
    ('volume:delete_snapshot', MEMBER, 'Delete a snapshot.', [('DELETE', '/snapshots/{snapshot_id}')]),
)


def list_rules():
    return RULES

# SPDX-License-Identifier: Apache-2.0
"""Transfers of volumes to other projects."""

from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume:get_all_transfers', READER, 'List the volumes a project offers.',
     [('GET', '/os-volume-transfer'), ('GET', '/os-volume-transfer/detail'),
      ('GET', '/volume-transfers'), ('GET', '/volume-transfers/detail')]),
    ('volume:create_transfer', MEMBER, 'Offer a volume to another project.',
     [('POST', '/os-volume-transfer'), ('POST', '/volume-transfers')]),
    ('volume:get_transfer', READER, 'Show the offer of a volume.',
     [('GET', '/os-volume-transfer/{transfer_id}'), ('GET', '/volume-transfers/{transfer_id}')]),
    ('volume:accept_transfer', MEMBER, 'Take a volume that is offered.',
     [('POST', '/os-volume-transfer/{transfer_id}/accept'), ('POST', '/volume-transfers/{transfer_id}/accept')]),
    ('volume:delete_transfer', MEMBER, 'Withdraw the offer of a volume.',
     [('DELETE', '/os-volume-transfer/{transfer_id}'), ('DELETE', '/volume-transfers/{transfer_id}')]),
)


def list_rules():
    return RULES

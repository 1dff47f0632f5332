# SPDX-License-Identifier: Apache-2.0
"""Attachments. Who may see a volume may see its attachments."""

from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume:attachment_create', MEMBER, 'Create an attachment.', [('POST', '/attachments')]),
    ('volume:attachment_update', MEMBER, 'Say which host an attachment is for.',
     [('PUT', '/attachments/{attachment_id}')]),
    ('volume:attachment_delete', MEMBER, 'Delete an attachment.', [('DELETE', '/attachments/{attachment_id}')]),
    ('volume:attachment_complete', MEMBER, 'Say that a server has the volume.',
     [('POST', '/attachments/{attachment_id}/action (os-complete)')]),
    ('volume:multiattach_bootable_volume', MEMBER, 'Attach a bootable volume to several servers.',
     [('POST', '/attachments')]),
)


def list_rules():
    return RULES

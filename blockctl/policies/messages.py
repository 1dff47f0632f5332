# SPDX-License-Identifier: Apache-2.0
"""User messages."""

from blockctl.policies.base_rules import MEMBER
from blockctl.policies.base_rules import READER
from blockctl.policies.base_rules import rules

RULES = rules(
    ('message:get_all', READER, 'List messages.', [('GET', '/messages')]),
    ('message:get', READER, 'Show a message.', [('GET', '/messages/{message_id}')]),
    ('message:delete', MEMBER, 'Delete a message.', [('DELETE', '/messages/{message_id}')]),
)


def list_rules():
    return RULES

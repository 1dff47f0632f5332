# SPDX-License-Identifier: Apache-2.0
"""How user messages are shown."""

from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import links
from blockctl.api.versioned import time

DETAIL = View(
    'message', 'messages',
    Field('id'),
    Field('event_id'),
    Field('user_message'),
    Field('message_level'),
    time('created_at'),
    time('guaranteed_until'),
    Field('request_id'),
    links('links', 'messages'),
    Field('resource_type'),
    Field('resource_uuid', 'resource_id'))

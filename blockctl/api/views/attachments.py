# SPDX-License-Identifier: Apache-2.0
"""How attachments are shown."""

from blockctl.api.versioned import Field
from blockctl.api.versioned import View


def _time(value, seen):
    return value.isoformat('T', 'microseconds') if value is not None else ''


def _mode(value, seen):
    return value or 'null'  # a quirk clients know


_BRIEF = (
    Field('id'),
    Field('status', 'attach_status'),
    Field('instance', 'instance_id'),
    Field('volume_id'),
)

#: An attachment in a list without details.
BRIEF = View('attachment', 'attachments', *_BRIEF)

DETAIL = View(
    'attachment', 'attachments', *_BRIEF,
    Field('attached_at', _time, of='attach_time'),
    Field('detached_at', _time, of='detach_time'),
    Field('attach_mode', _mode, of='attach_mode'),
    Field('connection_info'))

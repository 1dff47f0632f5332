# SPDX-License-Identifier: Apache-2.0
"""How what could be managed is shown, and a volume that is being made of it."""

from blockctl import microversions
from blockctl.api.versioned import View
from blockctl.api.views import volumes

#: The fields a volume had in the first version, in every version.
ACCEPTED = View('volume', 'volumes', *(field for field in volumes.CHANGED.fields if field.since == microversions.MIN))

_BRIEF = ('reference', 'size', 'safe_to_manage', 'source_reference')
_DETAIL = (*_BRIEF, 'reason_not_safe', 'cinder_id', 'extra_info')


def listed(entries, *, detail):
    """Entries (flows/volume_manage.py) as they are shown."""
    return [{key: entry[key] for key in (_DETAIL if detail else _BRIEF) if key in entry} for entry in entries]

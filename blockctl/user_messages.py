# SPDX-License-Identifier: Apache-2.0
"""What tenants are told about work that failed: actions and details, with the numbers clients know them by.

Source of the numbers: the reference's message catalogue (Block Storage API v3, messages).
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    number: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Detail:
    number: str
    text: str


ALLOCATE_VOLUME = Action('001', 'schedule allocate volume')
CREATE_VOLUME = Action('008', 'create volume from backend storage')
DELETE_VOLUME = Action('010', 'delete volume')

UNKNOWN = Detail('001', 'An unknown error occurred.')
NO_POOL = Detail('003', 'No storage could be allocated for this volume request.')
NOT_CREATED = Detail('015', 'The storage that was chosen could not create the volume.')
UNSERVED = Detail('023', 'The storage that holds the volume does not answer.')


def event_id(resource, action, detail):
    """Such as VOLUME_VOLUME_001_003."""
    return f'VOLUME_{resource.upper()}_{action.number}_{detail.number}'


def text(action, detail, more=''):
    """'<action>: <detail> <more>': ``more`` must name no host, backend or pool."""
    return f'{action.text}: {detail.text} {more}'.strip()

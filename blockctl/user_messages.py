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
UPDATE_ATTACHMENT = Action('004', 'update attachment')
EXTEND_VOLUME = Action('007', 'extend volume')
CREATE_SNAPSHOT = Action('009', 'create snapshot')
DELETE_SNAPSHOT = Action('010', 'delete snapshot')

UNKNOWN = Detail('001', 'An unknown error occurred.')
NO_POOL = Detail('003', 'No storage could be allocated for this volume request.')
NOT_TOLD = Detail('009', 'The volume has its new size, but the server that uses it could not be told.')
NOT_EXTENDED = Detail('010', 'The storage could not extend the volume.')
NOT_CREATED = Detail('012', 'The storage that was chosen could not create the volume.')
NOT_TAKEN = Detail('013', 'The storage could not take the snapshot.')
SNAPSHOT_NOT_DELETED = Detail('016', 'The storage could not delete the snapshot.')
NOT_CONNECTED = Detail('021', 'The storage could not connect the volume to a host.')
NOT_DISCONNECTED = Detail('022', 'The storage could not take the connection of the volume to a host back.')

# From 101 on: what the reference has no number for.
UNABLE = Detail('101', 'The storage that holds it is not able to do this.')
NOT_MOVED = Detail('102', 'The volume could not be moved to other storage.')
NOT_TO_MOVE = Detail('103', 'The storage it is on does not offer the type, and the volume was not to be moved.')
CANNOT_MOVE = Detail('104', 'The storage it is on does not offer the type, and a volume that has snapshots or is '
                            'attached cannot be moved.')
NOT_RETYPED = Detail('105', 'The quota of the project does not allow it in that type, or the type was deleted.')
NOT_MANAGED = Detail('106', 'What was named is not there or cannot be had, or the quota does not allow it.')
NOT_REVERTED = Detail('107', 'The storage could not put the snapshot back; the volume may be changed in part.')

UNSERVED = Detail('111', 'The storage that holds the volume does not answer.')
NOT_DELETED = Detail('112', 'The storage could not delete the volume, or one of its snapshots.')
GROUP_SNAPSHOT_NOT_DELETED = Detail('113', 'The storage could not delete all snapshots of the group snapshot.')

MIGRATE_VOLUME = Action('101', 'migrate volume')
RETYPE_VOLUME = Action('102', 'retype volume')
MANAGE_VOLUME = Action('103', 'manage existing volume')
MANAGE_SNAPSHOT = Action('104', 'manage existing snapshot')
REVERT_VOLUME = Action('105', 'revert volume to snapshot')
DELETE_VOLUME = Action('110', 'delete volume')

ABANDONED = Detail('114', 'An administrator has ended it.')

TRANSFER_VOLUME = Action('111', 'accept volume transfer')
NOT_TRANSFERRED = Detail('115', 'The encrypted volume stays with the project that offers it.')

# --- groups
CREATE_GROUP = Action('106', 'create group')
DELETE_GROUP = Action('107', 'delete group')
CREATE_GROUP_SNAPSHOT = Action('108', 'create group snapshot')
DELETE_GROUP_SNAPSHOT = Action('109', 'delete group snapshot')

NO_PLACE = Detail('108', 'No storage offers all volume types of the group.')
NOT_ALL_MADE = Detail('109', 'Not all volumes of the group could be made.')
NOT_ALL_GONE = Detail('110', 'Some volumes of the group could not be deleted.')


def resource_type(resource):
    """What messages call a resource (states.Machine.resource)."""
    return {'snapshot': 'VOLUME_SNAPSHOT'}.get(resource, resource.upper())


def event_id(resource, action, detail):
    """Such as VOLUME_VOLUME_001_003."""
    return f'VOLUME_{resource_type(resource)}_{action.number}_{detail.number}'


def text(action, detail, more=''):
    """'<action>: <detail> <more>': ``more`` must name no host, backend or pool."""
    return f'{action.text}: {detail.text} {more}'.strip()

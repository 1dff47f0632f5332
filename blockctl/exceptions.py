# SPDX-License-Identifier: Apache-2.0
"""Every error of the domain: a kind and a message template.

Nothing here knows HTTP; api/faults.py maps each kind to a status.  A class may be added freely, a kind rarely.
The same classes cross AMQP (``allowed_remote_exmods``).
"""

import enum


class Kind(enum.Enum):
    """What sort of refusal or failure an error is; the only thing the outside layers look at."""

    INVALID = 'invalid'  # the request itself, or the state of what it names, does not allow it
    UNAUTHENTICATED = 'unauthenticated'
    FORBIDDEN = 'forbidden'
    NOT_FOUND = 'not found'
    CONFLICT = 'conflict'
    PRECONDITION = 'precondition failed'
    OVER_LIMIT = 'over limit'
    TOO_LARGE = 'too large'
    NOT_ACCEPTABLE = 'not acceptable'
    UNSUPPORTED_MEDIA = 'unsupported media type'
    UNAVAILABLE = 'unavailable'
    BACKEND = 'backend'  # a driver's; never shown to a tenant as it is
    INTERNAL = 'internal'


class Error(Exception):
    """Base of all. ``Error(name=value)`` fills the template; ``Error('text')`` replaces it."""

    kind = Kind.INTERNAL
    text = 'An unknown error occurred.'

    def __init__(self, message: str | None = None, **values):
        self.values = values
        super().__init__(message if message is not None else self.text % values)

    def __reduce__(self):
        # Keyword arguments are lost by Exception's own pickling and by repr-based transports.
        return (_rebuild, (type(self), str(self), self.values))


def _rebuild(cls, message, values):
    error = cls(message)
    error.values = values
    return error


# --- the request
class InvalidRequest(Error):
    kind = Kind.INVALID
    text = 'Invalid input received: %(reason)s'


class InvalidField(InvalidRequest):
    """Names the field, as every refusal of input must."""

    text = "Invalid input for field/attribute %(field)s. Value: %(value)s. %(reason)s"


class InvalidState(Error):
    kind = Kind.INVALID
    text = 'Invalid %(resource)s: %(resource)s %(id)s is %(status)s; it must be %(allowed)s to %(action)s it.'


class InUseOtherwise(InvalidState):
    """Not its state, but other work on it, or what it is part of, stands against it."""

    text = ('Invalid %(resource)s: %(resource)s %(id)s is %(status)s, but other work on it, or what it is part of, '
            'does not allow to %(action)s it now.')


class VolumeMustStay(InvalidState):
    text = ('Invalid volume: volume %(id)s is %(status)s; to delete it, it must be %(allowed)s, and must not migrate, '
            'be attached, be read by other work, or have snapshots.')


class Unauthenticated(Error):
    kind = Kind.UNAUTHENTICATED
    text = 'The request you have made requires authentication.'


class NotAuthorized(Error):
    kind = Kind.FORBIDDEN
    text = "Policy doesn't allow %(action)s to be performed."


class ServiceIsUp(Error):
    kind = Kind.CONFLICT
    text = 'Service %(binary)s on host %(host)s is served by a process: stop that first.'


class InvalidHost(Error):
    kind = Kind.INVALID
    text = "Invalid host: No available service named '%(host)s'"


class HostNotFound(Error):
    kind = Kind.INVALID
    text = "Host '%(host)s' not found"


class NoServiceFound(Error):
    kind = Kind.INVALID
    text = 'No service found with %(field)s=%(value)s'


class BackendIsFrozen(Error):
    kind = Kind.INVALID
    text = ('An administrator has frozen the storage that this would change: it is refused until the storage is '
            'thawed.')


class CannotFreeze(Error):
    kind = Kind.INVALID
    text = 'Invalid input received: %(field)s: %(value)s is %(state)s'


class CannotFailOver(Error):
    kind = Kind.INVALID
    text = ('Invalid input received: %(field)s: %(value)s cannot fail over: none of its storage is replicated '
            '(replication_device is not supported by its driver)')


class ClusterNotFound(Error):
    kind = Kind.INVALID
    text = "Cluster '%(cluster)s' not found"


class InvalidVolumeType(Error):
    kind = Kind.INVALID
    text = "Invalid volume type: Cannot find requested '%(name)s' volume type"


class VolumeCannotMove(Error):
    kind = Kind.INVALID
    text = 'Invalid volume: volume %(volume_id)s cannot be migrated: %(reason)s.'


class NotMigrating(Error):
    kind = Kind.INVALID
    text = 'Invalid volume: %(reason)s'


class CannotRetype(Error):
    kind = Kind.INVALID
    text = 'Invalid volume: volume %(volume_id)s cannot be retyped: %(reason)s.'


class CannotTransfer(Error):
    kind = Kind.INVALID
    text = 'Invalid volume: volume %(volume_id)s cannot be transferred: %(reason)s.'


class InvalidTransferKey(Error):
    kind = Kind.INVALID
    text = 'Invalid auth key: that is not the key of transfer %(transfer_id)s.'


class AlreadyManaged(Error):
    kind = Kind.INVALID
    text = 'Unable to manage existing %(resource)s. The %(resource)s is already managed'


class CannotUnmanage(Error):
    kind = Kind.INVALID
    text = 'Invalid volume: volume %(volume_id)s cannot be unmanaged: %(reason)s.'


class TooLarge(Error):
    kind = Kind.TOO_LARGE
    text = 'Request is too large.'


class NotAcceptable(Error):
    kind = Kind.NOT_ACCEPTABLE
    text = 'Version %(version)s is not supported by the API. Minimum is %(minimum)s and maximum is %(maximum)s.'


class UnsupportedMedia(Error):
    kind = Kind.UNSUPPORTED_MEDIA
    text = 'Unsupported Content-Type'


class InvalidAttachMode(Error):
    kind = Kind.INVALID
    text = "Invalid attaching mode '%(mode)s' for volume %(volume_id)s: it can only be read."


class AlreadyAttached(Error):
    kind = Kind.INVALID
    text = 'Invalid volume: volume %(volume_id)s is already attached and multiple attachments are not enabled.'


class WhichAttachment(Error):
    kind = Kind.INVALID
    text = 'Invalid volume: volume %(volume_id)s has several attachments; attachment_id has to name one.'


# --- things that are not there
class NotFound(Error):
    kind = Kind.NOT_FOUND
    text = 'The resource could not be found.'


class VolumeNotFound(NotFound):
    text = 'Volume %(volume_id)s could not be found.'


class ImageMetadataNotFound(NotFound):
    text = 'Image metadata of volume %(volume_id)s could not be found.'


class VolumeMetadataNotFound(NotFound):
    text = 'Volume %(volume_id)s has no metadata with key %(key)s.'


class SnapshotNotFound(NotFound):
    text = 'Snapshot %(snapshot_id)s could not be found.'


class AttachmentNotFound(NotFound):
    text = 'Volume attachment could not be found with filter: attachment_id = %(attachment_id)s.'


class SnapshotMetadataNotFound(NotFound):
    text = 'Snapshot %(snapshot_id)s has no metadata with key %(key)s.'


class GroupNotFound(NotFound):
    text = 'Group %(group_id)s could not be found.'


class GroupSnapshotNotFound(NotFound):
    text = 'GroupSnapshot %(group_snapshot_id)s could not be found.'


class GroupTypeNotFound(NotFound):
    text = 'Group type %(group_type_id)s could not be found.'


class GroupTypeNotFoundByName(NotFound):
    text = 'Group type with name %(name)s could not be found.'


class DefaultGroupTypeNotFound(NotFound):
    text = 'Default group type can not be found.'


class GroupSpecNotFound(NotFound):
    text = 'Group Type %(group_type_id)s has no specs with key %(key)s.'


class VolumeTypeNotFound(NotFound):
    text = 'Volume type %(volume_type_id)s could not be found.'


class VolumeTypeNotFoundByName(NotFound):
    text = 'Volume type with name %(name)s could not be found.'


class ExtraSpecNotFound(NotFound):
    text = 'Volume Type %(volume_type_id)s has no extra specs with key %(key)s.'


class VolumeTypeAccessNotFound(NotFound):
    text = 'Volume type access not found for %(volume_type_id)s / %(project_id)s combination.'


class NoAccessList(NotFound):
    text = 'Access list not available for public volume types.'


class DefaultTypeNotFound(NotFound):
    text = 'Default type for project %(project_id)s not found.'


class QosSpecsNotFound(NotFound):
    text = 'No such QoS spec %(qos_specs_id)s.'


class QosSpecNotFound(NotFound):
    text = 'QoS spec %(qos_specs_id)s has no spec with key %(key)s.'


class VolumeTypeEncryptionNotFound(NotFound):
    text = 'Volume type encryption for type %(volume_type_id)s does not exist.'


class VolumeEncryptionNotFound(NotFound):
    text = 'The encryption of volume %(volume_id)s has no %(key)s.'


class ServiceNotFound(NotFound):
    text = 'Service %(binary)s on host %(host)s could not be found.'


class HostDoesNotExist(NotFound):
    text = 'Host %(host)s could not be found.'


class NoSuchCluster(NotFound):
    text = 'Cluster %(name)s of %(binary)s could not be found.'


class CapabilitiesNotFound(NotFound):
    text = "Can't find service: %(host)s"


class JobNotFound(NotFound):
    text = 'Job %(job_id)s could not be found.'


class TransferNotFound(NotFound):
    text = 'Transfer %(transfer_id)s could not be found.'


class MessageNotFound(NotFound):
    text = 'Message %(message_id)s could not be found.'


# --- conflicts
class Conflict(Error):
    kind = Kind.CONFLICT
    text = 'The request conflicts with the state of the resource: %(reason)s'


class PreconditionFailed(Error):
    kind = Kind.PRECONDITION
    text = 'The resource is not as the request expects it: %(reason)s'


class CannotRevert(Conflict):
    text = ("Invalid %(resource)s: volume %(volume_id)s cannot be reverted to its latest snapshot %(snapshot_id)s: the "
            "%(resource)s is %(status)s, and must be available.")


class VolumeTypeExists(Conflict):
    text = 'Volume Type %(name)s already exists.'


class VolumeTypeAccessExists(Conflict):
    text = 'Volume type access for %(volume_type_id)s / %(project_id)s combination already exists.'


class VolumeTypeIsPublic(Error):
    kind = Kind.INVALID
    text = 'Invalid volume type: %(volume_type_id)s is public: every project may use it, and access is not changed.'


class QosSpecsExist(Conflict):
    text = 'QoS Specs %(name)s already exists.'


class QosSpecsInUse(Error):
    kind = Kind.INVALID
    text = 'QoS specs %(qos_specs_id)s are still in use: volume types are associated with them.'


class VolumeTypeHasQosSpecs(Error):
    kind = Kind.INVALID
    text = ('Invalid volume type: Type %(volume_type_id)s is already associated with another qos specs: '
            '%(qos_specs_id)s')


class GroupTypeExists(Conflict):
    text = 'Group Type %(name)s already exists.'


class GroupTypeInUse(Error):
    kind = Kind.INVALID
    text = ('Target group type is still in use. Group Type %(group_type_id)s deletion is not allowed with groups '
            'present with the type.')


class GroupTypeReserved(Error):
    """Of the groups that are called consistency groups."""

    kind = Kind.INVALID
    text = ('Group type %(group_type_id)s is that of consistency groups: they and their snapshots are asked for by '
            '/consistencygroups and /cgsnapshots only.')


class InvalidGroup(Error):
    kind = Kind.INVALID
    text = 'Invalid Group: %(reason)s'


class NotReplicated(Error):
    kind = Kind.INVALID
    text = 'Invalid group type: Group %(group_id)s is not a replication group type.'


class InvalidGroupVolume(Error):
    kind = Kind.INVALID
    text = 'Invalid volume: Cannot %(action)s group %(group_id)s because %(reason)s.'


class VolumeTypeInUse(Error):
    kind = Kind.INVALID
    text = 'Volume Type %(volume_type_id)s deletion is not allowed with volumes present with the type.'


class DefaultVolumeType(Error):
    kind = Kind.INVALID
    text = 'The volume type %(volume_type_id)s is a default volume type and cannot be deleted.'


class VolumeTypeSpecsInUse(Error):
    kind = Kind.INVALID
    text = 'Volume Type is currently in use: its extra specs cannot be changed while volumes have it.'


class ClusterInUse(Conflict):
    text = 'Cluster %(name)s cannot be changed: %(reason)s.'


class JobCannot(Conflict):
    text = 'Job %(job_id)s cannot be %(action)s: %(reason)s.'


class VolumeTypeEncryptionExists(Error):
    kind = Kind.INVALID
    text = 'Volume type encryption for type %(volume_type_id)s already exists.'


class VolumeTypeEncryptionInUse(Error):
    kind = Kind.INVALID
    text = 'Cannot %(action)s encryption specs. Volume type in use.'


class ResourceBusy(Conflict):
    text = '%(resource)s %(id)s is being changed by another request.'


class ConnectedElsewhere(Conflict):
    text = 'Volume %(volume_id)s has another connection, and its type does not allow several.'


class UsedByServer(Conflict):
    """Clients look for its first word."""

    text = 'ConflictNovaUsingAttachment: Detach volume from instance %(server_id)s using the Compute API'


# --- limits
class OverQuota(Error):
    """The wording of the old reference is kept: clients show it, and tempest reads its numbers."""

    kind = Kind.OVER_LIMIT
    text = 'Quota exceeded for resource %(resource)s: requested %(requested)s, used %(used)s, limit %(limit)s.'


class VolumeSizeExceedsLimit(OverQuota):
    text = ("Requested volume size %(size)sG is larger than maximum allowed limit %(limit)sG.")


class NoRoomToGrow(Error):
    kind = Kind.OVER_LIMIT
    text = 'The storage of volume %(volume_id)s has no room for %(growth)s GiB more.'


# --- parts that are away
class Unavailable(Error):
    kind = Kind.UNAVAILABLE
    text = 'The service is unavailable. Please try again later.'


class DatabaseUnavailable(Unavailable):
    text = 'The database cannot be reached. Please try again later.'


class StillUnderWay(Unavailable):
    text = ('The backend has not answered within %(seconds)s s. What was asked for goes on (job %(job_id)s); look at '
            'the resource later.')


class ConnectionFailed(Unavailable):
    text = 'The storage of volume %(volume_id)s could not change its connection; a user message may say more.'


class ComputeUnavailable(Unavailable):
    text = 'The compute service cannot be asked whether a server uses volume %(volume_id)s. Please try again later.'


# --- inside
class ConfigurationError(Error):
    text = 'The configuration is not usable: %(reason)s'


class LeaseLost(Error):
    """Another worker has this job now. Whoever gets this stops at once and reverts nothing."""

    text = 'The lease on job %(job_id)s is lost.'


class NoPoolFits(Error):
    """No pool passes every filter. ``values['counts']``: [(filter, pools it refused)] in order."""

    kind = Kind.BACKEND
    text = 'No pool fits: %(summary)s'


# --- what drivers raise (drivers/interface.py says when, and what follows)
class BackendError(Error):
    kind = Kind.BACKEND
    text = 'The backend failed: %(reason)s'


class BackendTimeout(BackendError):
    text = 'The backend did not answer in time: %(reason)s'


class BackendUnavailable(BackendError):
    text = 'The backend cannot be reached: %(reason)s'


class BackendBusy(BackendError):
    text = 'In use on the backend: %(reason)s'


class BackendFull(BackendError):
    text = 'The backend is full: %(reason)s'


class BackendUnable(InvalidRequest):
    """The driver lacks an ability (drivers/interface.py): trying again, or elsewhere, is of no use."""

    text = 'The backend lacks the ability %(ability)s.'


class KeyManagerUnavailable(BackendUnavailable):
    text = 'The key manager cannot be asked: %(reason)s'


class KeyRefused(InvalidRequest):
    """Trying again is of no use: blockctl's account lacks a right there."""

    text = 'The key manager refuses the request.'


class KeyNotFound(KeyRefused):
    text = 'The key manager has no such key.'


class EncryptionDiffers(InvalidRequest):
    text = 'The types are not encrypted in the same way.'


class NotFoundOnBackend(BackendError):
    text = 'Not on the backend: %(name)s'

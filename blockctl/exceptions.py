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


class Unauthenticated(Error):
    kind = Kind.UNAUTHENTICATED
    text = 'The request you have made requires authentication.'


class NotAuthorized(Error):
    kind = Kind.FORBIDDEN
    text = "Policy doesn't allow %(action)s to be performed."


class TooLarge(Error):
    kind = Kind.TOO_LARGE
    text = 'Request is too large.'


class NotAcceptable(Error):
    kind = Kind.NOT_ACCEPTABLE
    text = 'Version %(version)s is not supported by the API. Minimum is %(minimum)s and maximum is %(maximum)s.'


class UnsupportedMedia(Error):
    kind = Kind.UNSUPPORTED_MEDIA
    text = 'Unsupported Content-Type'


# --- things that are not there
class NotFound(Error):
    kind = Kind.NOT_FOUND
    text = 'The resource could not be found.'


class VolumeNotFound(NotFound):
    text = 'Volume %(volume_id)s could not be found.'


class VolumeMetadataNotFound(NotFound):
    text = 'Volume %(volume_id)s has no metadata with key %(key)s.'


class SnapshotNotFound(NotFound):
    text = 'Snapshot %(snapshot_id)s could not be found.'


class VolumeTypeNotFound(NotFound):
    text = 'Volume type %(volume_type_id)s could not be found.'


class VolumeTypeNotFoundByName(NotFound):
    text = 'Volume type with name %(name)s could not be found.'


class ExtraSpecNotFound(NotFound):
    text = 'Volume Type %(volume_type_id)s has no extra specs with key %(key)s.'


class ServiceNotFound(NotFound):
    text = 'Service %(binary)s on host %(host)s could not be found.'


class MessageNotFound(NotFound):
    text = 'Message %(message_id)s could not be found.'


class PoolNotFound(NotFound):
    text = 'Pool %(name)s could not be found.'


# --- conflicts
class Conflict(Error):
    kind = Kind.CONFLICT
    text = 'The request conflicts with the state of the resource: %(reason)s'


class PreconditionFailed(Error):
    kind = Kind.PRECONDITION
    text = 'The resource is not as the request expects it: %(reason)s'


class VolumeTypeExists(Conflict):
    text = 'Volume Type %(name)s already exists.'


class VolumeTypeInUse(Error):
    kind = Kind.INVALID
    text = 'Volume Type %(volume_type_id)s deletion is not allowed with volumes present with the type.'


class DefaultVolumeType(Error):
    kind = Kind.INVALID
    text = 'The volume type %(volume_type_id)s is a default volume type and cannot be deleted.'


class VolumeTypeSpecsInUse(Error):
    kind = Kind.INVALID
    text = 'Volume Type is currently in use: its extra specs cannot be changed while volumes have it.'


class ResourceBusy(Conflict):
    text = '%(resource)s %(id)s is being changed by another request.'


# --- limits
class OverQuota(Error):
    """The wording of the old reference is kept: clients show it, and tempest reads its numbers."""

    kind = Kind.OVER_LIMIT
    text = 'Quota exceeded for resource %(resource)s: requested %(requested)s, used %(used)s, limit %(limit)s.'


class VolumeSizeExceedsLimit(OverQuota):
    text = ("Requested volume size %(size)sG is larger than maximum allowed limit %(limit)sG.")


# --- parts that are away
class Unavailable(Error):
    kind = Kind.UNAVAILABLE
    text = 'The service is unavailable. Please try again later.'


class DatabaseUnavailable(Unavailable):
    text = 'The database cannot be reached. Please try again later.'


class StillUnderWay(Unavailable):
    text = ('The backend has not answered within %(seconds)s s. What was asked for goes on (job %(job_id)s); look at '
            'the resource later.')


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


class NotFoundOnBackend(BackendError):
    text = 'Not on the backend: %(name)s'

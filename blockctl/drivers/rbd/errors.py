# SPDX-License-Identifier: Apache-2.0
"""Errors of librados and librbd as what drivers raise. Both give errno values, one set of classes each."""

import errno

from blockctl import exceptions

#: The client was cut off (EBLOCKLISTED is ESHUTDOWN) or shut down; it will never work again.
CUT_OFF = {errno.ESHUTDOWN, errno.ENOTCONN}

_KINDS = {
    errno.ETIMEDOUT: exceptions.BackendTimeout,
    errno.ENOSPC: exceptions.BackendFull,
    errno.EDQUOT: exceptions.BackendFull,
    errno.EBUSY: exceptions.BackendBusy,  # a watcher
    errno.ENOTEMPTY: exceptions.BackendBusy,  # snapshots
    errno.ESTALE: exceptions.BackendBusy,  # another client moved it just now
    errno.EROFS: exceptions.BackendBusy,  # another client has the exclusive lock and does not give it away
    **dict.fromkeys(CUT_OFF, exceptions.BackendUnavailable),
}


def from_errno(number: int, text: str) -> exceptions.Error:
    """``number`` as Ceph gives it, of either sign."""
    number = abs(number)
    if number == errno.ENOENT:
        return exceptions.NotFoundOnBackend(text)
    return _KINDS.get(number, exceptions.BackendError)(reason=text)


def number_of(error: Exception) -> int | None:
    """The errno of an exception of the bindings; None where it has none (a state error of the bindings)."""
    number = getattr(error, 'errno', None)
    return abs(number) if isinstance(number, int) else None

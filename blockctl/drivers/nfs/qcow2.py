# SPDX-License-Identifier: Apache-2.0
"""Reads the header of a qcow2 file, and refuses what the driver's own files never have.

docs/interop/qcow2.txt of QEMU is the source.  The header is read here, not by qemu-img: a program that opens a file
follows what the file says, and this is to find out whether it may.
"""

import dataclasses
import os
import struct

from blockctl import exceptions

MAGIC = b'QFI\xfb'
_FIRST = struct.Struct('>4sIQIIQIIQQIIQ')  # 72 bytes, of every version
_SECOND = struct.Struct('>QQQII')  # 32 more, of version 3
_EXTENSION = struct.Struct('>II')
_BACKING_FORMAT = 0xE2792ACA
_DATA_FILE = 0x44415441
#: Incompatible features that do no harm: dirty, corrupt, another compression, subclusters. An external data file does.
_HARMLESS = 0b11011
_READ = 64 << 10  # bytes: all of a header lies in the first cluster, and no more of that is believed
_FORMATS = {'raw', 'qcow2'}


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """``size``: bytes, as a user of the volume sees it. ``backing``: the name of a file, and what that is; or None."""

    size: int
    backing: str | None = None
    backing_format: str | None = None


def read(descriptor, name):
    """The header of an open file; ``name`` is for errors. Raises BackendError for any it should not have."""
    data = os.pread(descriptor, _READ, 0)
    try:
        return _parsed(data)
    except (_WrongError, struct.error, UnicodeDecodeError) as error:
        raise exceptions.BackendError(reason=f'{name} is not a qcow2 file that is to be used: {error}') from error


class _WrongError(Exception):
    """What is wrong with a header."""


def _parsed(data):
    (magic, version, backing_at, backing_length, _, size, encryption, *_) = _FIRST.unpack_from(data)
    if magic != MAGIC or version not in (2, 3):
        raise _WrongError('it does not begin like one')
    features, length = 0, _FIRST.size
    if version == 3:
        features, _, _, _, length = _SECOND.unpack_from(data, _FIRST.size)
    if features & ~_HARMLESS or encryption:
        raise _WrongError(f'features {features:#x}, encryption {encryption}')
    if size >= 1 << 62:
        raise _WrongError(f'{size} bytes')
    extensions = dict(_extensions(data, length, backing_at or _READ))
    if _DATA_FILE in extensions:
        raise _WrongError('its data are in another file')
    if not backing_at:
        return Header(size)
    backing = data[backing_at:backing_at + backing_length].decode('ascii')
    backing_format = extensions.get(_BACKING_FORMAT, b'').decode('ascii')
    if len(backing) != backing_length or backing_format not in _FORMATS:
        raise _WrongError(f'it is based on a file of format {backing_format!r}')
    return Header(size, backing, backing_format)


def _extensions(data, start, end):
    """(type, bytes) of each."""
    while start < min(end, len(data)):
        kind, length = _EXTENSION.unpack_from(data, start)
        if kind == 0:
            return
        start += _EXTENSION.size
        yield kind, data[start:start + length]
        start += -(-length // 8) * 8

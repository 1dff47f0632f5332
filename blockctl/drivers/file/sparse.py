# SPDX-License-Identifier: Apache-2.0
"""Copies a sparse file: only what holds data, in pieces, so that a long copy can report and can be stopped."""

import errno
import os
from collections.abc import Callable

#: Bytes between two calls of ``step``. A second or less on any disk worth the name.
PIECE = 32 << 20

_NO_KERNEL_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


def copy(source: int, target: int, length: int, step: Callable[[float], None]) -> None:
    """Copy ``length`` bytes from one open file to another, holes left out; ``target`` is all hole before.

    ``step(done)`` is called before each piece, with the part (0 to 1) that is behind; what it raises ends the copy.
    """
    position = 0
    while position < length:
        step(position / length)
        start = _next_data(source, position, length)
        if start >= length:
            return
        end = min(os.lseek(source, start, os.SEEK_HOLE), start + PIECE, length)
        _copy_piece(source, target, start, end)
        position = end


def write(target: int, data: bytes) -> None:
    """Write all of ``data`` at the beginning of an open file."""
    written = 0
    while written < len(data):
        written += os.pwrite(target, data[written:], written)


def _next_data(source, position, length):
    try:
        return os.lseek(source, position, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but a hole up to the end
            return length
        raise


def _copy_piece(source, target, start, end):
    while start < end:
        done = _by_kernel(source, target, start, end)
        if done is None:
            done = _by_hand(source, target, start, end)
        if done == 0:
            return  # the source ends here: it was longer when it was looked at
        start += done


def _by_kernel(source, target, start, end):
    """Bytes copied (shared blocks where the file system can), or None where the kernel cannot."""
    try:
        return os.copy_file_range(source, target, end - start, offset_src=start, offset_dst=start)
    except OSError as error:
        if error.errno in _NO_KERNEL_COPY:
            return None
        raise


def _by_hand(source, target, start, end):
    data = os.pread(source, min(end - start, 1 << 20), start)
    written = 0
    while written < len(data):
        written += os.pwrite(target, data[written:], start + written)
    return written

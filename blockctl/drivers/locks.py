# SPDX-License-Identifier: Apache-2.0
"""A lock per volume that every process of the machine respects, and that ends with its holder.

flock(2) on a file that the holder may unlink: whoever gets the lock then looks whether the name still leads to the
file it locked, and starts over when it does not.
"""

import contextlib
import fcntl
import os
import time

from blockctl import exceptions

# flock has no time-out and threads get no signals, so the lock is asked for again and again, ever less often.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.05


@contextlib.contextmanager
def held(path: str, seconds: float):
    """Hold the lock ``path`` for the ``with`` block. Raises BackendTimeout when it is not free within ``seconds``."""
    end = time.monotonic() + seconds
    descriptor = _open_and_lock(path, end)
    while not _is_same(descriptor, path):
        os.close(descriptor)
        descriptor = _open_and_lock(path, end)
    try:
        yield
    finally:
        os.close(descriptor)


def _open_and_lock(path, end):
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _lock(descriptor, path, end)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _lock(descriptor, path, end):
    pause = _FIRST_PAUSE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            left = end - time.monotonic()
            if left <= 0:
                raise exceptions.BackendTimeout(
                    reason=f'the lock {os.path.basename(path)} is held by another worker') from None
            time.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE)


def _is_same(descriptor, path):
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False

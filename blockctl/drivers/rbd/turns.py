# SPDX-License-Identifier: Apache-2.0
"""One thread of this process at a time for each image.

librbd 16 ends the process ("AsyncOpTracker ... m_pending_ops == 0") when many threads open one image for writing and
change its snapshots at once.  What other processes do does not matter for that.
"""

import contextlib
import threading

from blockctl import exceptions


class Turns:
    """A lock for each image that somebody is at. Other images are never in the way."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._lock = threading.Lock()
        self._turns = {}  # name of an image -> [its lock, how many hold it or wait for it]

    @contextlib.contextmanager
    def of(self, name: str):
        """Hold the image's turn for the ``with`` block. Raises BackendBusy when that takes too long."""
        with self._lock:
            turn = self._turns.setdefault(name, [threading.Lock(), 0])
            turn[1] += 1
        try:
            if not turn[0].acquire(timeout=self._seconds):
                raise exceptions.BackendBusy(reason=f'this process is at work on {name}')
            try:
                yield
            finally:
                turn[0].release()
        finally:
            with self._lock:
                turn[1] -= 1
                if not turn[1]:
                    del self._turns[name]

# SPDX-License-Identifier: Apache-2.0
"""Waiting, always with a bound."""

import time

_FIRST, _LONGEST = 0.02, 0.25  # seconds between two looks


def until(check, seconds, what):
    """Call ``check`` until it returns something true, and return that.

    ``what`` completes "there was no ..."; a callable is asked for it when the time is over.  Raises AssertionError.
    """
    end = time.monotonic() + seconds
    pause = _FIRST
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() >= end:
            told = what() if callable(what) else what
            raise AssertionError(f'within {seconds:g} s there was no {told}')
        time.sleep(pause)
        pause = min(_LONGEST, pause * 1.5)


def lasts(check, seconds, what):
    """Look again and again for ``seconds``: ``check`` must stay true. For what must *not* happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert check(), f'{what}: it did not last {seconds:g} s'
        time.sleep(_LONGEST)

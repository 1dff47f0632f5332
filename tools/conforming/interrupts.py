# SPDX-License-Identifier: Apache-2.0
"""Signals that end a run in order, so that all it started is stopped."""

import contextlib
import signal

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def end_in_order():
    """Within, the first signal of ``NUMBERS`` raises SystemExit(128 + number); later ones leave the clean-up in peace.

    For the main thread only, as signals are.
    """
    before = {number: signal.signal(number, _end) for number in NUMBERS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number, frame):
    for each in NUMBERS:
        signal.signal(each, _ignore)
    raise SystemExit(128 + number)


def _ignore(number, frame):
    """Not SIG_IGN, which the programs that clean up would inherit."""

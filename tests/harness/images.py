# SPDX-License-Identifier: Apache-2.0
"""Data in an image, written and read by qemu-io, which owes nothing to blockctl. Locators are the backends' (raw)."""

import subprocess

#: (pattern, where, how much): the beginning, across a boundary of any chunk, the end of 1 GiB.
_PARTS = ((0xa1, '0', '64k'), (0xb2, '33550k', '200k'), (0xc3, '700M', '3M'), (0xd4, '1048512k', '64k'))


def write(locator):
    """Write a pattern into an image of 1 GiB or more."""
    done = _io(*(f'write -P {pattern} {where} {size}' for pattern, where, size in _PARTS), locator=locator)
    assert done.returncode == 0, done.stdout + done.stderr


def check(locator):
    """The pattern is there, and zeros beside it."""
    done = _io(*(f'read -P {pattern} {where} {size}' for pattern, where, size in _PARTS), 'read -P 0 100M 64k',
               locator=locator)
    assert done.returncode == 0 and 'Pattern verification failed' not in done.stdout, done.stdout + done.stderr


def _io(*commands, locator):
    arguments = [part for command in commands for part in ('-c', command)]
    return subprocess.run(['qemu-io', '-f', 'raw', *arguments, locator], timeout=60, text=True, check=False,
                          capture_output=True, stdin=subprocess.DEVNULL)

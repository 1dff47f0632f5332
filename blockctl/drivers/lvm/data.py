# SPDX-License-Identifier: Apache-2.0
"""Copying and clearing block devices, in pieces: each is a command with a bound, so that the work can be watched,
slowed down and stopped.
"""

import time

from oslo_utils import units

#: Bytes of one command. Storage that does not manage 10 MiB/s passes for hung.
PIECE = 256 * units.Mi
_BLOCK = 4 * units.Mi


class Data:
    """``conf``: the backend's section."""

    def __init__(self, commands, conf):
        self._commands = commands
        self._limit = conf.volume_copy_bps_limit
        self._ionice = ['ionice', *conf.volume_clear_ionice.split()] if conf.volume_clear_ionice else []

    def copy(self, source, target, size, effect):
        """``size`` bytes, of whole extents, from one device to another."""
        for start, length in self._pieces(size, effect):
            self._commands.run(
                'dd', f'if={source}', f'of={target}', f'bs={_BLOCK}', f'skip={start // _BLOCK}',
                f'seek={start // _BLOCK}', f'count={length // _BLOCK}', 'iflag=direct', 'oflag=direct',
                'conv=nocreat,notrunc,fsync', 'status=none')

    def clear(self, device, size, effect):
        """The first ``size`` bytes of a device become zeros."""
        for start, length in self._pieces(size, effect):
            self._commands.run(*self._ionice, 'blkdiscard', '--zeroout', '--offset', str(start), '--length',
                               str(length), device)

    def _pieces(self, size, effect):
        """(start, length) of each piece, ever so slowly that the limit is kept."""
        began = time.monotonic()
        for start in range(0, size, PIECE):
            if self._limit:
                time.sleep(max(0, min(start / self._limit - (time.monotonic() - began), PIECE / self._limit)))
            effect.check()
            effect.progress(start / size)
            yield start, min(PIECE, size - start)

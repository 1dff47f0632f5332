# SPDX-License-Identifier: Apache-2.0
"""Copying and clearing block devices, in pieces: each is a command with a bound, so that the work can be watched,
slowed down and stopped.
"""

import time

from oslo_utils import units

#: Bytes of one command, at most. Storage that does not manage 10 MiB/s passes for hung.
PIECE = 256 * units.Mi
_BLOCK = 4 * units.Mi


class Data:
    """``conf``: the backend's section."""

    def __init__(self, commands, conf):
        self._commands = commands
        self._limit = conf.volume_copy_bps_limit
        # A second's worth: who waits longer than that between two signs of progress is soon taken for hung.
        self._piece = min(PIECE, max(_BLOCK, self._limit - self._limit % _BLOCK)) if self._limit else PIECE
        self._ionice = ['ionice', *conf.volume_clear_ionice.split()] if conf.volume_clear_ionice else []

    def copy(self, source, target, size, effect, sparse=False):
        """``size`` bytes, of whole extents, from one device to another.

        ``sparse``: zeros are not written, for the target has nothing else yet: of a thin pool they would take room.
        """
        conversions = 'nocreat,notrunc,fsync,sparse' if sparse else 'nocreat,notrunc,fsync'
        for start, length in self._pieces(size, effect):
            # In bytes, not in blocks: a volume that was brought in need not end with one.
            self._commands.run(
                'dd', f'if={source}', f'of={target}', f'bs={_BLOCK}', f'skip={start}', f'seek={start}',
                f'count={length}', 'iflag=direct,skip_bytes,count_bytes', 'oflag=direct,seek_bytes',
                f'conv={conversions}', 'status=none')

    def write(self, device, data):
        """Put ``data``, a few MiB at most, at a device's beginning. Other programs do not see them pass."""
        # Directly: who writes to a full pool by way of the cache hears of an error, but not of which.
        self._commands.run('dd', f'of={device}', f'bs={units.Mi}', 'iflag=fullblock', 'oflag=direct',
                           'conv=nocreat,notrunc,fsync', 'status=none', given=data)

    def clear(self, device, size, effect):
        """The first ``size`` bytes of a device become zeros."""
        for start, length in self._pieces(size, effect):
            self._commands.run(*self._ionice, 'blkdiscard', '--zeroout', '--offset', str(start), '--length',
                               str(length), device)

    def _pieces(self, size, effect):
        """(start, length) of each piece, ever so slowly that the limit is kept."""
        began = time.monotonic()
        for start in range(0, size, self._piece):
            if self._limit:
                time.sleep(max(0, began + start / self._limit - time.monotonic()))
            effect.check()
            effect.progress(start / size)
            yield start, min(self._piece, size - start)

# SPDX-License-Identifier: Apache-2.0
"""Copies from one open image to another, piece by piece.

librbd has calls that copy (deep_copy) and roll back (rollback_to_snap), but its Python bindings report no progress of
them and cannot stop them: a job could not tell a long call from one that hangs.
"""

import concurrent.futures

#: Bytes read and written at once; most images' objects are as large.
_PIECE = 4 << 20
#: Bytes looked through for differences at once.
_WINDOW = 64 << 30
#: Pieces under way at once.
_AT_ONCE = 8


def copy(source, target, step, since=None):
    """Give ``target`` the data of ``source``, where there is any; it has been all zeros.

    ``since``: the name of the snapshot at which ``source`` is open, of the same image as ``target``; then what was
    written since is made as it was.  ``step(done)`` is called before each few pieces, with the part (0 to 1) that is
    behind; what it raises ends the copy.  What is larger in the target becomes zeros.
    """
    size = target.size() if since else source.size()
    listing = target if since else source
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix='rbd-copy') as threads:
        for start in range(0, size, _WINDOW):
            step(start / size)
            pieces = _pieces(listing, start, min(_WINDOW, size - start), since)
            for first in range(0, len(pieces), _AT_ONCE):
                step(pieces[first][0] / size)
                batch = pieces[first:first + _AT_ONCE]
                list(threads.map(lambda piece: _copy_piece(source, target, *piece), batch))
    target.flush()


def _pieces(image, start, length, since):
    """[(offset, length)] of what the image holds there, or of what changed there since the snapshot."""
    pieces = []

    def found(offset, extent, _exists):
        pieces.extend((at, min(_PIECE, offset + extent - at)) for at in range(offset, offset + extent, _PIECE))

    image.diff_iterate(start, length, since, found, include_parent=True, whole_object=True)
    return pieces


def _copy_piece(source, target, offset, length):
    there = max(0, min(length, source.size() - offset))
    data = source.read(offset, there) if there else b''
    if data.strip(b'\0'):
        target.write(data, offset)
    else:
        there = 0
    if there < length:
        target.write_zeroes(offset + there, length - there)

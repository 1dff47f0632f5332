# SPDX-License-Identifier: Apache-2.0
"""What of the past need not be kept for ever, and how it goes: a bounded number of rows at a time."""

from blockctl.db import history
from blockctl.db import jobs
from blockctl.db import messages

#: Rows that one transaction removes at most: nobody waits long for its locks.
AT_ONCE = 500


def _messages(ctx, older_than, limit):
    return messages.purge_expired(ctx, limit)


#: (table, function(ctx, older_than, limit) that removes up to ``limit`` rows and returns how many).
#: A message goes when its own time is over, whatever its age.
_TABLES = (('history', history.purge), ('jobs', jobs.purge), ('messages', _messages))


def purge(ctx, older_than):
    """Remove rows of what ended more than ``older_than`` seconds ago, in as many transactions as that takes.

    Returns [(table, rows removed)].
    """
    return [(table, _drain(ctx, function, older_than)) for table, function in _TABLES]


def _drain(ctx, function, older_than):
    total = 0
    while True:
        with ctx.writing():
            removed = function(ctx, older_than, AT_ONCE)
        total += removed
        if removed < AT_ONCE:
            return total

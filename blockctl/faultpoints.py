# SPDX-License-Identifier: Apache-2.0
"""Named points in the flows at which a test may have the process die, stop or fail ([faults] in the configuration).

Points stand before and after each effect and each commit. Without a name configured they cost one comparison.
"""

import os
import signal
import threading

from blockctl import exceptions


class Points:
    """``points(name)`` does nothing, unless ``name`` is the one configured and its marker file is not there yet."""

    def __init__(self, conf):
        self._point = conf.faults.point
        self._action = conf.faults.action
        self._marker = conf.faults.marker

    def __call__(self, name):
        if name != self._point:
            return
        if self._marker:
            try:
                os.close(os.open(self._marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                return
        match self._action:
            case 'kill':
                os.kill(os.getpid(), signal.SIGKILL)
            case 'stop':
                # To this thread: one sent to the process may reach another first, and this one would go on for a while.
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
            case 'raise':
                raise exceptions.BackendError(reason=f'asked for at {name}')

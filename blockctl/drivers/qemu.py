# SPDX-License-Identifier: Apache-2.0
"""Copying a volume's data from one backend to another by qemu-img: the way that needs nothing of either but a locator.
And what else drivers have the program do.

It gets its arguments as a list, never a shell; formats are always said (of a copy, both are raw), for it must not guess
from what a tenant wrote; its memory is limited, and it dies with this process.
"""

import re
import selectors
import signal
import subprocess
import time

from oslo_log import log as logging

from blockctl import exceptions

LOG = logging.getLogger(__name__)

#: Bytes of address space. librbd's threads and caches are large; a program that runs wild is larger.
MEMORY = 8 << 30
#: Seconds between two looks whether this worker may still act.
_LOOK = 1.0
#: '(12.34/100%)', as it answers a SIGUSR1 (its own -p speaks only once per cent, which may be minutes).
_PROGRESS = re.compile(rb'\((\d+\.\d+)/100%\)')
#: What it says -> what that means.
_MEANINGS = ((re.compile('No space left on device|Disk quota exceeded'), exceptions.BackendFull),
             (re.compile(r'Failed to get (shared )?"\w+" lock'), exceptions.BackendBusy))
_SAID = 4096  # bytes of its latest words that are kept


def copy(source, destination, effect):
    """Copy all of one locator to the other, which is as large. Repeated, it writes all of it again.

    Raises as :func:`run` does.
    """
    run(['convert', '-n', '-t', 'writeback', '-f', 'raw', '-O', 'raw', source, destination], effect)


def run(arguments, effect, files=()):
    """Have qemu-img do something; it may read ``files``, open descriptors, as /proc/self/fd/<number>.

    It goes on as long as it moves on: ``effect`` hears of the progress, and whoever loses the lease, for want of it,
    stops the program.  Raises BackendFull, BackendBusy (another program has the image) or BackendError with its last
    words, or what ``effect.check`` raises.
    """
    command = ['prlimit', f'--as={MEMORY}', '--', 'setpriv', '--pdeathsig', 'KILL', '--', 'qemu-img', *arguments]
    effect.check()
    with _start(command, files) as program:
        try:
            said = _follow(program, effect)
        except BaseException:
            program.kill()
            raise
    if program.returncode != 0:
        LOG.error('qemu-img ended with %s: %s', program.returncode, said)
        error = next((error for words, error in _MEANINGS if words.search(said)), exceptions.BackendError)
        raise error(reason=f'qemu-img ended with {program.returncode}: {said}')


def _start(command, files):
    # Blocked at its start, or the first question would end it: it unblocks the signal once it has a handler.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                pass_fds=files)
    except OSError as error:
        raise exceptions.BackendError(reason=f'{command[0]} cannot be run: {error.strerror}') from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _follow(program, effect):
    """Read what it says until it says no more; returns its last words."""
    said, done = b'', -1.0
    with selectors.DefaultSelector() as selector:
        selector.register(program.stdout, selectors.EVENT_READ)
        looked = time.monotonic()
        while True:
            ready = selector.select(_LOOK)
            if ready:
                chunk = program.stdout.read1(_SAID)
                if not chunk:
                    return _PROGRESS.sub(b'', said).decode('utf-8', 'replace').strip()
                said = (said + chunk)[-_SAID:]
            if time.monotonic() - looked >= _LOOK or not ready:
                looked = time.monotonic()
                effect.check()
                program.send_signal(signal.SIGUSR1)
                found = _PROGRESS.findall(said)
                if found and float(found[-1]) > done:
                    done = float(found[-1])
                    effect.progress(done / 100)

# SPDX-License-Identifier: Apache-2.0
"""One process under test."""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys

from tests.harness import polling

_SETPRIV = shutil.which('setpriv')


def command(name):
    """The console script ``name`` of the environment that runs the tests."""
    found = pathlib.Path(sys.executable).with_name(name)
    if not found.exists():
        raise AssertionError(f'{name} is not installed beside {sys.executable}: pip install -e .')
    return str(found)


class Process:
    """A process of ours, in a session of its own. Ends with the tests at the latest, also when those are killed."""

    def __init__(self, name, argv, log, marker=None, file_limit=None, environment=None):
        """``log``: file for its output; ``file_limit``: bytes that a file it writes may have (RLIMIT_FSIZE);
        ``environment``: in addition to ours.
        """
        self.name = name
        self.kind = None
        self.serves = []
        self.log = pathlib.Path(log)
        self.marker = marker and pathlib.Path(marker)
        dies_with_us = [_SETPRIV, '--pdeathsig', 'KILL'] if _SETPRIV else []
        with open(self.log, 'ab') as output:
            self._popen = subprocess.Popen([*dies_with_us, *argv], stdin=subprocess.DEVNULL, stdout=output,
                                           stderr=subprocess.STDOUT, start_new_session=True, cwd=self.log.parent,
                                           env={**os.environ, **(environment or {})})
        if file_limit:
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (file_limit, file_limit))

    def __repr__(self):
        return f'<{self.name}, pid {self.pid}>'

    @property
    def pid(self):
        return self._popen.pid

    @property
    def status(self):
        """Exit status, negative for a signal; None while it lives."""
        return self._popen.poll()

    @property
    def paused(self):
        return _state(self.pid) == 'T'

    def signal(self, number):
        if self.status is None:
            self._popen.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait(10)

    def pause(self):
        self.signal(signal.SIGSTOP)
        polling.until(lambda: self.paused, 10, f'pause of {self.name}')

    def resume(self):
        self.signal(signal.SIGCONT)

    def terminate(self, seconds=30):
        """Ask it to end (SIGTERM). Returns its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds):
        """Its exit status, within ``seconds``."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'{self.name} did not end within {seconds} s') from None

    def end(self):
        """Whatever state it is in, afterwards it and its children are gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait(10)

    def hit(self, seconds=30):
        """Wait until it has come to its fault point and is dead or paused there."""
        polling.until(lambda: self.marker.exists() and (self.paused or self.status is not None), seconds,
                      f'sign of {self.name} at its point')

    def says(self, text):
        """Whether its log has ``text``."""
        return text in self.log.read_text(errors='replace')

    def tail(self, lines=60):
        with contextlib.suppress(OSError):
            return '\n'.join(self.log.read_text(errors='replace').splitlines()[-lines:])
        return ''


def _state(pid):
    try:
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except OSError:
        return None


def descendants(pid):
    """Pids of a process and everything it started, it first."""
    found = [pid]
    for parent in found:  # grows while it is read
        with contextlib.suppress(OSError):
            for task in pathlib.Path(f'/proc/{parent}/task').iterdir():
                found += [int(child) for child in (task / 'children').read_text().split()]
    return found

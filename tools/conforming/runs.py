# SPDX-License-Identifier: Apache-2.0
"""Finding and running tests of tempest with stestr, in a directory of its own."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

from conforming import settings

HERE = pathlib.Path(__file__).resolve().parent
UNSKIPPED = HERE / 'unskipped'
TEST_SECONDS = 600  # no test may hang longer
ORDERLY = 20        # seconds in which what was interrupted has to end

STESTR = """\
[DEFAULT]
test_path = {path}
top_dir = {top}
group_regex = ([^\\.]*\\.)*
"""


class RunFailed(Exception):
    """stestr or tempest could not do what it was asked; its words are in the text."""


class Workspace:
    """One directory with tempest.conf and stestr's repository. ``programs``: those of the venv with tempest."""

    def __init__(self, directory, programs):
        self.directory = pathlib.Path(directory)
        self._programs = programs
        self._etc = self.directory / 'etc'
        self._etc.mkdir(parents=True, exist_ok=True)
        (self.directory / 'lock').mkdir(exist_ok=True)

    def configure(self, sections):
        (self._etc / 'tempest.conf').write_text(settings.text(sections))

    def save(self, folder):
        """Copy tempest's settings and log there."""
        for path in (self._etc / 'tempest.conf', self.directory / 'tempest.log'):
            if path.exists():
                shutil.copy(path, folder)

    def repository(self, name, test_path):
        """A Repository for the tests that discovery of ``test_path`` finds."""
        return Repository(self.directory / name, test_path, self._programs, {
            'TEMPEST_CONFIG_DIR': str(self._etc), 'TEMPEST_CONFIG': 'tempest.conf'})

    def all_tests(self):
        """The Repository of everything that is installed."""
        [installed] = self._programs.parent.glob('lib/python3*/site-packages/tempest/test_discover')
        return self.repository('all', installed)

    def unskipped(self):
        """The Repository of the tests that tempest skips because of open bugs; there they run."""
        return self.repository('unskipped', UNSKIPPED)


class Repository:
    """What stestr calls so: one way of discovery, with the results of its runs."""

    def __init__(self, directory, test_path, programs, environment):
        self._directory = directory
        self._stestr = [programs / 'stestr', '--config', directory / 'stestr.conf']
        self._read = [programs / 'python', HERE / 'stream.py']
        # No proxy lies between servers of one machine; no cloud but the one in tempest.conf is asked.
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith('OS_')} | {
            'no_proxy': '*', 'NO_PROXY': '*', 'OS_TEST_TIMEOUT': str(TEST_SECONDS), 'PYTHONDONTWRITEBYTECODE': '1',
            'PATH': f'{programs}{os.pathsep}{os.environ["PATH"]}', **environment}
        directory.mkdir(exist_ok=True)
        top = test_path.parent.parent if test_path.name == 'test_discover' else test_path
        (directory / 'stestr.conf').write_text(STESTR.format(path=test_path, top=top))
        if not (directory / '.stestr').exists():
            self._call('init')

    def tests(self):
        """The ids of all tests that are found, with their attributes in brackets."""
        return [line for line in self._call('list').splitlines() if line.startswith('tempest.')]

    def run(self, tests, concurrency):
        """Run these tests; an iterator of events (``stream``), as they come. Left early, it ends what runs."""
        chosen = self._directory / 'chosen'
        chosen.write_text('\n'.join(tests) + '\n')
        argv = [*self._stestr, 'run', '--subunit', '--concurrency', str(concurrency), '--load-list', chosen]
        with open(self._directory / 'stestr.err', 'ab') as errors:
            runner = self._start(argv, stdout=subprocess.PIPE, stderr=errors)
            reader = self._start(self._read, stdin=runner.stdout, stdout=subprocess.PIPE, stderr=errors, text=True)
        runner.stdout.close()  # the reader has it
        patience = 0
        try:
            yield from map(json.loads, reader.stdout)
            patience = ORDERLY
        finally:
            _end(runner, patience)
            _end(reader, patience)
            reader.stdout.close()
        if runner.returncode or reader.returncode:
            raise RunFailed((self._directory / 'stestr.err').read_text(errors='replace')[-2000:])

    def _start(self, argv, stdin=subprocess.DEVNULL, **streams):
        # In a session of its own, so that its workers can be ended with it, and a terminal's Ctrl-C reaches us only.
        return subprocess.Popen(argv, stdin=stdin, cwd=self._directory, env=self._environment, start_new_session=True,
                                **streams)

    def _call(self, *arguments):
        done = subprocess.run([*self._stestr, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              cwd=self._directory, env=self._environment, check=False)
        if done.returncode != 0:
            raise RunFailed(f'stestr {arguments[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}')
        return done.stdout


def _end(process, patience):
    """Wait ``patience`` seconds for a process to end by itself; then it is ended, with its group."""
    for seconds, number in ((patience, signal.SIGTERM), (ORDERLY, signal.SIGKILL)):
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
    process.wait()

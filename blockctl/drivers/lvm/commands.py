# SPDX-License-Identifier: Apache-2.0
"""Runs LVM's programs and says in blockctl's words what went wrong."""

import json
import os
import re
import time

from oslo_log import log as logging

from blockctl import exceptions
from blockctl import privileged

LOG = logging.getLogger(__name__)

#: What the programs say, in the C locale -> what it means. The first that is found holds.
_MEANINGS = tuple((re.compile(text, re.IGNORECASE), error) for text, error in (
    (r'insufficient free (space|extents)|insufficient suitable|not enough (free )?(space|extents)', 'full'),
    (r'free space in thin pool \S+ reached threshold|out of (data|metadata) space|no space left', 'full'),
    (r"can't get lock|resource temporarily unavailable|locking type .* failed", 'locked'),
    (r'failed to find logical volume|one or more specified logical volume\(s\) not found', 'absent'),
    (r'(logical volume|snapshot origin lv) \S+ not found in volume group', 'absent'),
    (r'volume group "?\S+"? not found|cannot process volume group|pool \S+ not found in volume group', 'group'),
    (r'contains a filesystem in use|in use|is used by another device|device or resource busy', 'busy'),
    # Nobody looked in vain a moment ago but for a command that outlived its worker: who looks again finds it.
    (r'logical volume \S+ already exists', 'busy'),
))
#: In warnings that say why something is refused.
_TOLD = 'too low'
_TRIES = 5
_PAUSE = 0.5  # seconds, between tries for a lock
_LONGEST = 500  # characters of what a program said that are told


class Commands:
    """The way to a machine's storage. ``conf``: the backend's section."""

    def __init__(self, conf):
        self._prefix = list(conf.storage_command_prefix)
        self._seconds = conf.backend_call_timeout
        self._environment = {}
        if conf.lvm_suppress_fd_warnings:
            self._environment['LVM_SUPPRESS_FD_WARNINGS'] = '1'
        if os.path.isfile(conf.lvm_conf_file):
            self._environment['LVM_SYSTEM_DIR'] = os.path.dirname(conf.lvm_conf_file)

    def prepare(self):
        """Before the first command."""
        if not self._prefix:
            privileged.prepare()

    def run(self, *arguments, environment=None, given=b''):
        """A program's output. It may take backend_call_timeout; secrets go through ``environment`` or its input.

        Raises BackendTimeout, BackendFull, BackendBusy, NotFoundOnBackend, BackendUnavailable (no volume group), or
        BackendError with its last words.
        """
        for attempts_left in reversed(range(_TRIES)):
            status, output, errors = self._run(arguments, {**self._environment, **(environment or {})}, given)
            if status == 0:
                return output
            if status is None:
                raise exceptions.BackendTimeout(reason=f'{arguments[0]} did not end within {self._seconds} s')
            meaning = _meaning(errors)
            if meaning != 'locked' or not attempts_left:
                raise _error(meaning, arguments, status, errors)
            LOG.debug('%s: the volume group is locked; trying again.', arguments[0])
            time.sleep(_PAUSE)
        raise AssertionError('the last try returns or raises')

    def report(self, program, fields, *arguments):
        """[{field: text}] that one of LVM's reporting programs gives, sizes in bytes."""
        output = self.run(program, '--reportformat', 'json', '--units', 'b', '--nosuffix', '-o', ','.join(fields),
                          *arguments)
        [report] = json.loads(output)['report']
        [rows] = report.values()
        return rows

    def _run(self, arguments, environment, given):
        run = privileged.run
        if self._prefix:
            words = ['LC_ALL=C', *(f'{name}={value}' for name, value in environment.items())]
            run, arguments = privileged.run_plainly, [*self._prefix, 'env', *words, *arguments]
        try:
            return run(list(arguments), self._seconds, environment, given)
        except OSError as error:
            raise exceptions.BackendUnavailable(reason=f'{arguments[0]} cannot be run: {error.strerror}') from error


def _meaning(errors):
    return next((meaning for pattern, meaning in _MEANINGS if pattern.search(errors)), None)


def _error(meaning, arguments, status, errors):
    # Of its warnings, most are about what was not asked.
    said = ' '.join(line.strip() for line in errors.splitlines() if 'WARNING' not in line or _TOLD in line)[-_LONGEST:]
    reason = f'{arguments[0]} ended with {status}: {said}'
    match meaning:
        case 'full':
            return exceptions.BackendFull(reason=reason)
        case 'busy' | 'locked':
            return exceptions.BackendBusy(reason=reason)
        case 'absent':
            return exceptions.NotFoundOnBackend(name=arguments[-1])
        case 'group':
            return exceptions.BackendUnavailable(reason=reason)
    return exceptions.BackendError(reason=reason)

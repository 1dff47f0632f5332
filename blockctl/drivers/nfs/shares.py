# SPDX-License-Identifier: Apache-2.0
"""The shares of a backend: which there are, and having them mounted.

Each is mounted at BASE/<md5 of HOST:/PATH>, where os-brick and Nova look for it, too.
"""

import dataclasses
import hashlib
import os
import re
import time

from oslo_log import log as logging

from blockctl import exceptions
from blockctl import privileged
from blockctl.drivers import locks

LOG = logging.getLogger(__name__)

#: HOST:/PATH. No host begins like an option, and nothing has a blank.
_EXPORT = re.compile(r'(\[[0-9A-Fa-f:.]+(%[\w.]+)?\]|[A-Za-z0-9][A-Za-z0-9._-]*):/[^\s,]*')
_OPTIONS = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_=:./,+-]*')
#: Nothing on a share is a program or a device to this machine.
_ALWAYS = 'nosuid,nodev,noexec'
_PAUSE = 1.0  # seconds, between two tries to mount
_LONGEST = 300  # characters of what a program said that are told


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """``export``: HOST:/PATH. ``options``: to mount it with, here and on hosts, or ''. ``directory``: where it is."""

    export: str
    options: str
    pool: str
    directory: str


def configured(conf, pool):
    """Every share of the backend's section. ``pool``: what that of a single share is called.

    Raises ConfigurationError, naming the option, or the line of the file.
    """
    if conf.nas_secure_file_operations.lower() == 'false':
        raise exceptions.ConfigurationError(reason='nas_secure_file_operations: nothing is done to files as root')
    if conf.nfs_mount_options and not _OPTIONS.fullmatch(conf.nfs_mount_options):
        raise exceptions.ConfigurationError(reason='nfs_mount_options are not options of a mount')
    if not conf.nfs_mount_point_base or not os.path.isabs(conf.nfs_mount_point_base):
        raise exceptions.ConfigurationError(reason='nfs_mount_point_base has to name an absolute path')
    if conf.nas_host:
        return [_share(conf, f'{conf.nas_host}:{conf.nas_share_path}', conf.nas_mount_options or '',
                       'nas_host, nas_share_path, nas_mount_options', pool)]
    try:
        with open(conf.nfs_shares_config, encoding='utf-8') as file:
            lines = [line.strip() for line in file]
    except (OSError, UnicodeDecodeError) as error:
        raise exceptions.ConfigurationError(reason=f'nfs_shares_config: {error}') from error
    shares = []
    for number, line in enumerate(lines, 1):
        if line and not line.startswith('#'):
            export, _, options = line.partition(' ')
            options = options.strip().removeprefix('-o').strip()
            shares.append(_share(conf, export, options, f'{conf.nfs_shares_config}, line {number}'))
    if len({share.directory for share in shares}) < max(1, len(shares)):
        raise exceptions.ConfigurationError(reason=f'{conf.nfs_shares_config} has to list shares, and each once')
    return shares


def _share(conf, export, options, where, pool=None):
    if not _EXPORT.fullmatch(export):
        raise exceptions.ConfigurationError(reason=f'{where}: {export!r} is not HOST:/PATH')
    if options and not _OPTIONS.fullmatch(options):
        raise exceptions.ConfigurationError(reason=f'{where}: {options!r} are not options of a mount')
    digest = hashlib.md5(export.encode(), usedforsecurity=False).hexdigest()
    return Share(export, options, pool or export, os.path.join(conf.nfs_mount_point_base, digest))


class Mounts:
    """Has shares mounted, and sees that their servers answer. ``conf``: the backend's section."""

    def __init__(self, conf):
        self._seconds = conf.backend_call_timeout
        self._base = conf.nfs_mount_point_base
        self._options = conf.nfs_mount_options or ''

    def ensure(self, share, attempts=1):
        """Have it mounted, and answering. Raises BackendUnavailable, BackendTimeout or ConfigurationError."""
        if _what_is_at(share.directory) != share.export:
            self._mount(share, attempts)
        # A program can be waited for with a bound; a call of this process to a server that is away cannot.
        status, _, errors = privileged.run_plainly(['stat', '-f', '--', share.directory], self._seconds, {})
        if status is None:
            raise exceptions.BackendTimeout(reason=f'{share.export} did not answer within {self._seconds} s')
        if status:
            raise exceptions.BackendUnavailable(reason=f'{share.export}: {_last_words(errors)}')

    def _mount(self, share, attempts):
        privileged.prepare()
        try:
            os.makedirs(self._base, mode=0o755, exist_ok=True)
            with locks.held(f'{share.directory}.lock', self._seconds):
                for left in reversed(range(attempts)):
                    if self._mounted(share, left == 0):
                        return
                    time.sleep(_PAUSE)
        except OSError as error:
            raise exceptions.BackendUnavailable(reason=f'nfs_mount_point_base: {error}') from error

    def _mounted(self, share, last):
        """Mount it, in one try. Raises when it is the last that there is."""
        there = _what_is_at(share.directory)
        if there == share.export:
            return True
        if there is not None:
            raise exceptions.ConfigurationError(reason=f'at {share.directory} is {there}, not {share.export}')
        os.makedirs(share.directory, mode=0o755, exist_ok=True)
        status, _, errors = privileged.run(
            ['mount', '-t', 'nfs', '-o', self._all_options(share), '--', share.export, share.directory],
            self._seconds, {})
        if status == 0:
            LOG.info('%s is mounted at %s.', share.export, share.directory)
            return True
        said = f'not within {self._seconds} s' if status is None else _last_words(errors)
        LOG.warning('%s cannot be mounted: %s', share.export, said)
        if last:
            raise exceptions.BackendUnavailable(reason=f'{share.export} cannot be mounted: {said}')
        return False

    def _all_options(self, share):
        """Where some contradict each other, the later ones hold."""
        # Tenths of a second, for each of three tries of one request.
        patience = f'softerr,timeo={max(1, int(self._seconds * 10 / 3))},retrans=2'
        return ','.join(each for each in (patience, self._options, share.options, _ALWAYS) if each)


def _what_is_at(directory):
    """What is mounted there, as mount(8) was told it, or None. Asks the kernel, never a server."""
    found = None
    with open('/proc/self/mountinfo', encoding='utf-8', errors='surrogateescape') as file:
        for line in file:
            mount, _, source = line.partition(' - ')
            if _unescaped(mount.split()[4]) == directory:
                found = _unescaped(source.split()[1])
    return found


def _unescaped(text):
    r"""A path as it is: the kernel writes blanks and backslashes as \040."""
    return re.sub(r'\\([0-7]{3})', lambda match: chr(int(match[1], 8)), text)


def _last_words(errors):
    return ' '.join(errors.split())[-_LONGEST:]

# SPDX-License-Identifier: Apache-2.0
"""tgtd, the iSCSI daemon: asked by tgtadm, and what that shows read. For blockctl-tgttool, which runs as root."""

import dataclasses
import errno
import os
import re
import subprocess

LUN = '1'  # 0 is tgtd's own
_SECONDS = 20  # for an answer
_BUSY = os.strerror(errno.EBUSY)

_TARGET = re.compile(r'^Target (\d+): (\S+)\n((?: {4}.*\n)*)', re.MULTILINE)
_PART = re.compile(r'^ {4}(\S.*):\n', re.MULTILINE)
_SESSION = re.compile(r'I_T nexus: (\d+)\n +Initiator: (\S+).*\n(?: +Connection: (\d+)\n)?')
_DISK = re.compile(rf'LUN: {LUN}\n((?: {{12}}.*\n)*)')
_ITEM = re.compile(r'^ {8}(\S+)$', re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What tgtd serves. ``sessions``: (number, initiator, connection or ''); ``disk``: {field: text} of the LUN."""

    iqn: str
    tid: str
    state: str
    sessions: list
    disk: dict
    users: list
    initiators: list

    @classmethod
    def read(cls, tid, iqn, text):
        _, *parts = _PART.split(text)
        parts = dict(zip(parts[::2], parts[1::2], strict=True))
        try:
            disk = _DISK.search(parts['LUN information'])
            return cls(iqn, tid, re.search(r'State: (\S+)', parts['System information'])[1],
                       _SESSION.findall(parts['I_T nexus information']),
                       dict(re.findall(r'^ +(.+?): (.+)$', disk[1], re.MULTILINE)) if disk else {},
                       _ITEM.findall(parts['Account information']), _ITEM.findall(parts['ACL information']))
        except KeyError as error:
            raise ValueError(f'tgtd shows no {error} of {iqn}: look for sessions with a strange alias') from None

    @property
    def device(self):
        """None where there is no LUN, or tgtd could not open its device again."""
        return {'None': None}.get(path := self.disk.get('Backing store path'), path)


class Tgtd:
    """The daemon, by way of tgtadm."""

    def ask(self, operation, mode, *words, well=''):
        """What it answers. ``well``: the end of an error that is none. Raises ValueError, or OSError for EBUSY where it
        does not answer: what becomes of it is not known then.
        """
        try:
            done = subprocess.run(['tgtadm', '--lld', 'iscsi', '--op', operation, '--mode', mode, *words],
                                  check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS,
                                  text=True, env={**os.environ, 'LC_ALL': 'C'})
        except subprocess.TimeoutExpired:  # which has the words, and one may be a secret
            raise OSError(errno.EBUSY, f'{_BUSY}: tgtd did not answer within {_SECONDS} s') from None
        said = done.stderr.strip()
        if done.returncode and not (well and said.endswith(well)):
            if 'daemon' in said or 'closed' in said:
                raise OSError(errno.EBUSY, f'{_BUSY}: {said}')
            raise ValueError(f'{operation} {mode}: {said}')
        return done.stdout

    def listed(self):
        """[(tid, iqn, text)] of all targets."""
        return _TARGET.findall(self.ask('show', 'target'))

    def find(self, iqn):
        """The Target of that name; None where there is none. Raises ValueError."""
        listed = self.listed()
        found = [each for each in listed if each[1] == iqn]
        if not found:
            return None
        # Hosts choose the aliases that are shown with their sessions: one may look like whatever its host liked.
        if len(found) > 1 or [tid for tid, _, _ in listed].count(found[0][0]) > 1:
            raise ValueError(f'tgtd shows {iqn}, or its number, twice: look for sessions with a strange alias')
        return Target.read(*found[0])

# SPDX-License-Identifier: Apache-2.0
"""What tgtd is to serve of a volume, and to whom: a file in the format of tgt-admin. For blockctl-tgttool."""

import dataclasses
import re
import uuid

from blockctl.cmd import targettool

#: What tgt-admin gives to a shell, and tgtadm puts into lists.
_WORD = re.compile(r'[A-Za-z0-9_.:@/+-]+')
#: The address of no host. Where a file names none, tgt-admin lets in all of them.
_NOBODY = '0.0.0.0'  # noqa: S104


@dataclasses.dataclass(frozen=True, slots=True)
class Export:
    """What a file says. ``hosts``: {initiator: (user, secret) for CHAP, or ()}; ``serial``: the volume's id."""

    iqn: str
    device: str
    serial: str
    cache: str
    flags: str
    hosts: dict

    @classmethod
    def read(cls, path):
        """None when there is no such file. Raises ValueError for one that somebody else wrote."""
        if not path.exists():
            return None
        words, hosts = {}, {}
        try:
            for key, value in re.findall(r'^ *(\S+) (.+?)>?$', path.read_text(encoding='ascii'), re.MULTILINE):
                words[key] = value
                if key in ('initiator-name', 'incominguser'):
                    hosts[words['initiator-name']] = tuple(value.split()) if key == 'incominguser' else ()
            return cls(words['<target'], words['backing-store'], words['scsi_sn'], words['write-cache'],
                       words.get('bsoflags', ''), hosts)
        except KeyError as error:
            raise ValueError(f'{path} has no {error}') from None

    def write(self, path):
        lines = [('backing-store', self.device), *([('bsoflags', self.flags)] if self.flags else []),
                 ('write-cache', self.cache), ('scsi_id', self.scsi_id), ('scsi_sn', self.serial),
                 ('initiator-address', _NOBODY)]
        for initiator, login in self.hosts.items():
            lines += [('initiator-name', initiator), *([('incominguser', *login)] if login else [])]
        for word in (self.iqn, *(word for line in lines for word in line)):
            if not _WORD.fullmatch(word):
                raise ValueError('a name, device or secret has a character that means something to tgt-admin')
        body = ''.join(f'    {" ".join(line)}\n' for line in lines)
        targettool.write(path, f'<target {self.iqn}>\n{body}</target>\n')

    @property
    def scsi_id(self):
        """By which hosts tell disks apart: tgtd's own is made of numbers that every machine counts from one."""
        return uuid.UUID(self.serial).hex

    @property
    def users(self):
        return [login[0] for login in self.hosts.values() if login]

    def without(self, initiator):
        """``initiator``: None for all."""
        return dataclasses.replace(self, hosts={
            name: login for name, login in self.hosts.items() if initiator not in (None, name)})

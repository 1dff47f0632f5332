# SPDX-License-Identifier: Apache-2.0
"""What a share knows of its volumes besides their files, in a directory of small files.

    .blockctl/backend               the backend the share belongs to
    .blockctl/locks/<volume>        flock(2) of whoever acts on the volume
    .blockctl/formats/<volume>      'raw' or 'qcow2': what its file is, when it has no snapshots
    .blockctl/hosts/<volume>@<key>  empty: a host has it
    .blockctl/merging/<snapshot>    empty: its file takes another's data in, it is no snapshot any more

A raw file has what a tenant wrote, which may look like a qcow2 file that names files of others: what a file is
must never be read from it.  Whoever writes here has the volume's lock.
"""

import contextlib
import hashlib
import json
import os

from blockctl import exceptions
from blockctl.drivers import directories

NAME = '.blockctl'
_PARTS = ('locks', 'formats', 'hosts', 'merging')
_FORMATS = {'raw', 'qcow2'}


class Records:
    """Those of the share at ``directory``."""

    def __init__(self, directory):
        self._root = os.path.join(directory, NAME)
        self.locks = os.path.join(self._root, 'locks')

    def prepare(self):
        for part in _PARTS:
            os.makedirs(os.path.join(self._root, part), mode=0o700, exist_ok=True)

    # --- formats
    def format(self, name):
        """None where it was never written. Raises BackendError when it cannot be read."""
        try:
            with open(self._path('formats', name), encoding='ascii', errors='replace') as file:
                value = file.read().strip()
        except FileNotFoundError:
            return None
        if value not in _FORMATS:
            raise exceptions.BackendError(reason=f'{NAME}/formats/{name} says {value[:20]!r}')
        return value

    def set_format(self, name, value):
        """All of it or nothing, and it lasts: what becomes of a file rests on it."""
        path = self._path('formats', name)
        new = f'{path}~'
        with open(new, 'w', encoding='ascii') as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, path)
        directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    # --- hosts
    def hosts(self, name):
        """The keys of hosts that have the volume."""
        return [entry.partition('@')[2] for entry in os.listdir(os.path.join(self._root, 'hosts'))
                if entry.startswith(f'{name}@')]

    def add_host(self, name, connector):
        self._touch('hosts', f'{name}@{_key(connector)}')

    def remove_host(self, name, connector):
        """``connector`` None: all of them."""
        for key in self.hosts(name) if connector is None else [_key(connector)]:
            directories.unlink(self._path('hosts', f'{name}@{key}'))

    # --- merging
    def is_merging(self, name):
        return os.path.exists(self._path('merging', name))

    def set_merging(self, name):
        self._touch('merging', name)

    def unset_merging(self, name):
        directories.unlink(self._path('merging', name))

    def forget(self, name):
        """All that is known of a volume that is gone."""
        self.remove_host(name, None)
        for end in ('', '~'):
            directories.unlink(self._path('formats', f'{name}{end}'))

    def _touch(self, part, name):
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self._path(part, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    def _path(self, part, name):
        return os.path.join(self._root, part, name)


def _key(connector):
    """What tells hosts apart, fit for a file's name: what a host is called comes from a request."""
    told = json.dumps([connector.host, connector.initiator, connector.nqn])
    return hashlib.sha256(told.encode()).hexdigest()[:32]

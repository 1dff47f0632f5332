# SPDX-License-Identifier: Apache-2.0
"""What drivers whose images are files do in a directory: locks, names, and errors in blockctl's words."""

import contextlib
import errno
import os
import stat

from oslo_utils import units

from blockctl import exceptions
from blockctl.drivers import locks
from blockctl.drivers import names

_FULL = {errno.ENOSPC, errno.EDQUOT}
#: A network file system: its server is away, or forgot us.
_AWAY = {errno.ESTALE, errno.ENODEV, errno.ENOTCONN, errno.EHOSTDOWN}


class Directory:
    """One directory, ``_directory``; ``_locks`` is that of the locks, ``_template`` gives the names.

    Whoever inherits has these, and ``conf`` and ``backend`` as drivers do.
    """

    def _claim(self, name):
        """Two backends in one directory would each take the other's images for somebody else's."""
        path = self._path(name)
        with contextlib.suppress(FileExistsError), open(path, 'x', encoding='utf-8') as file:
            file.write(self.backend)
        with open(path, encoding='utf-8') as file:
            owner = file.read()
        if owner not in (self.backend, ''):  # empty: another process of this backend is writing it
            raise exceptions.ConfigurationError(
                reason=f'{self._directory} belongs to {owner}; remove {path} if that one is gone')

    def _path(self, name):
        return os.path.join(self._directory, name)

    def _lock_path(self, name):
        return os.path.join(self._locks, name)

    @contextlib.contextmanager
    def _locked(self, volume):
        path = self._lock_path(names.check(volume.name))
        with self._errors(), locks.held(path, self.conf.backend_call_timeout):
            yield

    @contextlib.contextmanager
    def _open(self, name, flags):
        descriptor = os.open(self._path(name), flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _size(self, name):
        """Bytes. Raises NotFoundOnBackend, also for what is no regular file."""
        with self._errors():
            try:
                found = os.stat(self._path(name), follow_symlinks=False)
            except FileNotFoundError:
                found = None
            if found is None or not stat.S_ISREG(found.st_mode):
                os.stat(self._directory)
                raise exceptions.NotFoundOnBackend(name=name)
        return found.st_size

    def _capacity(self, name):
        """Bytes that a user of the image sees. Raises NotFoundOnBackend."""
        return self._size(name)

    def _is_there(self, volume):
        """Whether the volume is complete: only complete ones have their final name. Raises BackendError."""
        try:
            size = self._capacity(volume.name)
        except exceptions.NotFoundOnBackend:
            return False
        if size != volume.size * units.Gi:
            raise exceptions.BackendError(
                reason=f'{volume.name} is there, but has {size} bytes instead of {volume.size} GiB')
        return True

    def _images(self):
        """(name, stat result) of what bears one of blockctl's names. What goes meanwhile is left out."""
        for name in os.listdir(self._directory):
            if self._template.gave(name):
                with contextlib.suppress(FileNotFoundError):
                    yield name, os.stat(self._path(name), follow_symlinks=False)

    def _remove_partial(self, name):
        """What broken-off work for ``name`` left. Nobody builds it now: the lock is held."""
        for entry in os.listdir(self._directory):
            if names.is_temporary_of(entry, name):
                unlink(self._path(entry))

    def _sync_directory(self):
        with self._open('', os.O_RDONLY | os.O_DIRECTORY) as directory:
            os.fsync(directory)

    @contextlib.contextmanager
    def _errors(self):
        """OSError as what drivers raise."""
        try:
            yield
        except OSError as error:
            raise self._translated(error) from error

    def _translated(self, error):
        reason = f'{os.path.basename(str(error.filename or ""))}: {error.strerror}'.removeprefix(': ')
        if error.errno in _FULL:
            return exceptions.BackendFull(reason=reason)
        if error.errno == errno.ETIMEDOUT:
            return exceptions.BackendTimeout(reason=reason)
        if error.errno in _AWAY or not os.path.isdir(self._locks):
            return exceptions.BackendUnavailable(reason=reason)
        if error.errno == errno.ENOENT:
            return exceptions.NotFoundOnBackend(name=os.path.basename(str(error.filename)))
        return exceptions.BackendError(reason=reason)


def can_be_named(image, snapshot):
    """Whether requests can ask for an image of this name, and for its snapshot (or '')."""
    try:
        names.check_foreign(image)
        if snapshot:
            names.check(snapshot)
    except exceptions.InvalidRequest:
        return False
    return True


def snapshot_name(snapshot):
    """What the file of a snapshot is called. Raises InvalidRequest."""
    return f'{names.check(snapshot.volume.name)}@{names.check(snapshot.name)}'


def unlink(path):
    """Remove a file, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)

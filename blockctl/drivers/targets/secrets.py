# SPDX-License-Identifier: Apache-2.0
"""CHAP names and secrets, made of a key of this machine: nothing has to be kept for each, and none can be lost."""

import base64
import contextlib
import hashlib
import hmac
import os

_KEY_BYTES = 32


class Secrets:
    """``conf``: the backend's section."""

    def __init__(self, conf):
        self._conf = conf

    def of(self, volume_name, initiator, *, own=False):
        """(user, secret) for one host's login to one volume, or None where there is no CHAP.

        ``own``: no other host, volume or secret has that user; chap_username is but its beginning.
        """
        conf = self._conf
        if not conf.use_chap_auth:
            return None
        text = self._made(volume_name, initiator)
        secret = conf.chap_password or text[:conf.chap_password_len]
        if own:
            return conf.chap_username + self._made(volume_name, initiator, secret)[-20:], secret
        return conf.chap_username or text[-20:], secret

    def _made(self, *words):
        digest = hmac.new(self._key(), '\n'.join(words).encode(), hashlib.sha256).digest()
        return base64.b32encode(digest).decode().rstrip('=')

    def _key(self):
        path = self._conf.target_key_file
        with contextlib.suppress(FileExistsError):
            # Whole or not at all, however many processes start at once: written elsewhere, then given its name.
            scratch = f'{path}.{os.getpid()}'
            if not os.path.exists(path):
                descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
                with os.fdopen(descriptor, 'wb') as file:
                    file.write(os.urandom(_KEY_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    os.link(scratch, path)
                finally:
                    os.unlink(scratch)
        with open(path, 'rb') as file:
            return file.read()

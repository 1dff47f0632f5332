# SPDX-License-Identifier: Apache-2.0
"""LUKS headers: what an encrypted volume begins with, made by cryptsetup.

The header does not know how large its volume is, so it is made on a small image in memory, and written from there by
the driver, as the client that can be fenced off.  The data's key is inside, locked with the volume's own.
"""

import os
import subprocess

from blockctl import exceptions

_TIMEOUT = 60  # seconds
#: cryptsetup hashes what the user typed to make guessing slow.  Our keys are random and as long as the cipher's: there
#: is nothing to guess, and every host that opens the volume would wait.  So, as few as it takes.
_ITERATIONS = 1000
_IMAGE = 4 << 20  # bytes: more than any header

#: Where LUKS 1 says at which sector the data begin.
_PAYLOAD_OFFSET, _SECTOR = 104, 512


def header(secret, cipher, bits):
    """The header (bytes) of a volume that ``secret`` (bytes) opens, for a ``cipher`` with a key of ``bits``.

    Both are in dm-crypt's words.  Hosts take the hexadecimal digits of a key for the passphrase.  Raises BackendError.
    """
    image = os.memfd_create('luks', os.MFD_CLOEXEC)
    try:
        os.ftruncate(image, _IMAGE)
        _format(image, secret.hex().encode(), cipher, bits)
        sectors = int.from_bytes(os.pread(image, 4, _PAYLOAD_OFFSET), 'big')
        return os.pread(image, sectors * _SECTOR, 0)
    finally:
        os.close(image)


def _format(image, passphrase, cipher, bits):
    # The passphrase goes through a pipe: no command line and no file has it.
    command = ['cryptsetup', 'luksFormat', '--batch-mode', '--type', 'luks1', '--cipher', cipher, '--key-size',
               str(bits), '--hash', 'sha256', '--pbkdf-force-iterations', str(_ITERATIONS), '--use-urandom',
               '--key-file', '-', f'/proc/self/fd/{image}']
    try:
        subprocess.run(command, pass_fds=(image,), check=True, timeout=_TIMEOUT, input=passphrase,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise exceptions.BackendError(reason=f'{command[0]} cannot be run: {error.strerror}') from error
    except subprocess.TimeoutExpired:
        raise exceptions.BackendTimeout(reason=f'{command[0]} did not end within {_TIMEOUT} s') from None
    except subprocess.CalledProcessError as error:
        said = error.stdout.decode('utf-8', 'replace').strip()
        raise exceptions.BackendError(reason=f'{command[0]} ended with {error.returncode}: {said}') from error

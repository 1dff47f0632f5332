# SPDX-License-Identifier: Apache-2.0
"""What the settings of an encrypted volume type ask for: which key, and which LUKS header.

Settings are {provider, cipher, key_size, control_location}, as an administrator gave them.
"""

import dataclasses

#: How volumes may be encrypted: by the host that uses them, which finds a LUKS header.  Older types name the class
#: that does it.
PROVIDERS = frozenset({'luks', 'LuksEncryptor', 'nova.volume.encryptors.luks.LuksEncryptor',
                       'os_brick.encryptors.luks.LuksEncryptor'})
CONTROL_LOCATION = 'front-end'

#: Where a type says nothing.
CIPHER, KEY_SIZE = 'aes-xts-plain64', 256

_CIPHERS = ('aes-xts-plain64', 'aes-xts-plain', 'aes-cbc-essiv:sha256', 'aes-cbc-plain64', 'aes-cbc-plain')
#: Bits of a type's key size -> of AES. XTS takes two keys, which dm-crypt counts both; the reference counts one.
_SIZES = {'cbc': {128: 128, 192: 192, 256: 256}, 'xts': {128: 128, 256: 256, 512: 256}}


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """A key of ``key_bits`` for ``algorithm``; and a header for ``cipher`` with ``cipher_bits``, as dm-crypt counts."""

    algorithm: str
    key_bits: int
    cipher: str
    cipher_bits: int


def plan(settings):
    """The Plan of ``settings``. Raises ValueError, whose text says what of them is not possible."""
    if settings['provider'] not in PROVIDERS:
        raise ValueError(f"its provider {settings['provider']!r} is not luks")
    if settings['control_location'] != CONTROL_LOCATION:
        raise ValueError(f"its control_location {settings['control_location']!r} is not {CONTROL_LOCATION}")
    cipher, size = settings['cipher'] or CIPHER, settings['key_size'] or KEY_SIZE
    if cipher not in _CIPHERS:
        raise ValueError(f'its cipher {cipher!r} is none of {", ".join(_CIPHERS)}')
    algorithm, mode, _ = cipher.split('-')
    bits = _SIZES[mode].get(size)
    if bits is None:
        raise ValueError(f'its key_size {size} is none of {", ".join(map(str, _SIZES[mode]))}, which {cipher} has')
    return Plan(algorithm, bits, cipher, bits * 2 if mode == 'xts' else bits)

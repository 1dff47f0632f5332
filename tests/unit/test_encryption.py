# SPDX-License-Identifier: Apache-2.0
"""What settings of an encrypted type can be had."""

import pytest

from blockctl import encryption

LUKS = {'provider': 'luks', 'cipher': 'aes-xts-plain64', 'key_size': 256, 'control_location': 'front-end'}


@pytest.mark.parametrize(('values', 'expected'), [
    ({}, (256, 'aes-xts-plain64', 512)),
    ({'cipher': None, 'key_size': None}, (256, 'aes-xts-plain64', 512)),
    ({'cipher': '', 'key_size': 0}, (256, 'aes-xts-plain64', 512)),
    ({'key_size': 512}, (256, 'aes-xts-plain64', 512)),
    ({'key_size': 128}, (128, 'aes-xts-plain64', 256)),
    ({'cipher': 'aes-cbc-essiv:sha256'}, (256, 'aes-cbc-essiv:sha256', 256)),
    ({'provider': 'nova.volume.encryptors.luks.LuksEncryptor'}, (256, 'aes-xts-plain64', 512))])
def test_plan(values, expected):
    plan = encryption.plan({**LUKS, **values})
    assert (plan.key_bits, plan.cipher, plan.cipher_bits) == expected
    assert plan.algorithm == 'aes'


@pytest.mark.parametrize(('values', 'text'), [
    ({'provider': 'plain'}, 'provider'), ({'provider': 'luks2'}, 'provider'),
    ({'control_location': 'back-end'}, 'control_location'), ({'cipher': 'rot13'}, 'cipher'),
    ({'cipher': 'aes-xts-plain64 --key-file x'}, 'cipher'), ({'key_size': 100}, 'key_size'),
    ({'cipher': 'aes-cbc-plain64', 'key_size': 512}, 'key_size')])
def test_what_cannot_be(values, text):
    with pytest.raises(ValueError, match=text):
        encryption.plan({**LUKS, **values})

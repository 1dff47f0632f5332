# SPDX-License-Identifier: Apache-2.0
"""Headers of qcow2 files: those of qemu-img are read, and no bytes whatever do harm."""

import io
import os
import shutil
import subprocess

import hypothesis
import pytest
from hypothesis import strategies

from blockctl import exceptions
from blockctl.drivers.nfs import qcow2


@pytest.mark.skipif(not shutil.which('qemu-img'), reason='qemu-img is not installed')
@pytest.mark.parametrize(('options', 'expected'), [
    ([], qcow2.Header(5 << 30)),
    (['-o', 'compat=0.10'], qcow2.Header(5 << 30)),
    (['-o', 'extended_l2=on,cluster_size=128k'], qcow2.Header(5 << 30)),
    (['-o', 'compression_type=zstd,lazy_refcounts=on'], qcow2.Header(5 << 30)),
    (['-u', '-b', 'a@b', '-F', 'raw'], qcow2.Header(5 << 30, 'a@b', 'raw')),
    (['-u', '-b', 'x' * 300, '-F', 'qcow2', '-o', 'compat=0.10'], qcow2.Header(5 << 30, 'x' * 300, 'qcow2')),
    (['-u', '-b', 'a@b', '-F', 'vmdk'], None),
    (['-o', 'data_file=elsewhere'], None),
])
def test_what_qemu_img_writes(tmp_path, options, expected):
    subprocess.run(['qemu-img', 'create', '-f', 'qcow2', *options, 'file', '5G'], check=True, capture_output=True,
                   timeout=60, cwd=tmp_path)
    with (tmp_path / 'file').open('rb') as file:
        if expected is not None:
            assert qcow2.read(file.fileno(), 'file') == expected
        else:
            with pytest.raises(exceptions.BackendError, match='^The backend failed: file is not a qcow2 file'):
                qcow2.read(file.fileno(), 'file')


@pytest.mark.skipif(not shutil.which('qemu-img'), reason='qemu-img is not installed')
def test_what_is_encrypted_is_refused(tmp_path):
    """By hand: qemu-img measures the machine for a new key, and fails on one that is busy."""
    subprocess.run(['qemu-img', 'create', '-f', 'qcow2', 'file', '5G'], check=True, capture_output=True, timeout=60,
                   cwd=tmp_path)
    with (tmp_path / 'file').open('r+b') as file:
        file.seek(32)  # crypt_method (QEMU, docs/interop/qcow2.txt): LUKS
        file.write((2).to_bytes(4, 'big'))
        file.flush()
        with pytest.raises(exceptions.BackendError, match='^The backend failed: file is not a qcow2 file'):
            qcow2.read(file.fileno(), 'file')


@hypothesis.given(strategies.binary(max_size=300), strategies.booleans())
@hypothesis.settings(deadline=None, max_examples=300)
def test_any_bytes_are_read_or_refused(data, with_magic):
    data = qcow2.MAGIC + b'\0\0\0\3' + data if with_magic else data
    with io.FileIO(os.memfd_create('header'), 'r+') as file:
        file.write(data)
        try:
            header = qcow2.read(file.fileno(), 'file')
        except exceptions.BackendError:
            return
    assert 0 <= header.size < 1 << 62
    assert (header.backing is None) == (header.backing_format is None)

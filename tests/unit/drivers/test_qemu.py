# SPDX-License-Identifier: Apache-2.0
"""qemu-img as drivers use it: what it copies, what it says of failures, and that it ends with the lease."""

import os
import shutil
import subprocess

import pytest

from blockctl import exceptions
from blockctl.drivers import qemu

pytestmark = pytest.mark.skipif(not shutil.which('qemu-img'), reason='qemu-img is not installed')

MIB = 1 << 20


class Effect:
    """Stands in for a lease: it lasts for so many looks."""

    def __init__(self, looks):
        self.looks = looks
        self.done = []

    def check(self):
        self.looks -= 1
        if self.looks < 0:
            raise exceptions.LeaseLost(job_id='1')

    def progress(self, done):
        self.done.append(done)


@pytest.fixture
def images(tmp_path):
    source, destination = tmp_path / 'source', tmp_path / 'destination'
    source.write_bytes(b'data' * MIB + bytes(4 * MIB))
    destination.write_bytes(b'old!' * 2 * MIB)
    return source, destination


def test_it_writes_all_of_it(images):
    source, destination = images
    qemu.copy(str(source), str(destination), Effect(100))
    assert destination.read_bytes() == source.read_bytes()


def test_its_last_words_are_in_the_error(images):
    source, _ = images
    with pytest.raises(exceptions.BackendError, match='nothing-here'):
        qemu.copy(str(source), f'{source}-nothing-here', Effect(100))


def test_it_ends_with_the_lease(images, tmp_path, monkeypatch):
    """One that hangs says nothing: the look at the lease comes all the same."""
    program = tmp_path / 'qemu-img'
    program.write_text('#!/bin/sh\necho $$ > "$(dirname "$0")/pid"\ntrap : USR1\nwhile :; do sleep 0.1; done\n')
    program.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}:{os.environ["PATH"]}')
    monkeypatch.setattr(qemu, '_LOOK', 0.1)
    with pytest.raises(exceptions.LeaseLost):
        qemu.copy(*map(str, images), Effect(5))
    pid = (tmp_path / 'pid').read_text().strip()
    assert subprocess.run(['ps', '-o', 'stat=', '-p', pid], capture_output=True, text=True,
                          check=False).stdout.strip() == ''


def test_a_program_that_is_missing(images, monkeypatch):
    monkeypatch.setenv('PATH', '')
    with pytest.raises(exceptions.BackendError, match='prlimit cannot be run'):
        qemu.copy(*map(str, images), Effect(5))

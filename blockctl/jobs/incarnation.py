# SPDX-License-Identifier: Apache-2.0
"""Which process this is, so that another can tell a dead one from a slow one."""

import hashlib
import os
import pathlib
import socket

from oslo_utils import uuidutils

from blockctl import version


def describe():
    """The columns of ``processes`` that name this process: a new ``incarnation`` each time."""
    stat = pathlib.Path('/proc/self/stat').read_text()
    return {
        'incarnation': uuidutils.generate_uuid(),
        'machine': machine(),
        'boot': _read('/proc/sys/kernel/random/boot_id') or 'unknown',
        'pid': os.getpid(),
        # Field 22; counted after the last ')', as the second field may hold anything.
        'started': int(stat.rpartition(')')[2].split()[19]),
        'version': version.text(),
    }


def is_dead(process):
    """Whether a row of ``processes`` is about a process of this machine that certainly runs no more."""
    if process.machine != machine():
        return False
    boot = _read('/proc/sys/kernel/random/boot_id')
    if boot and boot != process.boot:
        return True
    stat = _read(f'/proc/{process.pid}/stat')
    if not stat:
        return not pathlib.Path(f'/proc/{process.pid}').exists()
    state, started = stat.rpartition(')')[2].split()[0::19][:2]
    return int(started) != process.started or state in 'ZX'


def machine():
    """What is the same for every process on this machine and for none elsewhere.

    The host's name is in it because clones of a machine often keep its id, and the namespace of process ids because
    is_dead() can judge only what is in its own.
    """
    parts = (_read('/etc/machine-id'), socket.gethostname(), os.readlink('/proc/self/ns/pid'))
    return hashlib.sha256('\0'.join(parts).encode()).hexdigest()[:32]


def _read(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return ''

# SPDX-License-Identifier: Apache-2.0
"""Which process this is, so that another can tell a dead one from a slow one."""

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


def machine():
    """What is the same for every process on this machine and for none elsewhere."""
    return _read('/etc/machine-id') or socket.gethostname()[:64]


def _read(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return ''

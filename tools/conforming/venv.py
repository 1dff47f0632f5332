# SPDX-License-Identifier: Apache-2.0
"""tempest, in an environment of its own: it needs other releases of libraries than blockctl may."""

import fcntl
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parents[2] / '.venv-tempest'
#: The openstack command is for whoever wants to look at what a test saw (``--serve``).
REQUIREMENTS = ('tempest==47.0.0', 'python-openstackclient==10.5.0')


class VenvFailed(Exception):
    """Python or pip said why."""


def make(folder=FOLDER, requirements=REQUIREMENTS):
    """Make the venv, or bring it to ``requirements``; returns its folder of programs. Nothing to do costs nothing.

    Who comes while another is at it waits.
    """
    programs = folder / 'bin'
    mark = folder / 'installed'
    wanted = '\n'.join(requirements)
    folder.mkdir(exist_ok=True)
    with open(folder / 'lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != wanted:
            _run(sys.executable, '-m', 'venv', folder)
            _run(programs / 'python', '-m', 'pip', '--disable-pip-version-check', 'install', '-qq', *requirements)
            mark.write_text(wanted)
    return programs


def _run(*argv):
    if subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise VenvFailed(f'{" ".join(map(str, argv))} failed')

# SPDX-License-Identifier: Apache-2.0
"""How programs are run in the guest of tools/storage_vm."""

import os
import pathlib
import sys

AGENT = pathlib.Path(__file__).resolve().parents[2] / 'tools' / 'storage_vm.d' / 'agent.py'
ADDRESS = '10.0.2.15'  # the guest's own


def into(state):
    """The words before a program's own; ``state``: the file that names the guest. blockctl's programs are found too."""
    path = f'{os.path.dirname(sys.executable)}:/usr/sbin:/usr/bin:/sbin:/bin'
    return ['/usr/bin/python3', str(AGENT), 'exec', str(state), 'env', f'PATH={path}']

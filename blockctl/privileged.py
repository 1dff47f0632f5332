# SPDX-License-Identifier: Apache-2.0
"""Running programs as root, by oslo.privsep: the only door to more rights than a service has.

A service that is root already needs no helper.  Otherwise the first call starts one, as ``[blockctl_privileged]
helper_command`` (or sudo and privsep-helper) says, which lives as long as the service does.  Programs are run by
argument lists, never by a shell, in the C locale, and each within a bound.
"""

import os
import subprocess

from oslo_privsep import capabilities
from oslo_privsep import priv_context

#: What LVM, block devices and targets ask for.
CONTEXT = priv_context.PrivContext(
    'blockctl', cfg_section='blockctl_privileged', pypath=f'{__name__}.CONTEXT',
    capabilities=[capabilities.CAP_SYS_ADMIN, capabilities.CAP_DAC_OVERRIDE, capabilities.CAP_IPC_LOCK,
                  capabilities.CAP_NET_ADMIN, capabilities.CAP_SYS_NICE, capabilities.CAP_MKNOD])

_ENVIRONMENT = {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C'}


def prepare():
    """Decide, before the first call, whether a helper is needed."""
    if os.geteuid() == 0:
        CONTEXT.set_client_mode(enabled=False)


@CONTEXT.entrypoint
def run(arguments, seconds, environment):
    """(exit status, output, errors) of a program; the status is None when it did not end within ``seconds``.

    ``environment``: on top of a plain one.  Raises OSError when there is no such program.
    """
    return run_plainly(arguments, seconds, environment)


def run_plainly(arguments, seconds, environment):
    """As :func:`run`, with the rights this process has."""
    try:
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False,
                              env={**_ENVIRONMENT, **environment})
    except subprocess.TimeoutExpired:
        return None, '', ''
    return done.returncode, done.stdout.decode('utf-8', 'replace'), done.stderr.decode('utf-8', 'replace')

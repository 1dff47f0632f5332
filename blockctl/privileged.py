# SPDX-License-Identifier: Apache-2.0
"""Running programs as root, by oslo.privsep: the only door to more rights than a service has.

A service that is root already needs no helper.  Otherwise the first call starts one, as ``[blockctl_privileged]
helper_command`` (or sudo and privsep-helper) says, which lives as long as the service does.  Programs are run by
argument lists, never by a shell, in the C locale, and each within a bound.
"""

import os
import subprocess
import threading

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
def run(arguments, seconds, environment, given=b''):
    """(exit status, output, errors) of a program; the status is None when it did not end within ``seconds``.

    ``environment``: on top of a plain one.  ``given``: its input, which nothing logs.  Raises OSError when there is no
    such program.
    """
    return run_plainly(arguments, seconds, environment, given)


def run_plainly(arguments, seconds, environment, given=b''):
    """As :func:`run`, with the rights this process has."""
    program = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**_ENVIRONMENT, **environment})
    try:
        output, errors = program.communicate(given, seconds)
    except subprocess.TimeoutExpired:
        program.kill()
        # Not even a kill ends a program before the storage it waits for answers: nobody here waits for that.
        threading.Thread(target=program.communicate, daemon=True, name='killed-program').start()
        return None, '', ''
    return program.returncode, output.decode('utf-8', 'replace'), errors.decode('utf-8', 'replace')

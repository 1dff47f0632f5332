# SPDX-License-Identifier: Apache-2.0
"""What the console scripts of the services call.

A start is mostly imports, which make hundreds of thousands of objects that stay: looking for garbage among them, again
and again, would be a fifth of it.  The collector begins its work when the services are up (process.run).
"""

import gc
import importlib


def api():
    return _run('api')


def scheduler():
    return _run('scheduler')


def volume():
    return _run('volume')


def standalone():
    return _run('standalone')


def _run(name):
    gc.disable()
    return importlib.import_module(f'blockctl.cmd.{name}').main()

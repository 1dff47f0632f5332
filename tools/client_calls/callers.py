# SPDX-License-Identifier: Apache-2.0
"""Calls the clients as they are installed, in this process: starting ``openstack`` anew costs a second of CPU.

A caller takes (command, arguments) and returns (exit status, output, errors); it raises nothing that a call did.
"""

import contextlib
import io
import logging
import shlex
import sys
import traceback

VERSION = "3.71"


@contextlib.contextmanager
def _captured():
    """(output, errors) as two texts being written; what the client did to logging is undone."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            yield out, err
        finally:
            root.handlers[:], root.level = before


def _status(call):
    """The exit status of a call that may raise SystemExit, or anything else, as a program would end."""
    try:
        return call() or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:
        sys.stderr.write("".join(traceback.format_exception_only(error)))
        return 1


def openstack():
    """The ``openstack`` command; its account is in the OS_ variables."""
    from openstackclient import shell

    def call(command, arguments):
        argv = ["--os-volume-api-version", VERSION, *command.split(), *shlex.split(arguments)]
        with _captured() as (out, err):
            status = _status(lambda: shell.OpenStackShell().run(argv))
        return status, out.getvalue(), err.getvalue()

    return call


def cinder():
    """The ``cinder`` command."""
    from cinderclient import shell

    def call(command, arguments):
        argv = ["cinder", "--os-volume-api-version", VERSION, command, *shlex.split(arguments)]
        before = sys.argv
        with _captured() as (out, err):
            sys.argv = argv
            try:
                status = _status(shell.main)
            finally:
                sys.argv = before
        return status, out.getvalue(), err.getvalue()

    return call


def sdk():
    """Methods of openstacksdk's ``block_storage``; the arguments are Python, where a list of what is yielded counts."""
    import openstack as sdk_package

    proxy = sdk_package.connect(block_storage_default_microversion=VERSION).block_storage

    def call(command, arguments):
        with _captured() as (out, err):
            status = _status(lambda: print(_plain(eval(  # noqa: S307 - the text of our own table
                f"proxy.{command}({arguments})", {"proxy": proxy}))))
        return status, out.getvalue(), err.getvalue()

    return call


def _plain(value):
    return list(value) if hasattr(value, "__next__") else value


CALLERS = {"openstack": openstack, "cinder": cinder, "sdk": sdk}

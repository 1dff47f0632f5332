# SPDX-License-Identifier: Apache-2.0
"""Starts real servers for blockctl's tests, for development and for newcomers; run by tools/services.

Each set of servers has a root directory that holds all of it: data, settings, logs, sockets, pid files and
the chosen ports. Any number of roots can run side by side. Everything listens on 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import bindings
import packages
from errors import Cancelled, ServiceError
from group import DEFAULT, NAMES, Group
from keystone import VOLUME_ENDPOINT
from root import Root, default_root
from said import say

EXAMPLES = f"""\
services: {" ".join(NAMES)} (default: {" ".join(DEFAULT)})

  tools/services up                            # prints what to export, so:
  eval "$(tools/services up mariadb glance)"
  tools/services status
  tools/services down                          # data stay, and come back at the next up
  tools/services down --wipe                   # forget the data too

A server that was killed is started again by `up`, on its port and with its data. (Ceph's objects are in
memory: when its OSD was killed, the cluster is made anew.)

Environment: BLOCKCTL_SERVICES_ROOT (default of --root), BLOCKCTL_VENVS (where Keystone's and Glance's venvs
are), BLOCKCTL_PYTHON (the interpreter they are made of). Without the first, the root is blockctl-services-UID
in XDG_RUNTIME_DIR (not for root, whose servers run as users who cannot enter it), TMPDIR or /tmp.
"""


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        return options.work(options)
    except Cancelled:
        say("interrupted; `down` ends what runs")
        return 130
    except (ServiceError, OSError) as error:
        say(f"ERROR: {error}")
        return 1


def up(options: argparse.Namespace) -> int:
    group = _group(options)
    with group.root.locked(group.processes.cancelled):
        group.root.make()
        if options.volume_endpoint is not None:
            group.root.remember("volume-endpoint", options.volume_endpoint)
        whole = group.up(options.names or DEFAULT, dict(options.port))
    sys.stdout.write(group.exports())
    return 0 if whole else 1


def down(options: argparse.Namespace) -> int:
    if options.wipe and options.names:
        raise ServiceError("--wipe forgets the whole root: name no services")
    group = _group(options)
    if not group.root.exists:
        return 0
    with group.root.locked(group.processes.cancelled):
        ended = group.down(options.names)
        if options.wipe and ended:
            group.root.wipe()
    return 0 if ended else 1


def status(options: argparse.Namespace) -> int:
    """0 when everything runs that `up` started (and nothing has to); 1 otherwise."""
    group = Group(Root(options.root))
    rows = group.status()
    print(f"root: {group.root.path}{'' if group.root.exists else ' (nothing there)'}")
    for name, state, where, pids in rows:
        print(f"{name:<11} {state:<6} {where:<16} {pids}".rstrip())
    return 0 if all(state in ("up", "down") for _, state, _, _ in rows) else 1


def install(options: argparse.Namespace) -> int:
    group = _group(options)
    with group.root.locked(group.processes.cancelled):
        group.root.make()
        return 0 if group.install(options.names or DEFAULT) else 1


def env(options: argparse.Namespace) -> int:
    group = Group(Root(options.root))
    if not group.root.exists:
        raise ServiceError(f"nothing was ever started in {group.root.path}")
    sys.stdout.write(group.exports())
    return 0


def ceph_bindings(options: argparse.Namespace) -> int:
    group = _group(options)
    with group.root.locked(group.processes.cancelled):
        group.root.make()
        say(f"linked: {bindings.link(group.processes, Path(os.path.abspath(options.venv)))}")
    return 0


def _group(options: argparse.Namespace) -> Group:
    """The services of the root; SIGINT and SIGTERM end what we do with them in an orderly way."""
    group = Group(Root(options.root))

    def cancel(number: int, frame: object) -> None:
        del number, frame
        if group.processes.cancelled.is_set():
            os._exit(130)
        group.processes.cancelled.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, cancel)
    return group


def _port(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in NAMES or not number.isdecimal() or not 0 < int(number) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PORT with a name of {', '.join(NAMES)}")
    return name, int(number)


def _name(text: str) -> str:
    if text not in NAMES:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(NAMES)}")
    return text


def _endpoint(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not an http URL")
    return text


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--root", type=Path, default=default_root(), metavar="DIR", help="default: %(default)s")
    parser = argparse.ArgumentParser(
        prog="tools/services",
        description=__doc__.partition(";")[0] + ".",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, work, what: str, *, named: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[shared], help=what, description=what)
        added.set_defaults(work=work)
        if named:
            added.add_argument("names", nargs="*", type=_name, metavar="NAME")
        return added

    starting = command("up", up, "install what is missing, start the services and what they need, print what to export")
    starting.add_argument(
        "--port",
        action="append",
        type=_port,
        default=[],
        metavar="NAME=PORT",
        help="instead of a free port chosen at the first up",
    )
    starting.add_argument(
        "--volume-endpoint",
        type=_endpoint,
        metavar="URL",
        help=f"where Keystone's catalog says blockctl is (default: as before, or {VOLUME_ENDPOINT})",
    )
    stopping = command("down", down, "stop these services, or all of the root")
    stopping.add_argument("--wipe", action="store_true", help="remove the root and all data too")
    command("status", status, "what runs; status 1 when something that should does not", named=False)
    command("install", install, f"install packages and venvs only (venvs go to {packages.venv_folder()})")
    command("env", env, "print what to export (also in ROOT/env)", named=False)
    linking = command("ceph-bindings", ceph_bindings, "make Debian's rados and rbd importable in a venv", named=False)
    linking.add_argument("venv", metavar="VENV_DIR")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

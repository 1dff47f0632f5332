# SPDX-License-Identifier: Apache-2.0
"""What every service here is: something with packages, ports and daemons that can be started and stopped."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import ClassVar

import ports
from errors import ServiceError
from packages import Venv
from processes import Processes
from root import Root


class Service(abc.ABC):
    """One service of a root. `start` and `stop` may be called in any state, and again."""

    name: ClassVar[str]
    title: ClassVar[str]
    # services that must run before this one can start
    needs: ClassVar[tuple[str, ...]] = ()
    packages: ClassVar[tuple[str, ...]] = ()
    venv: ClassVar[Venv | None] = None
    # the pid files, in the order of starting
    daemons: ClassVar[tuple[str, ...]]
    # what ports it has besides the one under its own name
    more_ports: ClassVar[tuple[str, ...]] = ()
    how_to_move: ClassVar[str] = "stop it first (down)"

    def __init__(self, root: Root, processes: Processes, other: Callable[[str], Service]) -> None:
        self.root = root
        self.processes = processes
        self.other = other

    @abc.abstractmethod
    def start(self) -> None:
        """Returns when the service answers, with its accounts and databases made."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Ends the daemons in an orderly way, and by force when they do not obey in time."""

    @abc.abstractmethod
    def exports(self) -> dict[str, str]:
        """The variables, without pids, by which tests find the service."""

    @property
    def port(self) -> int:
        return self.root.port(self.name)

    def pids(self) -> dict[str, int | None]:
        """The pid of each daemon, None where it does not live."""
        return {daemon: self.processes.pid(daemon) for daemon in self.daemons}

    def is_whole(self) -> bool:
        return None not in self.pids().values()

    def can_move(self) -> bool:
        """True when the service would come up on another port than before."""
        return all(pid is None for pid in self.pids().values())

    def check_port(self, daemon: str, port: int) -> None:
        """ServiceError when something else listens where the daemon is about to."""
        if self.processes.pid(daemon) is None:
            self.processes.end_leftovers(daemon)
            if ports.answers(port):
                raise ServiceError(
                    f"port {port}, which {self.name} has in {self.root.path}, is in use by something else: "
                    f"end that, or give another with --port {self.name}=PORT"
                )

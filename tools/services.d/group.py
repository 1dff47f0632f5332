# SPDX-License-Identifier: Apache-2.0
"""All services of one root, started and stopped in the order of their needs, else side by side."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent import futures

import packages
import ports
from ceph import Ceph
from errors import Cancelled, ServiceError
from glance import Glance
from keystone import Keystone
from mariadb import MariaDB
from memcached import Memcached
from postgresql import PostgreSQL
from processes import Processes
from rabbitmq import RabbitMQ
from root import Root, write
from said import say
from service import Service

KINDS: tuple[type[Service], ...] = (MariaDB, PostgreSQL, RabbitMQ, Memcached, Ceph, Keystone, Glance)
NAMES = tuple(kind.name for kind in KINDS)
DEFAULT = ("mariadb", "rabbitmq", "ceph")


class Group:
    """The services of one root."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.processes = Processes(root)
        self._finished: dict[str, threading.Event] = {}
        self._services = {kind.name: kind(root, self.processes, self._service) for kind in KINDS}

    def install(self, names: Iterable[str]) -> bool:
        """Packages, then venvs, of the services and of what they need; False when one failed."""
        chosen = [self._services[name] for name in self._with_needs(names)]
        packages.install_packages(self.processes, [package for service in chosen for package in service.packages])
        return self._side_by_side([service.name for service in chosen if service.venv], self._make_venv)

    def up(self, names: Iterable[str], wanted_ports: Mapping[str, int]) -> bool:
        """Starts the services and what they need; False when any of them did not come up."""
        chosen = self._with_needs(names)
        for name in chosen:
            self._choose_ports(self._services[name], wanted_ports)
        packages.install_packages(self.processes, [p for name in chosen for p in self._services[name].packages])
        for name in chosen:
            if name not in self.root.started:
                self.root.mark_started(name, True)
        try:
            return self._side_by_side(chosen, self._start)
        finally:
            self.write_exports()

    def down(self, names: Sequence[str]) -> bool:
        """Stops these services, those that need others first; without names all, and any leftover."""
        chosen = set(names or NAMES)
        for level in reversed(_levels()):
            self._side_by_side([name for name in level if name in chosen], self._stop)
        for name in chosen:
            self.root.mark_started(name, False)
        if not names:
            for what in self.processes.end_leftovers():
                say(f"ended a leftover: {what}")
        self.write_exports()
        return not any(self.processes.leftovers(d) for name in chosen for d in self._services[name].daemons)

    def status(self) -> list[tuple[str, str, str, str]]:
        """(service, state, address, pids) of each."""
        return [self._status_of(service) for service in self._services.values()]

    def exports(self) -> str:
        """Lines for a shell to evaluate: of the services that are meant to run."""
        lines = {"BLOCKCTL_SERVICES_ROOT": str(self.root.path)}
        for name in self.root.started:
            service = self._services[name]
            lines.update(service.exports())
            for daemon, pid in service.pids().items():
                if pid is not None:
                    lines[f"BLOCKCTL_TEST_{daemon.upper().replace('-', '_')}_PID"] = str(pid)
        return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(lines.items()))

    def write_exports(self) -> None:
        write(self.root.path / "env", self.exports(), mode=0o600)

    def _service(self, name: str) -> Service:
        return self._services[name]

    def _with_needs(self, names: Iterable[str]) -> list[str]:
        """These and all they need, the needed first."""
        wanted: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            wanted.add(name)
            pending.extend(self._services[name].needs)
        return [name for level in _levels() for name in level if name in wanted]

    def _choose_ports(self, service: Service, wanted: Mapping[str, int]) -> None:
        want = wanted.get(service.name)
        remembered = self.root.remembered_port(service.name)
        if want is not None and remembered not in (None, want) and not service.can_move():
            raise ServiceError(
                f"{service.name} has port {remembered} in {self.root.path} and cannot take another now: "
                f"{service.how_to_move}"
            )
        self.root.choose_port(service.name, want)
        for name in service.more_ports:
            self.root.choose_port(name)

    def _make_venv(self, service: Service) -> None:
        if service.venv is not None:
            packages.make_venv(self.processes, service.venv)

    def _start(self, service: Service) -> None:
        self._make_venv(service)
        for need in service.needs:
            self._finished[need].wait()
            if self.processes.cancelled.is_set():
                raise Cancelled
            if not self._services[need].is_whole():
                raise ServiceError(f"{need}, which {service.name} needs, is not up")
        began = time.monotonic()
        service.start()
        say(f"{service.title} is up on 127.0.0.1:{service.port} ({time.monotonic() - began:.1f} s)")

    def _stop(self, service: Service) -> None:
        ran = [daemon for daemon, pid in service.pids().items() if pid is not None]
        began = time.monotonic()
        service.stop()
        if ran:
            say(f"{service.title} is down ({time.monotonic() - began:.1f} s)")

    def _side_by_side(self, names: Sequence[str], work: Callable[[Service], None]) -> bool:
        """Does the work for each service in a thread of its own; False, after saying why, when one failed."""
        self._finished = {name: threading.Event() for name in names}

        def guarded(name: str) -> None:
            try:
                work(self._services[name])
            finally:
                self._finished[name].set()

        failed = False
        with futures.ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
            running = {pool.submit(guarded, name): name for name in names}
            pending = set(running)
            while pending:
                # a bounded wait, for signals are handled in this thread
                done, pending = futures.wait(pending, timeout=0.2, return_when=futures.FIRST_COMPLETED)
                for future in done:
                    failed = not self._tell(running[future], future.exception()) or failed
        if self.processes.cancelled.is_set():
            raise Cancelled
        return not failed

    def _tell(self, name: str, error: BaseException | None) -> bool:
        if error is None or isinstance(error, Cancelled):
            return True
        if not isinstance(error, (ServiceError, OSError)):
            raise error
        say(f"ERROR: {name}: {error}")
        return False

    def _status_of(self, service: Service) -> tuple[str, str, str, str]:
        pids = service.pids()
        alive = {daemon: pid for daemon, pid in pids.items() if pid is not None}
        if not alive:
            state = "dead" if service.name in self.root.started else "down"
        elif len(alive) < len(pids):
            state = f"broken, dead: {', '.join(sorted(set(pids) - set(alive)))}"
        elif any(self.processes.is_paused(daemon) for daemon in alive):
            state = "paused"
        elif not ports.answers(service.port):
            state = "deaf"
        else:
            state = "up"
        port = self.root.remembered_port(service.name)
        where = f"127.0.0.1:{port}" if port is not None else "-"
        return service.name, state, where, " ".join(f"{daemon}={pid}" for daemon, pid in alive.items())


def _levels() -> list[list[str]]:
    """The names of all services in groups, each group after those it needs."""
    depths = {kind.name: _depth(kind) for kind in KINDS}
    return [[name for name in NAMES if depths[name] == level] for level in sorted(set(depths.values()))]


def _depth(kind: type[Service]) -> int:
    by_name = {each.name: each for each in KINDS}
    return max((1 + _depth(by_name[need]) for need in kind.needs), default=0)

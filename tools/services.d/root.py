# SPDX-License-Identifier: Apache-2.0
"""The root directory: everything of one set of servers lives below it, and it remembers their ports."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from errors import Cancelled, ServiceError
from ports import Reservations, pick

# sun_path holds 107 bytes; the longest socket below a root is /run/postgresql/.s.PGSQL.65535
LONGEST_ROOT = 107 - len("/run/postgresql/.s.PGSQL.65535")
LOCK_SECONDS = 600
PLAIN_PATH = re.compile(r"[\w./+@=-]+", re.ASCII)


def default_root() -> Path:
    """$BLOCKCTL_SERVICES_ROOT, or blockctl-services-UID in the place for such things.

    root starts MariaDB and PostgreSQL as their own users, who cannot enter root's XDG_RUNTIME_DIR.
    """
    given = os.environ.get("BLOCKCTL_SERVICES_ROOT")
    if given:
        return Path(given)
    private = os.environ.get("XDG_RUNTIME_DIR") if os.geteuid() != 0 else None
    return Path(private or os.environ.get("TMPDIR") or "/tmp") / f"blockctl-services-{os.getuid()}"


class Root:
    """Paths and remembered state. Only one process changes a root at a time (`locked`)."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self.run = self.path / "run"
        self.log = self.path / "log"
        self.etc = self.path / "etc"
        self.data = self.path / "data"
        self.tmp = self.path / "tmp"
        self.bin = self.path / "bin"
        self._state_file = self.path / "state.json"
        self._guard = threading.Lock()
        self._reservations = Reservations()
        self._state: dict[str, Any] = self._load()

    @property
    def exists(self) -> bool:
        return self._state_file.is_file()

    def make(self) -> None:
        """Makes what is missing of the directory and its state. The caller holds the lock."""
        if not self.exists:
            self._change({"id": secrets.token_hex(4), "password": secrets.token_hex(8), "ports": {}, "started": []})
        os.chmod(self.path, 0o711)
        for folder, mode in (
            (self.run, 0o755),
            (self.log, 0o711),
            (self.etc, 0o711),
            (self.data, 0o711),
            (self.bin, 0o755),
            (self.tmp, 0o1777),
        ):
            folder.mkdir(exist_ok=True)
            os.chmod(folder, mode)

    @contextlib.contextmanager
    def locked(self, cancelled: threading.Event) -> Iterator[None]:
        """Keeps other runs of this tool off this root; refuses a place that is not for one."""
        self._check_place()
        self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            end = time.monotonic() + LOCK_SECONDS
            while not try_lock(lock):
                if time.monotonic() > end:
                    raise ServiceError(f"another tools/services has been working on {self.path} for {LOCK_SECONDS} s")
                if cancelled.wait(0.2):
                    raise Cancelled
            self._state = self._load()
            yield
        finally:
            os.close(lock)

    def wipe(self) -> None:
        """Removes the root with all data. The caller has ended what ran."""
        if self.exists:
            shutil.rmtree(self.path)

    # What is remembered.

    @property
    def ident(self) -> str:
        """Eight hex digits that tell this root from others (part of node names)."""
        return self._state["id"]

    @property
    def password(self) -> str:
        """The one password of every account on these servers: hex digits, so it needs quoting nowhere."""
        return self._state["password"]

    @property
    def started(self) -> list[str]:
        """The services that `up` started and no `down` stopped, in order of their first start."""
        return list(self._state.get("started", []))

    def mark_started(self, name: str, started: bool) -> None:
        names = [n for n in self.started if n != name] + ([name] if started else [])
        self._change({"started": names})

    def port(self, name: str) -> int:
        return self._state["ports"][name]

    def remembered_port(self, name: str) -> int | None:
        return self._state.get("ports", {}).get(name)

    def choose_port(self, name: str, wanted: int | None = None) -> int:
        """The remembered port, after making it `wanted` or a free one when there was none."""
        have = self.remembered_port(name)
        if wanted is None and have is not None:
            return have
        port = wanted if wanted is not None else pick(self._reservations)
        if port != have:
            clash = [n for n, p in self._state["ports"].items() if p == port and n != name]
            if clash:
                raise ServiceError(f"port {port} of {name} is {clash[0]}'s in {self.path}")
            self._change({"ports": {**self._state["ports"], name: port}})
        return port

    def setting(self, name: str, default: str) -> str:
        return self._state.get("settings", {}).get(name, default)

    def remember(self, name: str, value: str) -> None:
        self._change({"settings": {**self._state.get("settings", {}), name: value}})

    def _check_place(self) -> None:
        """ServiceError, before anything is written, for a place that is someone else's or something else."""
        if not PLAIN_PATH.fullmatch(str(self.path)):
            raise ServiceError(f"{self.path} has characters that servers' settings do not take: give --root")
        if len(os.fsencode(self.path)) > LONGEST_ROOT:
            raise ServiceError(f"{self.path} is over {LONGEST_ROOT} bytes, too long for sockets: give --root")
        if not self.path.exists():
            return
        if self.path.stat().st_uid != os.geteuid():
            raise ServiceError(f"{self.path} belongs to another user: give --root")
        if not self.exists and set(os.listdir(self.path)) - {"lock", "state.json.new"}:
            raise ServiceError(f"{self.path} holds something else than servers of this tool: give --root")

    def _load(self) -> dict[str, Any]:
        try:
            return json.loads(self._state_file.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ServiceError(f"cannot read {self._state_file}: {error}") from error

    def _change(self, new: dict[str, Any]) -> None:
        with self._guard:
            self._state = {**self._state, **new}
            write(self._state_file, json.dumps(self._state, indent=1) + "\n", mode=0o600)


def write(path: Path, text: str, *, mode: int = 0o644, owner: tuple[int, int] | None = None) -> None:
    """Puts text at path in one step, with this mode and owner (uid, gid), making the folder if it lacks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(fd, "w", encoding="utf-8") as file:
        os.fchmod(fd, mode)
        if owner is not None:
            os.fchown(fd, *owner)
        file.write(text)
    os.replace(new, path)


def try_lock(fd: int) -> bool:
    """True when the file is now locked for us, until it is closed."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

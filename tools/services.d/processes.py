# SPDX-License-Identifier: Apache-2.0
"""Starting, finding and ending the processes of one root.

A daemon runs in a session of its own and outlives this tool. Its pid and start time are in
ROOT/run/NAME.pid, so a pid that the kernel gave to another process meanwhile is never signalled. Every
process also carries a mark in its environment, by which `down` finds those that no pid file names (the tool
was killed, or a daemon was and its children not).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from errors import Cancelled, DaemonEnded, ServiceError
from root import Root, write

MARK = "BLOCKCTL_SERVICES_DAEMON"
POLL_SECONDS = 0.1
TAIL_LINES = 6


class Processes:
    """The processes of one root. Safe to share between threads that each care for daemons of their own."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._log_starts: dict[str, int] = {}
        self.cancelled = threading.Event()

    # Daemons.

    def log_file(self, daemon: str) -> Path:
        return self._root.log / f"{daemon}.log"

    def pid(self, daemon: str) -> int | None:
        """The pid of the daemon while it lives (a zombie does not)."""
        child = self._children.get(daemon)
        if child is not None and child.poll() is not None:
            return None
        try:
            pid, started = (int(line) for line in self._pid_file(daemon).read_text().split())
        except (OSError, ValueError):
            return None
        now = _stat(pid)
        return pid if now is not None and now.alive and now.started == started else None

    def start(
        self,
        daemon: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
    ) -> None:
        """Starts the daemon unless it lives; what a former one left over is ended first.

        `user` is whom it runs as when we are root.
        """
        if self.cancelled.is_set():
            raise Cancelled
        if self.pid(daemon) is not None:
            self.wake(daemon)
            return
        self.end_leftovers(daemon)
        with open(self.log_file(daemon), "ab") as log:
            self._log_starts[daemon] = log.tell()
            child = self._spawn(daemon, argv, stdin=subprocess.DEVNULL, stdout=log, env=env, cwd=cwd, user=user)
            self._children[daemon] = child
        stat = _stat(child.pid)
        write(self._pid_file(daemon), f"{child.pid}\n{stat.started if stat else 0}\n")

    def wake(self, daemon: str) -> None:
        """Continues a daemon that a test left paused by SIGSTOP."""
        pid = self.pid(daemon)
        if pid is not None:
            _signal(pid, signal.SIGCONT)

    def is_paused(self, daemon: str) -> bool:
        pid = self.pid(daemon)
        stat = _stat(pid) if pid is not None else None
        return stat is not None and stat.state in "Tt"

    def stop(self, daemon: str, seconds: float, how: signal.Signals = signal.SIGTERM) -> bool:
        """Ends the daemon: `how`, then SIGKILL when it still lives after so many seconds.

        True when it lived and ended by itself.
        """
        pid = self.pid(daemon)
        ended = False
        if pid is not None:
            _signal(pid, how)
            _signal(pid, signal.SIGCONT)  # a paused process would not see the first
            ended = self._until_gone(lambda: self.pid(daemon) is None, seconds)
            if not ended:
                _signal_group(pid, signal.SIGKILL)
                self._until_gone(lambda: self.pid(daemon) is None, 10)
        self.end_leftovers(daemon)
        self._pid_file(daemon).unlink(missing_ok=True)
        return ended

    def wait(self, daemons: Sequence[str], check: Callable[[], bool], seconds: float, what: str) -> None:
        """Polls until `check`; gives up when a daemon ends, after so many seconds, or when cancelled."""
        end = time.monotonic() + seconds
        while True:
            self.check_alive(daemons)
            if check():
                return
            if time.monotonic() > end:
                log = self.log_file(daemons[0])
                raise ServiceError(f"{what} within {seconds:.0f} s", log, self._tail(daemons[0]))
            if self.cancelled.wait(POLL_SECONDS):
                raise Cancelled

    def check_alive(self, daemons: Sequence[str]) -> None:
        """DaemonEnded, with the end of its log, for the first of these that does not live."""
        for daemon in daemons:
            if self.pid(daemon) is None:
                child = self._children.get(daemon)
                how = f" with {_exit_text(child.returncode)}" if child and child.returncode is not None else ""
                raise DaemonEnded(daemon, f"{daemon} ended{how}", self.log_file(daemon), self._tail(daemon))

    # Tools: programs that do one thing and end.

    def run(
        self,
        owner: str,
        argv: Sequence[str | Path],
        *,
        seconds: float,
        text: str = "",
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        watch: Sequence[str] = (),
        cancellable: bool = True,
        inherit: bool = False,
    ) -> str:
        """Runs a program with `text` as its input and returns its output.

        ServiceError when it fails or takes longer than so many seconds; its stderr goes to
        ROOT/log/OWNER-setup.log. Ended early when a daemon of `watch` ends or when cancelled. `inherit` gives
        it our environment (proxies, pip's settings), which servers never get.
        """
        log_path = self.log_file(f"{owner}-setup")
        with open(log_path, "ab") as log:
            log_start = log.tell()
            log.write(f"$ {' '.join(str(a) for a in argv)}\n".encode())
            log.flush()
            environment = {**os.environ, **(env or {})} if inherit else env
            tool = self._spawn(
                owner,
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                user=user,
            )
        try:
            output = self._output_of(tool, argv, text, seconds, watch, cancellable)
        except ServiceError as error:
            error.log = error.log or log_path
            raise
        if tool.returncode != 0:
            with open(log_path, "a") as log_text:
                log_text.write(output)
            name = Path(argv[0]).name
            raise ServiceError(
                f"{name} failed with {_exit_text(tool.returncode)}",
                log_path,
                _last_lines(log_path, log_start),
            )
        return output

    def succeeds(self, owner: str, argv: Sequence[str | Path], seconds: float = 10) -> bool:
        """True when a probe (a program without input) ends in time with status 0."""
        try:
            probe = subprocess.run(
                [str(a) for a in argv],
                env=self.clean_environment(owner),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=seconds,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return probe.returncode == 0

    def _output_of(
        self,
        tool: subprocess.Popen[bytes],
        argv: Sequence[str | Path],
        text: str,
        seconds: float,
        watch: Sequence[str],
        cancellable: bool,
    ) -> str:
        end = time.monotonic() + seconds
        given: bytes | None = text.encode()
        try:
            while True:
                try:
                    return tool.communicate(given, timeout=POLL_SECONDS)[0].decode(errors="replace")
                except subprocess.TimeoutExpired:
                    given = None
                self.check_alive(watch)
                if time.monotonic() > end:
                    raise ServiceError(f"{Path(argv[0]).name} took longer than {seconds:.0f} s")
                if cancellable and self.cancelled.is_set():
                    raise Cancelled
        finally:
            if tool.poll() is None:
                _end_group(tool)

    # What no pid file names.

    def end_leftovers(self, daemon: str | None = None) -> list[str]:
        """Kills what carries our mark (that of one daemon, or any of this root's) and says what it was."""
        found = self.leftovers(daemon)
        for pid, _ in found:
            _signal(pid, signal.SIGKILL)
        self._until_gone(lambda: not self.leftovers(daemon), 10)
        return [what for _, what in found]

    def leftovers(self, daemon: str | None = None) -> list[tuple[int, str]]:
        """Living processes with our mark: (pid, command line)."""
        exact = self._mark(daemon) if daemon is not None else None
        prefix = self._mark("")
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            mark = _mark_of(int(entry))
            if mark is None or not (mark == exact if exact is not None else mark.startswith(prefix)):
                continue
            stat = _stat(int(entry))
            if stat is not None and stat.alive:
                found.append((int(entry), _command_line(int(entry))))
        return found

    def kill_those_in(self, folder: Path, program: str) -> None:
        """Kills every process of this program whose working directory is this one."""
        self._until_gone(lambda: not _kill_each(_processes_in(folder, program)), 10)

    def clean_environment(self, owner: str) -> dict[str, str]:
        """What servers and tools get of the environment: nothing of the caller's."""
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self._root.tmp),
            "TMPDIR": str(self._root.tmp),
            "LC_ALL": "C.UTF-8",
            MARK: self._mark(owner),
        }

    def _mark(self, owner: str) -> str:
        return f"{self._root.path}:{owner}"

    def _pid_file(self, daemon: str) -> Path:
        return self._root.run / f"{daemon}.pid"

    def _tail(self, daemon: str) -> str:
        return _last_lines(self.log_file(daemon), self._log_starts.get(daemon, 0))

    def _spawn(
        self,
        owner: str,
        argv: Sequence[str | Path],
        *,
        stdin: int,
        stdout: int | IO[bytes],
        stderr: int | IO[bytes] = subprocess.STDOUT,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
    ) -> subprocess.Popen[bytes]:
        environment = {**self.clean_environment(owner), **(env or {})}
        try:
            return subprocess.Popen(
                [str(a) for a in argv],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                env=environment,
                cwd=cwd or self._root.tmp,
                start_new_session=True,
                umask=0o022,
                **_identity(user),
            )
        except OSError as error:
            raise ServiceError(f"cannot start {argv[0]}: {error.strerror}") from error

    def _until_gone(self, gone: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not gone():
            if time.monotonic() > end:
                return False
            time.sleep(POLL_SECONDS / 2)
        return True


def owner_ids(user: str) -> tuple[int, int] | None:
    """(uid, gid) of a server's files when it runs as `user`; None when we are not root, and it runs as us."""
    if os.geteuid() != 0:
        return None
    entry = _account(user)
    return entry.pw_uid, entry.pw_gid


def check_reachable(path: Path, user: str) -> None:
    """ServiceError when `user` could not enter a folder above `path`. Only root runs servers as others."""
    if os.geteuid() != 0:
        return
    for folder in path.parents:
        if not folder.stat().st_mode & 0o001:
            raise ServiceError(f"user {user} cannot enter {folder}: give --root another place")


class _ProcessStat:
    """State and start time from /proc/PID/stat (proc(5): fields 3 and 22)."""

    def __init__(self, text: str) -> None:
        fields = text.rpartition(")")[2].split()
        self.state = fields[0]
        self.started = int(fields[19])

    @property
    def alive(self) -> bool:
        return self.state not in "ZXx"


def _stat(pid: int) -> _ProcessStat | None:
    try:
        return _ProcessStat(Path(f"/proc/{pid}/stat").read_text())
    except (OSError, IndexError):
        return None


def _mark_of(pid: int) -> str | None:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    prefix = f"{MARK}=".encode()
    for entry in environment.split(b"\0"):
        if entry.startswith(prefix):
            return os.fsdecode(entry[len(prefix) :])
    return None


def _processes_in(folder: Path, program: str) -> list[int]:
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            inside = os.readlink(f"/proc/{entry}/cwd") == str(folder)
            if inside and Path(os.readlink(f"/proc/{entry}/exe")).name == program:
                found.append(int(entry))
    return found


def _kill_each(pids: list[int]) -> list[int]:
    for pid in pids:
        _signal(pid, signal.SIGKILL)
    return pids


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _account(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user)
    except KeyError as error:
        raise ServiceError(f"there is no user {user}, whom the server's package should have made") from error


def _identity(user: str | None) -> dict:
    if user is None or os.geteuid() != 0:
        return {}
    entry = _account(user)
    groups = os.getgrouplist(user, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}


def _signal(pid: int, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, which)


def _signal_group(pid: int, which: signal.Signals) -> None:
    """Signals the group that a process leads; ours all lead one."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, which)


def _end_group(tool: subprocess.Popen[bytes]) -> None:
    _signal_group(tool.pid, signal.SIGTERM)
    try:
        tool.wait(5)
    except subprocess.TimeoutExpired:
        _signal_group(tool.pid, signal.SIGKILL)
        tool.wait()


def _exit_text(code: int) -> str:
    return f"exit status {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _last_lines(path: Path, start: int) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(start, file.tell() - 8192))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join([line for line in lines if line.strip()][-TAIL_LINES:])

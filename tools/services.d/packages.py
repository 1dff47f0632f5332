# SPDX-License-Identifier: Apache-2.0
"""What servers come from: the distribution's packages, and one venv for each OpenStack service."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import Cancelled, ServiceError
from processes import MARK, Processes
from root import try_lock, write
from said import say

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# tools/services is installing packages; they must not start their own servers\nexit 101\n"
APT_LOCK = Path("/run/lock/blockctl-services-apt.lock")
APT_SECONDS = 1800
PIP_SECONDS = 1800

# Keystone 30 and Glance 33 say Requires-Python >= 3.11.
OLDEST_PYTHON = (3, 11)
# Prints 1 when venvs can be made from this interpreter, and uwsgi be compiled for it.
PYTHON_PROBE = """
import os, shutil, sys, sysconfig
import ensurepip, venv
header = os.path.join(sysconfig.get_path("include"), "Python.h")
compiler = sysconfig.get_config_var("CC").split()[0]
print(int(sys.version_info[:2] >= (3, 11) and os.path.exists(header) and shutil.which(compiler) is not None))
"""
# Prints those of its arguments, requirements "name" or "name==version", that are not met.
UNMET_PROBE = """
import sys
from importlib.metadata import PackageNotFoundError, version
for requirement in sys.argv[1:]:
    name, _, wanted = requirement.partition("==")
    try:
        have = version(name)
    except PackageNotFoundError:
        have = None
    if have is None or wanted not in ("", have):
        print(requirement)
"""


@dataclass(frozen=True)
class Venv:
    """A venv by name, and what must be in it."""

    name: str
    requirements: tuple[str, ...]

    @property
    def path(self) -> Path:
        return venv_folder() / self.name

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"


def venv_folder() -> Path:
    """$BLOCKCTL_VENVS, or blockctl/venvs in the user's cache: all roots share the venvs."""
    given = os.environ.get("BLOCKCTL_VENVS")
    if given:
        return Path(os.path.abspath(given))
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "blockctl" / "venvs"


def install_packages(processes: Processes, names: Sequence[str]) -> None:
    """Installs those of the packages that are missing, without letting them start anything."""
    missing = _missing(names)
    if not missing:
        return
    line = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if shutil.which("apt-get") is None:
        raise ServiceError(f"this needs Debian's or Ubuntu's packages: {' '.join(missing)}")
    if os.geteuid() != 0:
        raise ServiceError(f"packages are missing and only root can install them: {line}")
    APT_LOCK.parent.mkdir(parents=True, exist_ok=True)  # /run may be a new tmpfs that nobody has filled
    with _file_lock(processes, APT_LOCK), _no_server_starts():
        missing = _missing(names)  # another run may have installed them while we waited
        if not missing:
            return
        say(f"apt: {' '.join(missing)}")
        apt = [
            "apt-get",
            "-q",
            "-y",
            "-o",
            "DPkg::Lock::Timeout=300",
            "-o",
            "Dpkg::Options::=--force-confold",
        ]
        # without our mark: `down` must not kill a dpkg whose tools/services was killed
        env = {"DEBIAN_FRONTEND": "noninteractive", MARK: ""}

        def run(*arguments: str) -> None:
            # not cancellable: dpkg killed half way leaves the machine's packages broken
            processes.run("apt", [*apt, *arguments], seconds=APT_SECONDS, env=env, inherit=True, cancellable=False)

        run("update")
        run("install", "--no-install-recommends", *missing)


def make_venv(processes: Processes, venv: Venv) -> None:
    """Makes the venv when it is not there, and installs in it what is not met."""
    folder = venv.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise ServiceError(f"{folder} belongs to another user: set BLOCKCTL_VENVS")
    with _file_lock(processes, folder / f".{venv.name}.lock"):
        if _works(venv) and not _unmet(venv):
            return
        # also when the venv is there, for this sees to it that uwsgi can be compiled
        python = _find_python(processes)
        if not _works(venv):
            say(f"venv {venv.path} ({python})")
            processes.run(venv.name, [python, "-m", "venv", "--clear", venv.path], seconds=120, inherit=True)
        unmet = _unmet(venv)
        say(f"pip: {' '.join(unmet)} into {venv.path}")
        pip = [venv.python, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
        processes.run(venv.name, [*pip, *unmet], seconds=PIP_SECONDS, inherit=True)


def _missing(names: Sequence[str]) -> list[str]:
    if not names or shutil.which("dpkg-query") is None:
        return list(names)
    query = ["dpkg-query", "-W", "-f", "${Package} ${Status}\\n", *names]
    answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=60)
    there = {line.split()[0] for line in answer.stdout.splitlines() if line.endswith("install ok installed")}
    return [name for name in names if name not in there]


@contextlib.contextmanager
def _no_server_starts() -> Iterator[None]:
    """Has Debian's policy-rc.d forbid starts, and takes it away again; one that was there stays."""
    ours = not POLICY.exists() or POLICY.read_text(errors="replace") == POLICY_TEXT
    if ours:
        write(POLICY, POLICY_TEXT, mode=0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)


@contextlib.contextmanager
def _file_lock(processes: Processes, path: Path) -> Iterator[None]:
    """Waits for, and holds, the lock. What its holder does is bounded, so the wait is."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        while not try_lock(fd):
            if processes.cancelled.wait(0.2):
                raise Cancelled
        yield
    finally:
        os.close(fd)


def _works(venv: Venv) -> bool:
    try:
        probe = subprocess.run([str(venv.python), "-c", "import pip"], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0


def _unmet(venv: Venv) -> list[str]:
    command = [str(venv.python), "-c", UNMET_PROBE, *venv.requirements]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()


def _find_python(processes: Processes) -> str:
    """An interpreter that venvs can be made of; installs the distribution's when there is none."""
    wanted = os.environ.get("BLOCKCTL_PYTHON")
    names = [wanted] if wanted else [sys.executable, "python3.11", "python3.12", "python3.13", "/usr/bin/python3"]
    for name in names:
        if _suits(name):
            return name
    if wanted:
        raise ServiceError(
            f"BLOCKCTL_PYTHON={wanted} must be Python >= {_dotted(OLDEST_PYTHON)} with venv, headers, cc"
        )
    install_packages(processes, ["python3", "python3-dev", "python3-venv", "gcc", "libc6-dev"])
    if _suits("/usr/bin/python3"):
        return "/usr/bin/python3"
    raise ServiceError(f"Keystone and Glance need Python {_dotted(OLDEST_PYTHON)} or later: set BLOCKCTL_PYTHON")


def _suits(name: str) -> bool:
    try:
        answer = subprocess.run([name, "-c", PYTHON_PROBE], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == "1"


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(str(part) for part in version)

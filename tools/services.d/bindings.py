# SPDX-License-Identifier: Apache-2.0
"""Makes Debian's rados and rbd importable in a venv.

They are not on the package index, and are compiled for the distribution's own Python. A venv of the same
CPython version takes them through a .pth that names a folder with links to these two alone, so nothing else
of the distribution's Python packages is seen (unlike with --system-site-packages).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from errors import ServiceError
from packages import install_packages
from processes import Processes
from root import write

PACKAGES = ("python3-rados", "python3-rbd")
MODULES = ("rados", "rbd")
DIST_PACKAGES = Path("/usr/lib/python3/dist-packages")
PTH = "distribution-ceph.pth"
PROBE = """
import json, platform, sys, sysconfig
print(json.dumps({"name": f"{platform.python_implementation()} {platform.python_version()}",
                  "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
                  "prefix": sys.prefix, "is_venv": sys.prefix != sys.base_prefix,
                  "purelib": sysconfig.get_path("purelib")}))
"""


def link(processes: Processes, venv: Path) -> Path:
    """Links the bindings into the venv, and proves that they import; returns the folder of the links."""
    python = venv / "bin" / "python"
    about = _probe(python)
    if not about["is_venv"]:
        raise ServiceError(f"{python} is not of a venv")
    install_packages(processes, PACKAGES)
    libraries = [_library(module, about) for module in MODULES]
    folder = Path(about["prefix"]) / "lib" / "distribution-ceph"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for library in libraries:
        (folder / library.name).symlink_to(library)
    write(Path(about["purelib"]) / PTH, f"{folder}\n")
    tried = subprocess.run(
        [str(python), "-c", f"import {', '.join(MODULES)}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if tried.returncode != 0:
        raise ServiceError(f"{', '.join(MODULES)} do not import in {venv}", tail=tried.stderr[-2000:])
    return folder


def _probe(python: Path) -> dict:
    try:
        answer = subprocess.run([str(python), "-c", PROBE], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise ServiceError(f"{python} does not run: {error}") from error
    return json.loads(answer.stdout)


def _library(module: str, about: dict) -> Path:
    fitting = DIST_PACKAGES / f"{module}{about['suffix']}"
    if fitting.exists():
        return fitting
    there = ", ".join(sorted(path.name for path in DIST_PACKAGES.glob(f"{module}.*.so"))) or "nothing"
    raise ServiceError(
        f"the venv is of {about['name']}, which needs {fitting.name}; the distribution has {there}: "
        f"make the venv with the CPython version that the distribution's {module} was compiled for"
    )

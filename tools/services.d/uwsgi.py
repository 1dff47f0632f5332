# SPDX-License-Identifier: Apache-2.0
"""How the OpenStack services are served."""

from __future__ import annotations

from packages import Venv


def command(venv: Venv, module: str, port: int, *more: str) -> list[str]:
    """uwsgi in the venv, two processes that serve the WSGI module's `application`."""
    return [
        str(venv.path / "bin" / "uwsgi"),
        "--http-socket", f"127.0.0.1:{port}",
        "--virtualenv", str(venv.path),
        "--module", module,
        "--master", "--processes", "2", "--lazy-apps", "--enable-threads", "--need-app",
        "--die-on-term",
        "--no-orphans",  # workers of a killed master end too
        "--buffer-size", "65535",
        "--thunder-lock",
        "--disable-logging",
        # uwsgi's own HTTP closes each connection; clients should know
        "--add-header", "Connection: close",
        *more,
    ]  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, as the user is told it."""

from __future__ import annotations

from pathlib import Path


class ServiceError(Exception):
    """A server or tool did not do what it should; the message says what, and where its log is."""

    def __init__(self, message: str, log: Path | None = None, tail: str = "") -> None:
        super().__init__(message)
        self.log = log
        self.tail = tail

    def __str__(self) -> str:
        text = super().__str__()
        if self.log is not None:
            text += f"; see {self.log}"
        for line in self.tail.splitlines():
            text += f"\n    {line}"
        return text


class DaemonEnded(ServiceError):
    """A daemon ended while something waited for it."""

    def __init__(self, daemon: str, message: str, log: Path, tail: str) -> None:
        super().__init__(message, log, tail)
        self.daemon = daemon


class Cancelled(Exception):
    """The user (SIGINT, SIGTERM) wants the tool to stop; what runs already stays known to `down`."""

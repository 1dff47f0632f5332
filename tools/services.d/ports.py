# SPDX-License-Identifier: Apache-2.0
"""Finding TCP ports that stay ours.

A server that a test kills must come back on its port, so a port must not be one that the kernel may hand to
an outgoing connection meanwhile: ports are taken below the kernel's ephemeral range.
"""

from __future__ import annotations

import errno
import secrets
import socket
from pathlib import Path

from errors import ServiceError

LOWEST = 20000
HIGHEST = 32000
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


class Reservations:
    """Keeps two runs of this tool from choosing the same port before either server listens.

    A reservation is a socket of a name in Linux's abstract namespace: seen by every process that shares our
    ports, and gone when this process is.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def take(self, port: int) -> bool:
        """True when the port is now reserved for this process until it ends."""
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            mark.bind(f"\0blockctl-services-port-{port}")
        except OSError:
            mark.close()
            return False
        self._held.append(mark)
        return True


def pick(reservations: Reservations) -> int:
    """A port that nothing is bound to on any address, reserved until this process ends."""
    span = max(_highest() - LOWEST, 1000)
    start = secrets.randbelow(span)
    for offset in range(span):
        port = LOWEST + (start + offset) % span
        if is_free(port) and reservations.take(port):
            return port
    raise ServiceError(f"no free port between {LOWEST} and {LOWEST + span}; give one with --port NAME=PORT")


def is_free(port: int) -> bool:
    """True when a server could listen on this port on every address of either family."""
    return _can_bind(socket.AF_INET, "", port) and _can_bind(socket.AF_INET6, "::", port)


def answers(port: int) -> bool:
    """True when something on 127.0.0.1 accepts connections on this port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def _can_bind(family: int, address: str, port: int) -> bool:
    try:
        probe = socket.socket(family, socket.SOCK_STREAM)
    except OSError:  # no IPv6 here, so nobody can have the port there
        return True
    with probe:
        try:
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address, port))
        except OSError as error:
            return family == socket.AF_INET6 and error.errno != errno.EADDRINUSE
    return True


def _highest() -> int:
    try:
        return min(HIGHEST, int(EPHEMERAL_RANGE.read_text().split()[0]) - 1)
    except (OSError, ValueError, IndexError):
        return HIGHEST

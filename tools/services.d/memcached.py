# SPDX-License-Identifier: Apache-2.0
"""memcached."""

from __future__ import annotations

import socket

from service import Service

USER = "memcache"


class Memcached(Service):
    name = "memcached"
    title = "memcached"
    packages = ("memcached",)
    daemons = ("memcached",)

    def start(self) -> None:
        self.check_port("memcached", self.port)
        argv = ["memcached", "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-m", "64", "-c", "1024"]
        self.processes.start("memcached", argv, user=USER)
        self.processes.wait(["memcached"], self._answers, 20, "memcached did not answer")

    def stop(self) -> None:
        self.processes.stop("memcached", 10)

    def exports(self) -> dict[str, str]:
        return {"BLOCKCTL_TEST_MEMCACHED": self.address}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as peer:
                peer.sendall(b"version\r\n")
                return peer.recv(64).startswith(b"VERSION")
        except OSError:
            return False

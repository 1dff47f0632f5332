# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ with an epmd (Erlang's port mapper) of its own, so that any number of roots run side by side."""

from __future__ import annotations

import shlex
import socket
from pathlib import Path

from errors import ServiceError
from root import write
from service import Service

PROGRAMS = Path("/usr/lib/rabbitmq/bin")

CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = blockctl
default_pass = {password}
loopback_users = none
vm_memory_high_watermark.absolute = 2GiB
disk_free_limit.absolute = 50MB
collect_statistics_interval = 30000
log.console = false
log.file = {log}
"""

# Runs the distribution's rabbitmqctl with this root's settings.
CONTROL = """\
#!/bin/sh
# rabbitmqctl for the server in {root}
exec env -i {settings} {program} "$@"
"""


class RabbitMQ(Service):
    name = "rabbitmq"
    title = "RabbitMQ"
    packages = ("rabbitmq-server",)
    daemons = ("epmd", "rabbitmq")
    more_ports = ("rabbitmq-epmd", "rabbitmq-dist")

    def start(self) -> None:
        if not (PROGRAMS / "rabbitmq-server").exists():
            raise ServiceError("RabbitMQ is not on this machine: tools/services install rabbitmq")
        self.check_port("epmd", self.root.port("rabbitmq-epmd"))
        self.check_port("rabbitmq", self.port)
        self._configure()
        self.processes.start("epmd", ["epmd", "-address", "127.0.0.1", "-port", str(self.root.port("rabbitmq-epmd"))])
        self.processes.start("rabbitmq", [PROGRAMS / "rabbitmq-server"], env=self._environment(), cwd=self._home)
        self.processes.wait(["rabbitmq", "epmd"], self._answers, 120, "RabbitMQ did not answer")

    def stop(self) -> None:
        self.processes.stop("rabbitmq", 40)
        self.processes.stop("epmd", 10)

    def exports(self) -> dict[str, str]:
        return {
            "BLOCKCTL_TEST_RABBITMQ_URL": f"rabbit://blockctl:{self.root.password}@127.0.0.1:{self.port}/",
            "BLOCKCTL_TEST_RABBITMQCTL": str(self.root.bin / "rabbitmqctl"),
        }

    @property
    def _home(self) -> Path:
        return self.root.data / "rabbitmq"

    def _environment(self) -> dict[str, str]:
        localhost_only = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            "HOME": str(self._home),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_NODENAME": f"blockctl-{self.root.ident}@localhost",
            "RABBITMQ_MNESIA_BASE": str(self._home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.root.log),
            "RABBITMQ_CONFIG_FILE": str(self.root.etc / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.root.etc / "rabbitmq.plugins"),
            "RABBITMQ_DIST_PORT": str(self.root.port("rabbitmq-dist")),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": localhost_only,
            "RABBITMQ_CTL_ERL_ARGS": localhost_only,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.root.port("rabbitmq-epmd")),
            # else a shell stays in front of the server, and killing its pid would not kill the server
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _configure(self) -> None:
        self._home.mkdir(mode=0o700, exist_ok=True)
        text = CONFIGURATION.format(
            port=self.port, password=self.root.password, log=self.processes.log_file("rabbitmq")
        )
        write(self.root.etc / "rabbitmq.conf", text, mode=0o600)
        write(self.root.etc / "rabbitmq.plugins", "[].\n")
        environment = {**self.processes.clean_environment("rabbitmqctl"), **self._environment()}
        settings = " ".join(shlex.quote(f"{name}={value}") for name, value in environment.items())
        program = shlex.quote(str(PROGRAMS / "rabbitmqctl"))
        text = CONTROL.format(root=self.root.path, settings=settings, program=program)
        write(self.root.bin / "rabbitmqctl", text, mode=0o755)

    def _answers(self) -> bool:
        """True when it greets a client of AMQP 0-9-1 (with the method frame Connection.Start)."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as peer:
                peer.settimeout(5)
                peer.sendall(b"AMQP\x00\x00\x09\x01")
                return peer.recv(64)[:1] == b"\x01"
        except OSError:
            return False

# SPDX-License-Identifier: Apache-2.0
"""MariaDB, as durable as the database of a real installation: the tests that kill it rely on that."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from errors import ServiceError
from processes import check_reachable, owner_ids
from root import write
from service import Service

USER = "mysql"

CONFIGURATION = """\
[mysqld]
datadir = {data}
socket = {socket}
pid-file = {run}/mariadb.pid
tmpdir = {tmp}
port = {port}
bind-address = 127.0.0.1
skip-name-resolve
character-set-server = utf8mb4
collation-server = utf8mb4_general_ci
max_connections = 1000
innodb_buffer_pool_size = 512M
innodb_log_file_size = 256M
innodb_flush_log_at_trx_commit = 1
innodb_doublewrite = 1
{user}
"""


class MariaDB(Service):
    name = "mariadb"
    title = "MariaDB"
    packages = ("mariadb-server", "mariadb-client")
    daemons = ("mariadb",)

    def start(self) -> None:
        check_reachable(self.root.data / "mariadb", USER)
        self.check_port("mariadb", self.port)
        self._configure()
        self._make_data()
        self.processes.start("mariadb", ["mariadbd", f"--defaults-file={self._configuration}"], user=USER)
        self.processes.wait(["mariadb"], self._answers, 90, "MariaDB did not answer")
        self.sql(
            f"CREATE USER IF NOT EXISTS 'blockctl'@'%' IDENTIFIED BY '{self.root.password}';\n"
            f"CREATE USER IF NOT EXISTS 'blockctl'@'localhost' IDENTIFIED BY '{self.root.password}';\n"
            # all rights: tests make databases of their own, end connections and set global variables
            "GRANT ALL ON *.* TO 'blockctl'@'%' WITH GRANT OPTION;\n"
            "GRANT ALL ON *.* TO 'blockctl'@'localhost' WITH GRANT OPTION;\n"
            "CREATE DATABASE IF NOT EXISTS blockctl CHARACTER SET utf8mb4;\n"
        )

    def stop(self) -> None:
        self.processes.stop("mariadb", 60)

    def exports(self) -> dict[str, str]:
        return {
            "BLOCKCTL_TEST_MARIADB_URL": self.url("blockctl", "blockctl"),
            "BLOCKCTL_TEST_MARIADB_SOCKET": str(self._socket),
        }

    def url(self, user: str, database: str) -> str:
        return f"mysql+pymysql://{user}:{self.root.password}@127.0.0.1:{self.port}/{database}?charset=utf8mb4"

    def make_database(self, name: str) -> None:
        """A database and an account that owns it, both of this name (a plain word)."""
        statements = [f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4;"]
        for host in ("%", "localhost"):
            statements.append(f"CREATE USER IF NOT EXISTS '{name}'@'{host}' IDENTIFIED BY '{self.root.password}';")
            statements.append(f"GRANT ALL ON {name}.* TO '{name}'@'{host}';")
        self.sql("\n".join(statements))

    def sql(self, statements: str) -> str:
        """Runs statements as administrator; only this tool's constants and hex digits are in them."""
        return self.processes.run("mariadb", self._client(), seconds=60, text=statements, watch=["mariadb"])

    @property
    def _configuration(self) -> Path:
        return self.root.etc / "mariadb.cnf"

    @property
    def _run(self) -> Path:
        return self.root.run / "mariadb"

    @property
    def _socket(self) -> Path:
        return self._run / "mariadb.sock"

    def _client(self) -> list[str]:
        return [
            "mariadb",
            "--no-defaults",
            f"--socket={self._socket}",
            f"--user={_administrator()}",
            "--batch",
            "--skip-column-names",
        ]

    def _answers(self) -> bool:
        return self.processes.succeeds("mariadb", [*self._client(), "--connect-timeout=2", "--execute=SELECT 1"])

    def _configure(self) -> None:
        self._run.mkdir(exist_ok=True)
        ids = owner_ids(USER)
        if ids is not None:
            os.chown(self._run, *ids)
        write(
            self._configuration,
            CONFIGURATION.format(
                data=self.root.data / "mariadb",
                socket=self._socket,
                run=self._run,
                tmp=self.root.tmp,
                port=self.port,
                user=f"user = {USER}" if ids is not None else "",
            ),
        )

    def _make_data(self) -> None:
        data = self.root.data / "mariadb"
        if data.exists():
            return
        # made beside and renamed when whole, so that an interrupted run leaves nothing half made
        new = self.root.data / "mariadb.new"
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        ids = owner_ids(USER)
        if ids is not None:
            os.chown(new, *ids)
        install = shutil.which("mariadb-install-db")
        if install is None:
            raise ServiceError("mariadb-install-db is not on this machine: tools/services install mariadb")
        self.processes.run(
            "mariadb",
            [
                install,
                "--no-defaults",
                f"--datadir={new}",
                "--auth-root-authentication-method=socket",
                f"--auth-root-socket-user={_administrator()}",
                "--skip-test-db",
                "--skip-name-resolve",
                *([f"--user={USER}"] if ids is not None else []),
            ],
            seconds=120,
        )
        new.rename(data)


def _administrator() -> str:
    """Our own name: the account that MariaDB knows by who is at the other end of the socket."""
    return pwd.getpwuid(os.geteuid()).pw_name

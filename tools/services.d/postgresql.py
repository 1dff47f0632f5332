# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL from the distribution, as its own user, with fsync on."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
from pathlib import Path

from errors import ServiceError
from processes import check_reachable, owner_ids
from root import write
from service import Service

USER = "postgres"

CONFIGURATION = """\
data_directory = '{data}'
hba_file = '{data}/pg_hba.conf'
ident_file = '{data}/pg_ident.conf'
unix_socket_directories = '{run}'
listen_addresses = '127.0.0.1'
port = {port}
max_connections = 300
shared_buffers = 256MB
fsync = on
synchronous_commit = on
full_page_writes = on
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] '
timezone = 'UTC'
"""

ACCOUNT = """\
SELECT 'CREATE ROLE blockctl LOGIN CREATEDB' WHERE NOT EXISTS
 (SELECT FROM pg_roles WHERE rolname = 'blockctl') \\gexec
ALTER ROLE blockctl PASSWORD '{password}';
GRANT pg_monitor, pg_signal_backend TO blockctl;
SELECT 'CREATE DATABASE blockctl OWNER blockctl' WHERE NOT EXISTS
 (SELECT FROM pg_database WHERE datname = 'blockctl') \\gexec
"""


class PostgreSQL(Service):
    name = "postgresql"
    title = "PostgreSQL"
    packages = ("postgresql",)
    daemons = ("postgresql",)

    def start(self) -> None:
        check_reachable(self._data, USER)
        self.check_port("postgresql", self.port)
        self._configure()
        self._make_data()
        self._start_server()
        self._psql(ACCOUNT.format(password=self.root.password))

    def stop(self) -> None:
        # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave
        self.processes.stop("postgresql", 60, signal.SIGINT)
        self.processes.kill_those_in(self._data, "postgres")

    def exports(self) -> dict[str, str]:
        url = f"postgresql+psycopg2://blockctl:{self.root.password}@127.0.0.1:{self.port}/blockctl"
        return {"BLOCKCTL_TEST_POSTGRESQL_URL": url, "BLOCKCTL_TEST_POSTGRESQL_SOCKET_DIR": str(self._run)}

    @property
    def _data(self) -> Path:
        return self.root.data / "postgresql"

    @property
    def _run(self) -> Path:
        return self.root.run / "postgresql"

    def _start_server(self) -> None:
        if self.processes.pid("postgresql") is None:
            self._clear_after_kill()
        program = _programs() / "postgres"
        setting = f"config_file={self.root.etc / 'postgresql.conf'}"
        self.processes.start("postgresql", [program, "-c", setting], user=USER)
        self.processes.wait(["postgresql"], self._answers, 90, "PostgreSQL did not answer")

    def _clear_after_kill(self) -> None:
        """Ends what a killed server left behind, then removes its lock files.

        The server ignores lock files of a process that is gone, but takes a zombie, which not every machine
        reaps at once, for alive. What they protect from is a backend that still lives: none does after this.
        Backends hide our mark, so they are known by running in the data directory.
        """
        self.processes.kill_those_in(self._data, "postgres")
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        for left in self._run.glob(".s.PGSQL.*"):
            left.unlink()

    def _psql(self, statements: str) -> str:
        return self.processes.run(
            "postgresql", self._client(), seconds=60, text=statements, user=USER, watch=["postgresql"]
        )

    def _client(self) -> list[str]:
        return [
            str(_programs() / "psql"),
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(self._run),
            "-p",
            str(self.port),
            "-U",
            _superuser(),
            "-d",
            "postgres",
        ]

    def _answers(self) -> bool:
        where = ["-h", self._run, "-p", str(self.port)]
        return self.processes.succeeds("postgresql", [_programs() / "pg_isready", "-q", "-t", "2", *where])

    def _configure(self) -> None:
        self._run.mkdir(exist_ok=True)
        ids = owner_ids(USER)
        if ids is not None:
            os.chown(self._run, *ids)
        write(
            self.root.etc / "postgresql.conf",
            CONFIGURATION.format(data=self._data, run=self._run, port=self.port),
        )

    def _make_data(self) -> None:
        data = self._data
        if data.exists():
            return
        new = self.root.data / "postgresql.new"  # renamed when whole
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        ids = owner_ids(USER)
        if ids is not None:
            os.chown(new, *ids)
        self.processes.run(
            "postgresql",
            [
                _programs() / "initdb",
                "-D",
                new,
                "-U",
                _superuser(),
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--auth-local=peer",
                "--auth-host=scram-sha-256",
            ],
            seconds=120,
            user=USER,
        )
        new.rename(data)


def _superuser() -> str:
    """The database's superuser: named as the server's system user, for peer authentication asks that."""
    return USER if os.geteuid() == 0 else getpass.getuser()


def _programs() -> Path:
    """The newest installed version's bin folder; Debian keeps it out of PATH."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if not found:
        raise ServiceError("PostgreSQL's server is not on this machine: tools/services install postgresql")
    return max(found, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0))

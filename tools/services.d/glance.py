# SPDX-License-Identifier: Apache-2.0
"""Glance from the package index, its images in files."""

from __future__ import annotations

from pathlib import Path

import plain_http
import uwsgi
from packages import Venv
from root import write
from service import Service

CONFIGURATION = """\
[DEFAULT]
enabled_backends = file:file
enabled_import_methods = [glance-direct]
worker_self_reference_url = {url}
lock_path = {data}/lock
[database]
connection = {database}
max_pool_size = 5
[glance_store]
default_backend = file
[file]
filesystem_store_datadir = {data}/images
[os_glance_staging_store]
filesystem_store_datadir = {data}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {data}/tasks
[paste_deploy]
flavor = keystone
config_file = {paste}
[oslo_concurrency]
lock_path = {data}/lock
[keystone_authtoken]
auth_url = {keystone}
www_authenticate_uri = {keystone}
memcached_servers = {memcached}
auth_type = password
username = glance
password = {password}
project_name = service
user_domain_id = default
project_domain_id = default
service_token_roles = service
service_token_roles_required = true
[oslo_messaging_notifications]
driver = noop
"""


class Glance(Service):
    name = "glance"
    title = "Glance"
    needs = ("mariadb", "memcached", "keystone")
    venv = Venv("glance", ("glance==33.0.0", "PyMySQL", "uwsgi", "pymemcache", "python-memcached"))
    daemons = ("glance",)

    def start(self) -> None:
        self.check_port("glance", self.port)
        self.other("mariadb").make_database("glance")
        self._configure()
        self._make_tables()
        self.processes.start(
            "glance",
            uwsgi.command(
                self.venv,
                "glance.wsgi.api",
                self.port,
                "--threads",
                "2",
                # glanceclient sends chunks of 1 MiB, which with their header are over uwsgi's default limit
                "--chunked-input-limit",
                "4194304",
                "--chunked-input-timeout",
                "60",
            ),
            env={"OS_GLANCE_CONFIG_DIR": str(self._etc)},
        )
        self.processes.wait(["glance"], lambda: plain_http.answers(f"{self.url}/"), 90, "Glance did not answer")
        self.other("keystone").identity().ensure_endpoints("glance", "image", self.url)

    def stop(self) -> None:
        self.processes.stop("glance", 20)

    def exports(self) -> dict[str, str]:
        return {"BLOCKCTL_TEST_GLANCE_URL": self.url}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def _etc(self) -> Path:
        return self.root.etc / "glance"

    @property
    def _data(self) -> Path:
        return self.root.data / "glance"

    def _configure(self) -> None:
        for folder in ("", "images", "staging", "tasks", "lock"):
            (self._data / folder).mkdir(exist_ok=True)
        text = CONFIGURATION.format(
            url=self.url,
            data=self._data,
            database=self.other("mariadb").url("glance", "glance"),
            paste=self.venv.path / "etc" / "glance" / "glance-api-paste.ini",
            keystone=self.other("keystone").url,
            memcached=self.other("memcached").address,
            password=self.root.password,
        )
        write(self._etc / "glance-api.conf", text, mode=0o600)

    def _make_tables(self) -> None:
        mark = self._data / "synced"
        wanted = f"{self.venv.requirements[0]}\n"
        if mark.exists() and mark.read_text() == wanted:
            return
        program = self.venv.path / "bin" / "glance-manage"
        argv = [program, "--config-file", self._etc / "glance-api.conf", "db_sync"]
        self.processes.run("glance", argv, seconds=180, watch=["mariadb"])
        write(mark, wanted)

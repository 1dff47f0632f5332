# SPDX-License-Identifier: Apache-2.0
"""Keystone from the package index, with the projects, users, roles and catalog that the tests need.

Every account has the root's one password. Users admin, demo and alt_demo each have a project of their name;
the service users blockctl and glance are in project service.
"""

from __future__ import annotations

import os
from pathlib import Path

import plain_http
import uwsgi
from identity import Identity
from packages import Venv
from root import write
from service import Service

REGION = "RegionOne"
VOLUME_ENDPOINT = "http://127.0.0.1:8776"
ROLES = ("admin", "manager", "member", "reader", "service")
PROJECTS = ("admin", "demo", "alt_demo", "service")
USERS = ("admin", "demo", "alt_demo", "blockctl", "glance")
# (user, project, roles)
GRANTS = (
    ("admin", "admin", ("admin", "member", "reader")),
    ("admin", "demo", ("admin",)),
    ("demo", "demo", ("member", "reader")),
    ("alt_demo", "alt_demo", ("member", "reader")),
    ("blockctl", "service", ("admin", "service")),
    ("glance", "service", ("admin", "service")),
)

CONFIGURATION = """\
[DEFAULT]
public_endpoint = {endpoint}
[database]
connection = {database}
max_pool_size = 5
[token]
provider = fernet
expiration = 86400
[fernet_tokens]
key_repository = {data}/fernet-keys
[fernet_receipts]
key_repository = {data}/fernet-keys
[credential]
key_repository = {data}/credential-keys
[cache]
enabled = true
backend = dogpile.cache.pymemcache
memcache_servers = {memcached}
[identity]
# bcrypt at its default of 12 rounds is most of Keystone's CPU time, and Keystone is not what is tested
password_hash_rounds = 4
[oslo_messaging_notifications]
driver = noop
"""

OPENRC = """\
# . {root}/openrc [admin|demo|alt_demo]
_blockctl_user="${{1:-admin}}"
export OS_AUTH_TYPE=password OS_AUTH_URL={url} OS_IDENTITY_API_VERSION=3 OS_REGION_NAME={region}
export OS_USERNAME="$_blockctl_user" OS_PROJECT_NAME="$_blockctl_user" OS_PASSWORD={password}
export OS_USER_DOMAIN_ID=default OS_PROJECT_DOMAIN_ID=default
unset _blockctl_user OS_CLOUD
"""

CLOUD = """\
  blockctl-{user}:
    region_name: {region}
    identity_api_version: 3
    auth:
      auth_url: {url}
      username: {user}
      password: {password}
      project_name: {user}
      user_domain_id: default
      project_domain_id: default
"""


class Keystone(Service):
    name = "keystone"
    title = "Keystone"
    needs = ("mariadb", "memcached")
    venv = Venv("keystone", ("keystone==30.0.0", "PyMySQL", "uwsgi", "pymemcache", "python-memcached"))
    daemons = ("keystone",)

    def start(self) -> None:
        self.check_port("keystone", self.port)
        self.other("mariadb").make_database("keystone")
        self._configure()
        self._bootstrap()
        self.processes.start(
            "keystone",
            uwsgi.command(self.venv, "keystone.wsgi.api", self.port),
            env={"OS_KEYSTONE_CONFIG_DIR": str(self._etc)},
        )
        self.processes.wait(["keystone"], lambda: plain_http.answers(self.url), 90, "Keystone did not answer")
        self._fill()
        self._write_credentials()

    def stop(self) -> None:
        self.processes.stop("keystone", 20)

    def exports(self) -> dict[str, str]:
        return {
            "BLOCKCTL_TEST_KEYSTONE_URL": self.url,
            "BLOCKCTL_TEST_KEYSTONE_PASSWORD": self.root.password,
            "BLOCKCTL_TEST_CLOUDS": str(self.root.path / "clouds.yaml"),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v3"

    def identity(self) -> Identity:
        return Identity(self.url, "admin", self.root.password, REGION)

    @property
    def _etc(self) -> Path:
        return self.root.etc / "keystone"

    @property
    def _data(self) -> Path:
        return self.root.data / "keystone"

    def _configure(self) -> None:
        for folder in (self._data, self._data / "fernet-keys", self._data / "credential-keys"):
            folder.mkdir(mode=0o700, exist_ok=True)
        text = CONFIGURATION.format(
            endpoint=self.url.removesuffix("/v3"),
            database=self.other("mariadb").url("keystone", "keystone"),
            data=self._data,
            memcached=self.other("memcached").address,
        )
        write(self._etc / "keystone.conf", text, mode=0o600)

    def _bootstrap(self) -> None:
        """Tables, keys, the first administrator; again when the version or the address is another."""
        mark = self._data / "bootstrapped"
        wanted = f"{self.venv.requirements[0]} {self.url}\n"
        if mark.exists() and mark.read_text() == wanted:
            return
        self._manage("db_sync")
        # keys that are there stay: keystone-manage leaves a filled repository alone
        me = f"--keystone-user={os.geteuid()}", f"--keystone-group={os.getegid()}"
        for step in ("fernet_setup", "credential_setup"):
            self._manage(step, *me)
        addresses = [f"--bootstrap-{interface}-url={self.url}" for interface in ("public", "internal", "admin")]
        self._manage(
            "bootstrap",
            f"--bootstrap-region-id={REGION}",
            *addresses,
            OS_BOOTSTRAP_PASSWORD=self.root.password,
        )
        write(mark, wanted)

    def _manage(self, *arguments: str, **env: str) -> None:
        program = self.venv.path / "bin" / "keystone-manage"
        argv = [program, "--config-file", self._etc / "keystone.conf", *arguments]
        self.processes.run("keystone", argv, seconds=180, env=env, watch=["mariadb"])

    def _fill(self) -> None:
        keystone = self.identity()
        roles = keystone.ensure_roles(ROLES)
        projects = keystone.ensure_projects(PROJECTS)
        users = keystone.ensure_users(USERS, self.root.password)
        for user, project, names in GRANTS:
            for name in names:
                keystone.grant(users[user], projects[project], roles[name])
        volume = self.root.setting("volume-endpoint", VOLUME_ENDPOINT).rstrip("/")
        keystone.ensure_endpoints("blockctl", "block-storage", f"{volume}/v3")
        keystone.ensure_endpoints("blockctlv3", "volumev3", f"{volume}/v3/%(project_id)s")

    def _write_credentials(self) -> None:
        values = {"root": self.root.path, "url": self.url, "region": REGION, "password": self.root.password}
        write(self.root.path / "openrc", OPENRC.format(**values), mode=0o600)
        clouds = "".join(CLOUD.format(user=user, **values) for user in ("admin", "demo", "alt_demo"))
        write(self.root.path / "clouds.yaml", f"clouds:\n{clouds}", mode=0o600)

# SPDX-License-Identifier: Apache-2.0
"""Projects, users, roles and the catalog in a Keystone, over its API v3; changes only what differs."""

from __future__ import annotations

from typing import Any

import plain_http

DOMAIN = "default"
INTERFACES = ("public", "internal", "admin")


class Identity:
    """An administrator's view of one Keystone."""

    def __init__(self, url: str, user: str, password: str, region: str) -> None:
        self._url = url
        self._region = region
        self._headers: dict[str, str] = {}
        method = {
            "methods": ["password"],
            "password": {"user": {"name": user, "domain": {"id": DOMAIN}, "password": password}},
        }
        scope = {"project": {"name": user, "domain": {"id": DOMAIN}}}
        _, headers = plain_http.call("POST", f"{url}/auth/tokens", {"auth": {"identity": method, "scope": scope}})
        self._headers["X-Auth-Token"] = headers["X-Subject-Token"]

    def ensure_roles(self, names: tuple[str, ...]) -> dict[str, str]:
        """The id of each role."""
        return self._ensure("roles", names, lambda name: {"name": name})

    def ensure_projects(self, names: tuple[str, ...]) -> dict[str, str]:
        return self._ensure("projects", names, lambda name: {"name": name, "domain_id": DOMAIN})

    def ensure_users(self, names: tuple[str, ...], password: str) -> dict[str, str]:
        return self._ensure("users", names, lambda name: {"name": name, "domain_id": DOMAIN, "password": password})

    def grant(self, user: str, project: str, role: str) -> None:
        """Gives the user (all three are ids) the role in the project."""
        plain_http.call("PUT", f"{self._url}/projects/{project}/users/{user}/roles/{role}", headers=self._headers)

    def ensure_endpoints(self, name: str, kind: str, url: str) -> None:
        """A service of this type whose three endpoints are at url."""
        found = [s for s in self._list("services") if s["type"] == kind]
        service = found[0] if found else self._create("services", {"name": name, "type": kind})
        endpoints = {e["interface"]: e for e in self._list(f"endpoints?service_id={service['id']}")}
        for interface in INTERFACES:
            endpoint = endpoints.get(interface)
            if endpoint is None:
                row = {
                    "service_id": service["id"],
                    "interface": interface,
                    "url": url,
                    "region_id": self._region,
                }
                self._create("endpoints", row)
            elif endpoint["url"] != url:
                self._call("PATCH", f"endpoints/{endpoint['id']}", {"endpoint": {"url": url}})

    def _ensure(self, kind: str, names: tuple[str, ...], row) -> dict[str, str]:
        query = kind if kind == "roles" else f"{kind}?domain_id={DOMAIN}"
        ids = {entry["name"]: entry["id"] for entry in self._list(query)}
        for name in names:
            if name not in ids:
                ids[name] = self._create(kind, row(name))["id"]
        return ids

    def _list(self, query: str) -> list[dict[str, Any]]:
        return self._call("GET", query)[query.partition("?")[0]]

    def _create(self, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        singular = kind[:-1]
        return self._call("POST", kind, {singular: row})[singular]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        return plain_http.call(method, f"{self._url}/{path}", body, self._headers)[0]

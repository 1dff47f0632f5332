# SPDX-License-Identifier: Apache-2.0
"""A token and the endpoint from Keystone (Identity API v3), by password."""

import dataclasses
import http.client
import json

from benchmarks import http_api

SERVICE_TYPES = ("block-storage", "volumev3")


class NotAuthenticated(Exception):
    """Keystone gave no token, or the token leads to no endpoint."""


@dataclasses.dataclass(frozen=True)
class Login:
    auth_url: str
    username: str
    password: str
    project: str
    user_domain: str = "default"
    project_domain: str = "default"
    region: str | None = None


@dataclasses.dataclass(frozen=True)
class Token:
    id: str
    project_id: str
    endpoint: str | None


def authenticate(login):
    """A Token scoped to the project of ``login``; NotAuthenticated says what Keystone answered."""
    scheme, host, port, path = http_api.split_endpoint(login.auth_url)
    if not path.endswith("/v3"):
        path += "/v3"
    body = {"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": login.username, "password": login.password, "domain": {"id": login.user_domain}}}},
        "scope": {"project": {"name": login.project, "domain": {"id": login.project_domain}}}}}
    connection = http_api.connect(scheme, host, port)
    try:
        connection.request("POST", f"{path}/auth/tokens", json.dumps(body).encode(),
                           {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotAuthenticated(f"Keystone does not answer: {error}") from error
    finally:
        connection.close()
    if response.status != 201:
        text = content[:300].decode(errors="replace")
        raise NotAuthenticated(f"Keystone answered {response.status}: {text}")
    token = json.loads(content)["token"]
    return Token(response.headers["X-Subject-Token"], token["project"]["id"],
                 find_endpoint(token.get("catalog", ()), login.region))


def find_endpoint(catalog, region=None):
    """The public block storage URL of a catalog, or None."""
    for kind in SERVICE_TYPES:
        for service in catalog:
            if service["type"] != kind:
                continue
            for endpoint in service["endpoints"]:
                if endpoint["interface"] == "public" and region in (None, endpoint.get("region_id")):
                    return endpoint["url"]
    return None


def with_project(url, project_id):
    """``url`` with the project's id as its last part, added when it is not there."""
    url = url.rstrip("/")
    return url if url.rsplit("/", 1)[-1] == project_id else f"{url}/{project_id}"

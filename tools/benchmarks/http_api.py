# SPDX-License-Identifier: Apache-2.0
"""A client of the Block Storage API that costs little: http.client, one kept connection per thread."""

import dataclasses
import http.client
import json
import select
import threading
import time
import urllib.parse

REQUEST_TIMEOUT = 60.0


class RequestFailed(Exception):
    """No answer, or not the one that the load needs; the text says which request and why."""


@dataclasses.dataclass(frozen=True)
class Reply:
    """``seconds`` from before the first byte sent to after the last read; ``body``: parsed JSON or None."""

    status: int
    body: dict | None
    seconds: float


def split_endpoint(url):
    """(scheme, host, port, path) of an http or https URL; ValueError for anything else."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"not an http(s) URL: {url!r}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname, port, parts.path.rstrip("/")


def checked_url(url):
    """``url`` as it is; ValueError unless ``split_endpoint`` takes it."""
    split_endpoint(url)
    return url


def connect(scheme, host, port, timeout=REQUEST_TIMEOUT):
    """An unopened connection."""
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    return kind(host, port, timeout=timeout)


class Client:
    """Requests below one endpoint URL, with one connection for each thread that uses it."""

    def __init__(self, endpoint, headers=(), timeout=REQUEST_TIMEOUT):
        self.endpoint = endpoint.rstrip("/")
        self._scheme, self._host, self._port, self._path = split_endpoint(endpoint)
        self._headers = {"Accept": "application/json", **dict(headers)}
        self._timeout = timeout
        self._local = threading.local()
        self._opened = []

    def request(self, method, path, body=None):
        """The Reply to one request, whatever its status; RequestFailed when there is none."""
        headers, data = self._headers, None
        if body is not None:
            data = json.dumps(body).encode()
            headers = {**headers, "Content-Type": "application/json"}
        began = time.perf_counter()
        try:
            status, content = self._exchange(method, path, data, headers)
        except (OSError, http.client.HTTPException) as error:
            raise RequestFailed(f"{method} {path}: {type(error).__name__}: {error}") from error
        return Reply(status, _parse(content), time.perf_counter() - began)

    def need(self, method, path, body=None, status=(200, 202, 204)):
        """As ``request``, and RequestFailed unless the status is one of ``status``."""
        reply = self.request(method, path, body)
        if reply.status not in status:
            raise RequestFailed(f"{method} {path}: {reply.status} {fault_text(reply.body)}")
        return reply

    def close(self):
        """Close the connections of all threads; none of them may be in a request."""
        while self._opened:
            self._opened.pop().close()

    def items(self, path, key, limit=1000):
        """Every item of a list, page by page, by marker."""
        marker, joint = "", "&" if "?" in path else "?"
        while True:
            page = self.need("GET", f"{path}{joint}limit={limit}{marker}").body[key]
            yield from page
            if len(page) < limit:
                return
            marker = f"&marker={page[-1]['id']}"

    def _exchange(self, method, path, data, headers):
        connection = self._connection()
        kept = connection.sock is not None
        try:
            connection.request(method, f"{self._path}/{path}", data, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            # The server gave the connection up while the request was on its way. A POST is not sent again.
            if kept and method != "POST" and isinstance(error, ConnectionError):
                return self._exchange(method, path, data, headers)
            raise

    def _connection(self):
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._scheme, self._host, self._port, self._timeout)
            self._opened.append(connection)
        # A kept connection that turned readable was closed by the server: found out before a POST, which must
        # not be sent twice.
        if connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
            connection.close()
        return connection


def _parse(content):
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None


def fault_text(body):
    """The message of a fault body, as the API wraps it in one key of any name."""
    if isinstance(body, dict):
        for fault in body.values():
            if isinstance(fault, dict) and "message" in fault:
                return str(fault["message"])
    return "" if body is None else str(body)[:200]

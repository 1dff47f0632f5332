# SPDX-License-Identifier: Apache-2.0
"""HTTP to servers on this machine: past any proxy, JSON in and out."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from errors import ServiceError


def answers(url: str) -> bool:
    """True when the URL is answered, by whatever status below 500."""
    try:
        return _open(urllib.request.Request(url), 5)[0] < 500
    except OSError:
        return False


def call(
    method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[Any, Mapping[str, str]]:
    """The decoded answer and its headers; ServiceError for a status of 400 or more."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data=data, method=method, headers={"Content-Type": "application/json", **(headers or {})}
    )
    try:
        status, answered, text = _open(request, 60)
    except OSError as error:
        raise ServiceError(f"{method} {url}: {error}") from error
    if status >= 400:
        raise ServiceError(f"{method} {url}: {status} {text[:300].decode(errors='replace')}")
    return (json.loads(text) if text.strip() else None), answered


def _open(request: urllib.request.Request, seconds: float) -> tuple[int, Mapping[str, str], bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=seconds) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()

# SPDX-License-Identifier: Apache-2.0
"""Time from exec to healthy: commands are started together, and stopped again."""

import datetime
import http.client
import os
import shlex
import signal
import subprocess
import tempfile
import time
import urllib.parse

from benchmarks import http_api

POLL = 0.005
SERVICES_POLL = 0.05
STOP_SECONDS = 40.0
SCHEME = "services:"


class NotHealthy(Exception):
    """A command did not become healthy in time, ended early, or another server answers in its place."""


def parse_command(text):
    """(name, argument list) of ``NAME=COMMAND``, split as a shell would; no shell runs it."""
    name, equals, command = text.partition("=")
    words = shlex.split(command)
    if not (name and equals and words):
        raise ValueError(f"{text!r} is not NAME=COMMAND")
    return name, words


def parse_services(text):
    """binary to wanted number, of ``services:BINARY[:COUNT][,...]``."""
    wanted = {}
    for word in text.removeprefix(SCHEME).split(","):
        binary, _, count = word.partition(":")
        if not binary or (count and not count.isdecimal()):
            raise ValueError(f"{text!r} is not {SCHEME}BINARY[:COUNT][,...]")
        wanted[binary] = int(count or 1)
    return wanted


def checked_entry(text):
    """``text`` as it is; ValueError unless it is a URL or a list of services."""
    if text.startswith(SCHEME):
        parse_services(text)
    else:
        http_api.split_endpoint(text)
    return text


def services_up(services, wanted, since):
    """Whether the ``wanted`` numbers are up, each by a beat not older than ``since`` (naive UTC)."""
    have = {}
    for service in services:
        beat = service.get("updated_at")
        if service["state"] == "up" and beat and datetime.datetime.fromisoformat(beat) >= since:
            have[service["binary"]] = have.get(service["binary"], 0) + 1
    return all(have.get(binary, 0) >= count for binary, count in wanted.items())


def url_healthy(url):
    """Whether a GET of ``url`` is answered with 200 at once."""
    scheme, host, port, path = http_api.split_endpoint(url)
    connection = http_api.connect(scheme, host, port, timeout=2)
    try:
        connection.request("GET", path or "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Starter:
    """Starts the same commands again and again. ``healthy``: URLs and ``services:`` lists; all must hold."""

    def __init__(self, commands, healthy, client=None, timeout=60.0, check=lambda: None,
                 settle=1.1):
        self._commands = commands
        self._healthy = healthy
        self._client = client
        self._timeout = timeout
        self._check = check
        self._settle = settle
        if client is None and any(entry.startswith(SCHEME) for entry in healthy):
            raise NotHealthy(f"{SCHEME} needs an endpoint and a user to ask it as")

    def measure(self):
        """Seconds from just before the first exec until each entry of ``healthy`` held, in their order."""
        for entry in self._healthy:
            if not entry.startswith(SCHEME) and url_healthy(entry):
                raise NotHealthy(f"{entry} answers before anything was started")
        # A beat is stored in whole seconds by some: let the second of the last run's last beat pass.
        time.sleep(self._settle)
        with tempfile.TemporaryFile() as output:
            since = datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
            began = time.perf_counter()
            processes = []
            try:
                for _, words in self._commands:
                    processes.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output,
                                                      stderr=output, start_new_session=True))
                return [self._wait(entry, began, since, processes, output) for entry in self._healthy]
            finally:
                for process in processes:
                    stop(process)

    def _wait(self, entry, began, since, processes, output):
        while True:
            self._check()
            if self._holds(entry, since):
                return time.perf_counter() - began
            ended = [name for (name, _), process in zip(self._commands, processes, strict=True)
                     if process.poll() is not None]
            late = time.perf_counter() - began > self._timeout
            if ended or late:
                why = f"{', '.join(ended)} ended" if ended else f"{self._timeout:g} s passed"
                raise NotHealthy(f"{why} before {entry} was healthy: {_tail(output)}")
            time.sleep(SERVICES_POLL if entry.startswith(SCHEME) else POLL)

    def _holds(self, entry, since):
        if not entry.startswith(SCHEME):
            return url_healthy(entry)
        try:
            reply = self._client.request("GET", "os-services")
        except http_api.RequestFailed:
            return False
        return reply.status == 200 and services_up(reply.body["services"], parse_services(entry), since)


def _tail(output, size=2000):
    output.seek(0, os.SEEK_END)
    output.seek(max(0, output.tell() - size))
    return output.read().decode(errors="replace")


def stop(process):
    """TERM, and KILL for it and its session when it has not ended in time."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def title(entry):
    """How an entry of ``healthy`` is called in the table."""
    if entry.startswith(SCHEME):
        return "all services up"
    return f"{urllib.parse.urlsplit(entry).path or '/'} answers 200"

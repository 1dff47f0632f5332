# SPDX-License-Identifier: Apache-2.0
"""One endpoint with its users: sends the steps of a script, and keeps what was answered."""

import dataclasses
import http.client
import json
import time
import urllib.parse

from benchmarks import http_api
from benchmarks import keystone
from comparing import scripts

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds between two looks
REQUEST_TIMEOUT = 120.0


class NoAnswer(Exception):
    """A side that cannot be reached or logged in to, or that ended a connection without a word."""


@dataclasses.dataclass(frozen=True)
class Account:
    """Who asks: a token, and the id of the project it is for."""

    token: str
    project: str


@dataclasses.dataclass(frozen=True)
class Answer:
    """``body``: parsed JSON, or the text where it is none, or None; ``skipped``: why nothing was asked."""

    step: scripts.Step
    request: str = ""
    status: int | None = None
    headers: dict = dataclasses.field(default_factory=dict)
    body: object = None
    skipped: str = ""
    after: "Answer | None" = None  # the last look of the step's wait
    late: bool = False             # that look was not what the wait was for

    @property
    def refused(self):
        """Whether what was asked was not done, though the thing was there."""
        return self.status is not None and self.status >= 400 and self.status != http.client.NOT_FOUND


class Side:
    """``url``: up to and with /v3. ``accounts``: {user of the scripts: Account}."""

    def __init__(self, name, url, accounts):
        self.name = name
        self.url = url.rstrip("/")
        self.accounts = accounts
        self._scheme, self._host, self._port, self._path = http_api.split_endpoint(self.url)

    @property
    def root(self):
        return self.url[:len(self.url) - len(self._path)]

    def run(self, script, run):
        """Send every step of a script; returns (answers, names saved). Clean-up steps go last, whatever happened."""
        saved = {"run": run, "missing": scripts.MISSING}
        answers = []
        try:
            answers.extend(self.take(step, saved) for step in script.steps if not step.cleanup)
        finally:
            answers.extend(self.take(step, saved) for step in script.steps if step.cleanup)
        return answers, saved

    def take(self, step, saved):
        """The Answer to one step. ``saved``: {name: value} that it may use, and that it adds to."""
        account = self.accounts.get(step.user)
        if account is None:
            return Answer(step, skipped=f"no account for {step.user}")
        known = {**saved, "project": account.project}
        try:
            path, body, headers = scripts.fill([step.path, step.body, step.headers], known)
        except KeyError as error:
            return Answer(step, skipped=f"{error.args[0]} was not answered")
        answer = self._ask(step, account, step.method, path, body, headers)
        saved.update(_save(step, answer))
        if step.wait and answer.status < 400:
            after, reached = self.wait(step, step.wait, saved)
            return dataclasses.replace(answer, after=after, late=not reached)
        return answer

    def wait(self, step, wait, saved):
        """Poll for ``wait`` as the user of ``step``; returns (last Answer, whether it was what was waited for)."""
        account = self.accounts[step.user]
        try:
            path, values = scripts.fill([wait.path, list(wait.values)], {**saved, "project": account.project})
        except KeyError as error:
            return Answer(step, skipped=f"{error.args[0]} was not answered"), False
        end = time.monotonic() + wait.timeout
        pause = FIRST_PAUSE
        while True:
            seen = self._ask(step, account, "GET", path, None, {})
            reached = _is_reached(wait, values, seen)
            if reached or time.monotonic() >= end or _is_final(wait, seen):
                return seen, reached
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)

    def _ask(self, step, account, method, path, body, headers):
        url = self._target(account, path)
        sent = {"Accept": "application/json", "X-Auth-Token": account.token}
        if step.version is not None:
            sent["OpenStack-API-Version"] = f"volume {step.version}"
        data = None
        if body is not None:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        connection = http_api.connect(self._scheme, self._host, self._port, REQUEST_TIMEOUT)
        try:
            connection.request(method, url, data, {**sent, **headers})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{self.name}: {method} {url}: {type(error).__name__}: {error}") from error
        finally:
            connection.close()
        kept = {name.lower(): value for name, value in response.getheaders()}
        return Answer(step, f"{method} {url}", response.status, kept, _parsed(content))

    def _target(self, account, path):
        """The request's target, quoted where a path in a script is not."""
        whole = path[1:] if path.startswith("//") else f"{self._path}/{account.project}{path}"
        return urllib.parse.quote(whole, safe="/?&=%:+,;@~!$'()*-._[]")


def _is_reached(wait, values, answer):
    if wait.gone:
        return answer.status == http.client.NOT_FOUND
    try:
        return scripts.look_up(answer.body, wait.field) in values
    except LookupError:
        return False


def _is_final(wait, answer):
    """Whether it is in error and so will never be what is waited for."""
    try:
        return not wait.gone and scripts.look_up(answer.body, wait.field) == "error"
    except LookupError:
        return False


def _save(step, answer):
    found = {}
    for name, path in step.save.items():
        try:
            found[name] = scripts.look_up(answer.body, path)
        except LookupError:
            continue  # the steps that need it say so
    return found


def _parsed(content):
    if not content:
        return None
    text = content.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def without_keystone(name, url, project):
    """A Side whose only user is an administrator; what OpenStack clients send then is the token 'notused'."""
    return Side(name, url, {"admin": Account("notused", project)})


def with_keystone(name, url, logins):
    """A Side with an account for each of ``logins`` ({user: keystone.Login}). ``url`` None: as the catalog says."""
    accounts = {}
    for user, login in logins.items():
        try:
            token = keystone.authenticate(login)
        except keystone.NotAuthenticated as error:
            raise NoAnswer(f"{name}, {user}: {error}") from error
        accounts[user] = Account(token.id, token.project_id)
        # What the catalog names may end with the project's id, which differs from user to user.
        url = url or (token.endpoint or "").rstrip("/").removesuffix(f"/{token.project_id}")
    if not url:
        raise NoAnswer(f"{name}: no block storage service in the catalog")
    return Side(name, url, accounts)

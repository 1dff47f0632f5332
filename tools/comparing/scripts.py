# SPDX-License-Identifier: Apache-2.0
"""Request files: YAML, checked when it is read, so that a run never ends in the middle for a slip of the writer.

::

    about: what these requests are to find out
    version: "3.71"                 # of steps that name none; null sends no header
    allow:                          # where the two may differ, for the whole file or in one step, and why
      - body.volume.links: the endpoints have other addresses
    steps:
      - name: create a volume       # unique in the file
        POST: /volumes              # below the project's URL; what begins with // is below the endpoint's root
        body: {volume: {size: 1}}   # JSON; text goes as it is
        user: admin                 # or member, reader: accounts that the caller names
        version: "3.0"
        headers: {If-Match: x}
        save: {volume: volume.id}   # from the answer; used as ${volume} in every later step
        wait: {path: "/volumes/${volume}", field: volume.status, values: [available, error], timeout: 60}
        compare: types              # all (the default), types (fields and their types), status, nothing
        allow: [...]
      - name: it goes again
        DELETE: /volumes/${volume}
        wait: {path: "/volumes/${volume}", gone: true}
        cleanup: true               # runs last, whatever happened before; not compared

Every step knows ``${project}`` (the id of its user's project), ``${run}`` (differs from run to run, for names) and
``${missing}`` (an id that nothing has).  A step that needs what was never answered is left out, and the answers after
it are compared nevertheless.
"""

import dataclasses
import fnmatch
import pathlib
import re
import string
import uuid

import yaml

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH")
USERS = ("admin", "member", "reader")
COMPARE = ("all", "types", "status", "nothing")
MISSING = str(uuid.UUID(int=0x1234_5678_0000_4000_8000_0000_0000_0000))
DEFAULT_VERSION = "3.71"
WAIT_SECONDS = 60.0

_FILE_KEYS = {"about", "version", "allow", "steps"}
_STEP_KEYS = {"name", "body", "user", "version", "headers", "save", "wait", "compare", "allow", "cleanup", *METHODS}
_WAIT_KEYS = {"path", "field", "values", "gone", "timeout"}
_ALWAYS_KNOWN = {"project", "run", "missing"}


class ScriptError(Exception):
    """A request file that cannot be run; the text names the file and the place in it."""


@dataclasses.dataclass(frozen=True)
class Wait:
    """Poll ``path`` until ``field`` has one of ``values``, or until it answers 404 (``gone``)."""

    path: str
    field: str | None
    values: tuple
    gone: bool
    timeout: float


@dataclasses.dataclass(frozen=True)
class Allowed:
    """A place where the sides may differ; ``step`` None: in any step."""

    step: str | None
    pattern: str
    reason: str

    def covers(self, step, path):
        """Whether a difference at ``path`` is meant: the pattern fits it, or something it is part of."""
        if self.step not in (None, step):
            return False
        return any(fnmatch.fnmatchcase(part, self.pattern) for part in _prefixes(path))


@dataclasses.dataclass(frozen=True)
class Step:
    name: str
    method: str
    path: str
    body: object
    user: str
    version: str | None
    headers: dict
    save: dict
    wait: Wait | None
    compare: str
    cleanup: bool


@dataclasses.dataclass(frozen=True)
class Script:
    name: str
    about: str
    steps: tuple
    allowed: tuple


def _prefixes(path):
    """``a.b[2].c``: a, a.b, a.b[2], a.b[2].c."""
    return [path[:match.start()] for match in re.finditer(r"[.\[]", path)] + [path]


def load(path):
    """The Script in a file; ScriptError when it is none."""
    path = pathlib.Path(path)
    try:
        return parse(path.stem, yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScriptError(f"{path}: {error}") from error
    except ScriptError as error:
        raise ScriptError(f"{path}: {error}") from error


def parse(name, document):
    """The Script of a parsed document."""
    document = _mapping(document, "the file", _FILE_KEYS)
    version = document.get("version", DEFAULT_VERSION)
    rows = document.get("steps")
    _need(isinstance(rows, list) and rows, "steps: a list of steps is needed")
    steps, allowed = [], list(_allowed(document.get("allow"), None))
    for number, row in enumerate(rows, 1):
        step = parse_step(row, f"step {number}", version)
        steps.append(step)
        allowed += _allowed(row.get("allow"), step.name)
    _check_names(steps)
    return Script(name, str(document.get("about", "")), tuple(steps), tuple(allowed))


def parse_step(row, where, version=DEFAULT_VERSION):
    """One Step; ``where`` names its place until its own name does."""
    row = _mapping(row, where, _STEP_KEYS)
    methods = [method for method in METHODS if method in row]
    _need(isinstance(row.get("name"), str), f"{where}: name: it is missing")
    where = repr(row["name"])
    _need(len(methods) == 1, f"{where}: exactly one of {', '.join(METHODS)} is needed")
    path = row[methods[0]]
    _need(isinstance(path, str) and path.startswith("/"), f"{where}: {methods[0]}: a path begins with /")
    version = row.get("version", version)
    _need(version is None or isinstance(version, str), f'{where}: version: a text in quotes, like "3.71"')
    return Step(
        row["name"], methods[0], path, row.get("body"), _one_of(row, "user", USERS, where), version,
        _texts(row.get("headers"), f"{where}: headers"), _texts(row.get("save"), f"{where}: save"),
        parse_wait(row.get("wait"), where), _one_of(row, "compare", COMPARE, where), bool(row.get("cleanup")))


def parse_wait(row, where):
    """A Wait, or None of None."""
    if row is None:
        return None
    row = _mapping(row, f"{where}: wait", _WAIT_KEYS)
    values = row.get("values", [])
    _need(isinstance(row.get("path"), str), f"{where}: wait: path: it is missing")
    _need(isinstance(values, list), f"{where}: wait: values: a list")
    _need(bool(row.get("gone")) != bool(row.get("field") and values),
          f"{where}: wait: either gone, or field and values")
    return Wait(row["path"], row.get("field"), tuple(values), bool(row.get("gone")),
                float(row.get("timeout", WAIT_SECONDS)))


def _allowed(rows, step):
    where = "allow" if step is None else f"{step!r}: allow"
    _need(isinstance(rows, list | None), f"{where}: a list of PATH: REASON")
    for row in rows or ():
        _need(isinstance(row, dict) and row and all(isinstance(reason, str) for reason in row.values()),
              f"{where}: each entry is PATH: REASON")
        for pattern, reason in row.items():
            yield Allowed(step, str(pattern).replace("[", "[[]"), reason)


def _check_names(steps):
    """Names are unique, and no step uses what no earlier one saves."""
    seen, known = set(), set(_ALWAYS_KNOWN)
    for step in steps:
        _need(step.name not in seen, f"{step.name!r}: another step has this name")
        seen.add(step.name)
        unknown = names_in([step.path, step.body, step.headers]) - known
        known |= set(step.save)
        unknown |= names_in(step.wait and (step.wait.path, step.wait.values)) - known
        _need(not unknown, f"{step.name!r}: nothing saves {', '.join(sorted(unknown))} before it")


def names_in(value):
    """The names that a value of any shape refers to as ``${name}``."""
    if isinstance(value, str):
        return set(string.Template(value).get_identifiers())
    if isinstance(value, dict):
        return names_in([*value.keys(), *value.values()])
    if isinstance(value, list | tuple):
        return set().union(*map(names_in, value))
    return set()


def fill(value, known):
    """``value`` with every ``${name}`` replaced; KeyError for one that is not in ``known``.

    A text that is one reference and nothing else becomes the value itself, of whatever type.
    """
    if isinstance(value, str):
        whole = re.fullmatch(r"\$\{(\w+)\}", value)
        return known[whole[1]] if whole else string.Template(value).substitute(known)
    if isinstance(value, dict):
        return {fill(key, known): fill(inner, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, known) for inner in value]
    return value


def fill_text(text, known):
    """As ``fill``, for a text that stays one."""
    return string.Template(text).substitute(known)


def look_up(value, path):
    """What is at ``volumes.0.id``; LookupError when nothing is."""
    for part in path.split("."):
        if isinstance(value, list) and part.isdecimal():
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value[part]
        else:
            raise LookupError(path)
    return value


def _need(condition, text):
    if not condition:
        raise ScriptError(text)


def _mapping(value, where, keys):
    _need(isinstance(value, dict), f"{where}: a mapping is needed")
    unknown = sorted(map(str, set(value) - keys))
    _need(not unknown, f"{where}: unknown: {', '.join(unknown)}")
    return value


def _one_of(row, key, choices, where):
    value = row.get(key, choices[0])
    _need(value in choices, f"{where}: {key}: one of {', '.join(choices)}")
    return value


def _texts(value, where):
    _need(isinstance(value, dict | None), f"{where}: a mapping is needed")
    _need(all(isinstance(one, str) for pair in (value or {}).items() for one in pair), f"{where}: texts are needed")
    return value or {}

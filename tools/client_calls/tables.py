# SPDX-License-Identifier: Apache-2.0
"""The tables of client calls, tests/conformance/clients/*.yaml, checked when they are read.

``things.yaml`` says how what a call needs is made: steps as in the request files of tools/compare (see
comparing/scripts.py), each with ``after`` (things that must be there first) and ``undo`` (a step).  The other files
are one client each::

    volume show:                      # the command, or the SDK's method
      uses: [volume]                  # things that all calls of the client share
      makes: [snapshot]               # things made for this call alone
      good: ${volume}                 # its arguments on the happy path
      says: ${volume}                 # what its output must hold
      then: {path: ..., field: ..., values: [...]}   # what the service must show afterwards
      bad: nothing                    # its arguments on the other path
      refused: No volume found        # what the refusal must say
      only_refused: not a replication # for calls that cannot succeed here: what good is refused with
      needs: images                   # a part that is not there yet: not run, and the table says so

``bad: null`` is for calls that take no argument that could be bad.  ``${name}`` is another in every call.
"""

import dataclasses
import pathlib

import yaml

from comparing import scripts

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "conformance" / "clients"
#: What is tried, in the order of the page.
CLIENTS = ("openstack", "cinder", "sdk")

_ROW_KEYS = {"uses", "makes", "good", "says", "then", "bad", "refused", "only_refused", "needs"}
_THING_KEYS = {"after", "undo"}


class TableError(Exception):
    """A table that cannot be run; the text says where."""


@dataclasses.dataclass(frozen=True)
class Thing:
    """``undo``: a Step, or None when it goes with something else."""

    name: str
    make: scripts.Step
    after: tuple
    undo: scripts.Step | None


@dataclasses.dataclass(frozen=True)
class Row:
    command: str
    uses: tuple
    makes: tuple
    good: str
    says: str
    then: scripts.Wait | None
    bad: str | None
    refused: str
    only_refused: str
    needs: str


def load_things(folder=FOLDER):
    """{name: Thing}."""
    rows = _read(folder / "things.yaml")
    things = {}
    for name, row in rows.items():
        after = tuple(row.get("after", ()))
        unknown = set(after) - set(things)
        if unknown:
            raise TableError(f"things, {name}: after: not above it: {', '.join(sorted(unknown))}")
        things[name] = Thing(name, _step(name, {key: row[key] for key in row.keys() - _THING_KEYS}), after,
                             _step(f"{name} goes", row["undo"]) if "undo" in row else None)
    return things


def load(client, folder=FOLDER):
    """The Rows of one client."""
    things = load_things(folder)
    rows = [_row(client, command, row or {}) for command, row in _read(folder / f"{client}.yaml").items()]
    for row in rows:
        unknown = {*row.uses, *row.makes} - set(things)
        if unknown:
            raise TableError(f"{client}, {row.command}: no such things: {', '.join(sorted(unknown))}")
    return rows


def forgotten(rows, surface):
    """(what a client has and the table does not, what the table has and the client does not)."""
    known = {row.command for row in rows}
    return sorted(set(surface) - known), sorted(known - set(surface))


def _read(path):
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(rows, dict):
        raise TableError(f"{path}: it must be a mapping")
    return rows


def _step(name, row):
    try:
        return scripts.parse_step({"name": name, **row}, name)
    except scripts.ScriptError as error:
        raise TableError(f"things, {name}: {error}") from error


def _row(client, command, row):
    where = f"{client}, {command}"
    unknown = set(row) - _ROW_KEYS
    if unknown:
        raise TableError(f"{where}: unknown: {', '.join(sorted(unknown))}")
    if "bad" not in row:
        raise TableError(f"{where}: bad: it is missing (null where no argument could be bad)")
    bad = row["bad"]
    if bad is not None and not row.get("refused"):
        raise TableError(f"{where}: refused: it is missing")
    try:
        then = scripts.parse_wait(row.get("then"), where)
    except scripts.ScriptError as error:
        raise TableError(str(error)) from error
    texts = {key: str(row.get(key) or "") for key in ("good", "says", "refused", "only_refused", "needs")}
    return Row(command, tuple(row.get("uses", ())), tuple(row.get("makes", ())), then=then,
               bad=None if bad is None else str(bad), **texts)

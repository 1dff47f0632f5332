# SPDX-License-Identifier: Apache-2.0
"""Runs the table of one client: ``worker.py CLIENT OPTIONS-AS-JSON``, in the clients' environment.

Prints a line of JSON for each row; the cloud is in the OS_ variables, and in the options: ``auth_url``, ``username``,
``password``, ``project``.  Others: ``only`` (pattern of commands), ``all`` (also rows that need something), ``tidy``
(undo what was made).
"""

import contextlib
import fnmatch
import json
import pathlib
import sys
import uuid
from http import HTTPStatus

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from benchmarks import keystone
from client_calls import callers
from client_calls import surface
from client_calls import tables
from comparing import scripts
from comparing import sides

#: What no answer may hold, however the call was meant: the service broke.
BROKEN = ("HTTP 500", "HTTP 503", "500: Server Error", "503: Server Error", "server has either erred")
MOST_OUTPUT = 1500
ACTOR = scripts.parse_step({"name": "look", "GET": "/"}, "look")


def _removal(path):
    """Steps that remove ``${id}``, in whatever state it is."""
    rows = {
        "/groups": [{"POST": "/groups/${id}/action", "body": {"delete": {"delete-volumes": True}}}],
        "/volumes": [{"POST": "/volumes/${id}/action",
                      "body": {"os-reset_status": {"status": "available", "attach_status": "detached"}}},
                     {"DELETE": "/volumes/${id}?cascade=true"}],
    }.get(path, [{"DELETE": f"{path}/${{id}}"}])
    return [scripts.parse_step({"name": f"remove from {path}", **row}, path) for row in rows]


#: What calls make under the name of their row: (list, key in its answer, what removes one), in this order.
SWEPT = (
    ("/group_snapshots/detail", "group_snapshots", _removal("/group_snapshots")),
    ("/groups/detail", "groups", _removal("/groups")),
    ("/volumes/detail", "volumes", _removal("/volumes")),
    ("/group_types?is_public=None", "group_types", _removal("/group_types")),
    ("/types?is_public=None", "volume_types", _removal("/types")),
)


class NotMade(Exception):
    """A thing that a row needs could not be made."""


class Worker:
    """One client's rows against one cloud."""

    def __init__(self, client, side, things):
        self._call = callers.CALLERS[client]()
        self._client = client
        self._side = side
        self._things = things
        self._shared = {"missing": scripts.MISSING, "project": side.accounts["admin"].project,
                        "run": uuid.uuid4().hex[:8]}
        self._made = []     # (thing, what it saved), in order
        self._is_shared = set()
        self._cannot = {}   # shared things that could not be made: {name: NotMade}
        self._shared["name"] = f"{client}-{self._shared['run']}"

    def run(self, number, row):
        """What became of a row: {command, needs, good, bad}, the last two None or what was wrong."""
        known = dict(self._shared)
        try:
            self._share(row.uses)
            known = {**self._shared, "name": f"{self._shared['name']}-{number}"}
            self._make(row.makes, known)
        except NotMade as error:
            good = str(error)
        else:
            good = _unless_unknown(self._good, row, known)
        bad = None if row.bad is None else _unless_unknown(self._bad, row, known)
        return {"command": row.command, "needs": row.needs, "good": good, "bad": bad,
                "has_bad": row.bad is not None, "only_refused": bool(row.only_refused)}

    def _good(self, row, known):
        status, out, err = self._call(row.command, scripts.fill_text(row.good, known))
        if row.only_refused:
            return _complaint(status != 0, scripts.fill_text(row.only_refused, known), err + out, status)
        wrong = _complaint(status == 0, scripts.fill_text(row.says, known), out + err, status)
        if wrong is None and row.then:
            seen, reached = self._side.wait(ACTOR, row.then, known)
            if not reached:
                wrong = f"afterwards: {seen.status} {seen.skipped} {str(seen.body)[:MOST_OUTPUT]}"
        return wrong

    def _bad(self, row, known):
        status, out, err = self._call(row.command, scripts.fill_text(row.bad, known))
        return _complaint(status != 0, scripts.fill_text(row.refused, known), err + out, status)

    def _share(self, names):
        for name in names:
            if name in self._cannot:
                raise self._cannot[name]
            if name not in self._is_shared:
                try:
                    self._share(self._things[name].after)
                    self._take(self._things[name], self._shared)
                except NotMade as error:
                    self._cannot[name] = error
                    raise
                self._is_shared.add(name)

    def _make(self, names, known):
        for name in names:
            self._share([other for other in self._things[name].after if other not in names])
            for key, value in self._shared.items():
                known.setdefault(key, value)
            self._take(self._things[name], known)

    def _take(self, thing, known):
        answer = self._side.take(thing.make, known)
        if answer.status is None or answer.status >= 400 or answer.late:
            last = answer.after or answer
            raise NotMade(f"{thing.name}: {answer.skipped or last.status} {str(last.body)[:MOST_OUTPUT]}")
        self._made.append((thing, dict(known)))

    def tidy(self):
        """Undo everything, the last first, and remove what the calls made; what is refused stays as it is."""
        for thing, known in reversed(self._made):
            if thing.undo:
                self._side.take(thing.undo, known)
        for listing, key, removal in SWEPT:
            answer = self._side.take(scripts.parse_step({"name": key, "GET": listing}, key), {})
            rows = answer.body.get(key, ()) if answer.status == HTTPStatus.OK else ()
            for row in rows:
                for step in removal if str(row["name"]).startswith(self._shared["name"]) else ():
                    self._side.take(step, {"id": row["id"]})


def _unless_unknown(call, row, known):
    """What ``call`` complains of, or the name that it needs and nothing saved."""
    try:
        return call(row, known)
    except KeyError as error:
        return f"{error.args[0]} is not known"


def _complaint(as_expected, must_say, text, status):
    """What is wrong with an answer, or None."""
    short = " ".join(text.split())[-MOST_OUTPUT:]
    broken = [word for word in BROKEN if word in text]
    if broken:
        return f"it broke ({broken[0]}): {short}"
    if not as_expected:
        return f"exit status {status}: {short}"
    if must_say.lower() not in " ".join(text.split()).lower():
        return f"it does not say {must_say!r}: {short}"
    return None


def main(client, options):
    rows = tables.load(client)
    forgotten, unknown = tables.forgotten(rows, surface.SURFACES[client]())
    _tell({"forgotten": forgotten, "unknown": unknown})
    login = keystone.Login(options["auth_url"], options["username"], options["password"], options["project"])
    side = sides.with_keystone(client, None, {"admin": login})
    worker = Worker(client, side, tables.load_things())
    with contextlib.ExitStack() as ends:
        if options.get("tidy"):
            ends.callback(worker.tidy)
        for number, row in enumerate(rows):
            if not fnmatch.fnmatchcase(row.command, options.get("only") or "*"):
                continue
            if row.needs and not options.get("all"):
                _tell({"command": row.command, "needs": row.needs})
            else:
                _tell(worker.run(number, row))


def _tell(value):
    sys.__stdout__.write(json.dumps(value) + "\n")
    sys.__stdout__.flush()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))

# SPDX-License-Identifier: Apache-2.0
"""What became of the calls: for the terminal, and as the table of doc/source/user/clients.rst."""

import pathlib

PAGE = pathlib.Path(__file__).resolve().parents[2] / "doc" / "source" / "user" / "clients.rst"
MARK = ".. What follows is written by tools/clients --write-doc."
TITLES = {"openstack": "openstack", "cinder": "cinder", "sdk": "openstacksdk"}
WORKS, NOT_YET, FAILS = "works", "not yet", "fails"


def state(result):
    """WORKS, NOT_YET or FAILS."""
    if "good" not in result:
        return NOT_YET
    return FAILS if result["good"] or result["bad"] else WORKS


def words(result):
    """What the page says of one call."""
    kind = state(result)
    if kind == NOT_YET:
        return f"not yet: {result['needs']}"
    if kind == WORKS:
        return "is refused, as it should be" if result["only_refused"] else "works"
    return "fails"


def summary(client, results):
    """One line of numbers."""
    kinds = [state(result) for result in results]
    return f"{client}: " + ", ".join(f"{kinds.count(kind)} {kind}" for kind in (WORKS, FAILS, NOT_YET))


def failures(client, results):
    """Lines that say what is wrong with each call that fails."""
    for result in results:
        for path in ("good", "bad"):
            if result.get(path):
                yield f"{client} {result['command']} ({path} path): {result[path]}"


def written(text, outcome):
    """The page ``text`` with the tables of ``outcome`` ({client: results}) below its mark."""
    head, mark, _ = text.partition(MARK)
    if not mark:
        raise ValueError(f"{PAGE.name} has no line {MARK!r}")
    parts = [head + MARK]
    for client, results in outcome.items():
        title = TITLES[client]
        parts += [f"\n{title}\n{'-' * len(title)}\n", f"{summary(client, results).partition(': ')[2]}\n",
                  table([(f"``{result['command']}``", words(result)) for result in results])]
    return "\n".join(parts).rstrip() + "\n"


def table(rows):
    """A simple table of two columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    rule = " ".join("=" * width for width in widths)
    lines = [" ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([rule, *lines, rule])

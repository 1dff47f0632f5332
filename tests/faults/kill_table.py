# SPDX-License-Identifier: Apache-2.0
"""Writes what tests/faults saw as tables in reStructuredText."""

import collections
import pathlib

_HEAD = """\
.. Made by: pytest tests/faults --kill-table FILE

What became of volumes when a process died or paused at each point
==================================================================

*killed*: SIGKILL at the point; another process goes on.  *paused*: SIGSTOP at the point, until another process has
taken the work over and finished it; then SIGCONT, and the late process tries to go on as well.  Each time usage equals
the rows, claims equal the rows, and backend and rows agree.

"""


class Writer:
    """A pytest plugin. Gathers the property ``kill`` of reports, from any number of workers."""

    def __init__(self, path):
        self._path = pathlib.Path(path)
        self._entries = []

    def pytest_runtest_logreport(self, report):
        if report.when == 'call' or report.failed:
            for name, entry in report.user_properties:
                if name == 'kill':
                    self._entries.append({**entry, 'result': entry['result'] if report.passed else 'FAILED'})

    def pytest_sessionfinish(self):
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(render(self._entries))


def render(entries):
    """The page, from dicts of database, point, action and result."""
    columns = sorted({(entry['database'], entry['action']) for entry in entries})
    cells = collections.defaultdict(dict)
    for entry in entries:
        cells[entry['point']][entry['database'], entry['action']] = entry['result']
    rows = [('point', *(f'{action}, {database}' for database, action in columns))]
    rows += [(f'``{point}``', *(found.get(column, '') for column in columns))
             for point, found in sorted(cells.items())]
    return _HEAD + _grid(rows)


def _grid(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = '  '.join('=' * width for width in widths)
    # An empty first cell would continue the row above; there is none here.
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return '\n'.join([rule, lines[0], rule, *lines[1:], rule, ''])

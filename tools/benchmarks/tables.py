# SPDX-License-Identifier: Apache-2.0
"""Reports as aligned text or as a reStructuredText simple table."""

import math

from benchmarks import figures

FORMATS = ("text", "rst", "json")

HEAD = ("figure", "value", "p99", "unit", "n")


def number(value):
    """Three significant digits, which is more than such a measurement holds: 0.123, 12.3, 1230."""
    if value is None:
        return ""
    rounded = float(f"{value:.3g}")
    if rounded == 0:
        return "0"
    return f"{rounded:.{max(0, 2 - math.floor(math.log10(abs(rounded))))}f}"


def render(report, form, details=False):
    """The report in one of FORMATS; JSON always has all of it."""
    if form == "json":
        return report.to_json()
    rows = []
    for section, group in report.sections(details):
        rows.append((section,))
        rows.extend(_figure_row(figure) for figure in group)
    lines = _table(HEAD, rows, form)
    if report.notes:
        lines += ["", *(f"* {note}" for note in report.notes)]
    return "\n".join(lines) + "\n"


def _figure_row(figure):
    count = "" if figure.n is None else str(figure.n)
    if figure.failed:
        count += f" ({figure.failed} failed)"
    return figure.title, number(figure.value), number(figure.p99), figure.unit, count


def times_better(figure, first, second):
    """How many times ``second`` is better than ``first`` (below 1: worse); None when that has no meaning."""
    if first is None or second is None or first <= 0 or second <= 0:
        return None
    return second / first if figure.better == figures.HIGHER else first / second


def compare(first, second, form="text", details=False):
    """A table of the figures that both reports hold, and below it the titles of those that only one holds."""
    others = {figure.key: figure for figure in second.figures}
    rows = []
    for section, group in first.sections(details):
        shared = [figure for figure in group if figure.key in others]
        if shared:
            rows.append((section,))
        for figure in shared:
            rows.extend(_compare_rows(figure, others[figure.key]))
    lines = _table(("figure", first.label, second.label, "unit", "times better"), rows, form)
    for report, other in ((first, second), (second, first)):
        keys = {figure.key for figure in other.figures}
        alone = [f"{section}: {figure.title}" for section, group in report.sections(details)
                 for figure in group if figure.key not in keys]
        if alone:
            lines += ["", f"Only in {report.label}: {'; '.join(alone)}."]
    return "\n".join(lines) + "\n"


def _compare_rows(one, two):
    yield _compare_row(one, one.title, one.value, two.value)
    if one.p99 is not None and two.p99 is not None:
        yield _compare_row(one, f"{one.title}, p99", one.p99, two.p99)


def _compare_row(figure, title, first, second):
    ratio = times_better(figure, first, second)
    return title, number(first), number(second), figure.unit, "" if ratio is None else f"{number(ratio)}x"


def _table(head, rows, form):
    """Lines of a table; a row of one cell opens a section."""
    if form == "rst":
        rows = [(f"**{row[0]}**",) if len(row) == 1 else row for row in rows]
    full = [row for row in rows if len(row) > 1]
    titles = [row[0] for row in rows]
    widths = [max(len(cell) for cell in (head[0], *titles))]
    widths += [max(len(row[column]) for row in [head, *full]) for column in range(1, len(head))]
    words = {column for column, name in enumerate(head) if name == "unit"} | {0}

    def line(row):
        cells = [cell.ljust(width) if column in words else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths, strict=False))]
        return "  ".join(cells).rstrip()

    if form == "rst":
        rule = "  ".join("=" * width for width in widths)
        return [rule, line(head), rule, *map(line, rows), rule]
    lines = [line(head)]
    for row in rows:
        lines += ["", row[0].upper()] if len(row) == 1 else [line(row)]
    return lines

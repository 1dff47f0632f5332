# SPDX-License-Identifier: Apache-2.0
"""What was measured: figures with a stable key, and the report that keeps them."""

import dataclasses
import json
import math

FORMAT = 1

LOWER = "lower"
HIGHER = "higher"


class NotAReport(Exception):
    """The file does not hold a report of this tool."""


def percentile(values, percent):
    """The nearest-rank percentile: always a value that was seen, and the greatest for a p99 of few values."""
    if not values:
        raise ValueError("a percentile of nothing")
    if not 0 < percent <= 100:
        raise ValueError(f"not a percentage: {percent}")
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line of the table.

    ``key`` names it in every report, so two reports can be compared; ``value`` is in ``unit``: a p50 where
    ``p99`` is set, else a mean, a rate or a size. ``n`` counts the operations behind it and ``failed``
    those that did not end well (they are in no latency). ``better`` says which direction is good.
    ``detail`` marks what a short table leaves out.
    """

    key: str
    section: str
    title: str
    unit: str
    value: float
    p99: float | None = None
    n: int | None = None
    failed: int = 0
    better: str = LOWER
    detail: bool = False


class Report:
    """The figures of one run in the order they were measured, with what is needed to judge them."""

    def __init__(self, label, about=None, figures=()):
        self.label = label
        self.about = dict(about or {})
        self.notes = []
        self.figures = list(figures)

    def add(self, key, section, title, unit, value, **more):
        """Add one figure; a key already there is refused, for a comparison could not tell the two apart."""
        if any(figure.key == key for figure in self.figures):
            raise ValueError(f"figure {key} is there already")
        self.figures.append(Figure(key, section, title, unit, value, **more))

    def add_latency(self, key, section, title, seconds, failed=0):
        """Add p50 and p99 of ``seconds`` in milliseconds; without any sample nothing but a note is added."""
        if not seconds:
            self.notes.append(f"{section}: {title}: no sample, {failed} failed")
            return
        self.add(key, section, title, "ms", percentile(seconds, 50) * 1000,
                 p99=percentile(seconds, 99) * 1000, n=len(seconds), failed=failed)

    def join(self, earlier):
        """Put before these what an ``earlier`` report has and this has not measured again; its notes too."""
        keys = {figure.key for figure in self.figures}
        self.figures = [figure for figure in earlier.figures if figure.key not in keys] + self.figures
        self.notes = earlier.notes + self.notes
        self.about = {**self.about, **earlier.about}

    def sections(self, details=True):
        """(section, its figures), sections in the order they began; without ``details`` the short table."""
        found = {}
        for figure in self.figures:
            if details or not figure.detail:
                found.setdefault(figure.section, []).append(figure)
        return list(found.items())

    @property
    def failed(self):
        """Operations that did not end well, over all figures."""
        return sum(figure.failed for figure in self.figures)

    def to_json(self):
        return json.dumps({
            "format": FORMAT,
            "label": self.label,
            "about": self.about,
            "notes": self.notes,
            "figures": [dataclasses.asdict(figure) for figure in self.figures],
        }, indent=1) + "\n"


def load(text):
    """The report that ``Report.to_json`` wrote; NotAReport for anything else."""
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise NotAReport(f"report format {data['format']!r}, this tool reads {FORMAT}")
        report = Report(data["label"], data["about"], [Figure(**entry) for entry in data["figures"]])
        report.notes = list(data["notes"])
    except (ValueError, KeyError, TypeError) as error:
        raise NotAReport(f"not a report of tools/bench: {error}") from error
    return report

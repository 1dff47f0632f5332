# SPDX-License-Identifier: Apache-2.0
"""What is counted in a run, and how full and how even pools are.

How full a pool is: what it is promised (claimed and foreign) of what it may be promised (its bound), in percent.  Pools
that do not tell their capacity are left out.
"""

import dataclasses
import math
import statistics


@dataclasses.dataclass(slots=True)
class Counts:
    """``seconds`` and ``cpu`` (of the picking) are measured, and differ from run to run; all else is simulated."""

    creates: int = 0
    placed: int = 0
    decisions: int = 0
    lost: int = 0  # claims that another scheduler's came before
    rescheduled: int = 0  # creates whose backend failed, tried elsewhere
    refused: int = 0  # no pool fitted
    failed: int = 0  # all attempts were made
    deleted: int = 0
    extended: int = 0
    extends_refused: int = 0
    failures: int = 0  # of backends
    refused_by: dict[str, int] = dataclasses.field(default_factory=dict)
    cpu: float = 0.0
    seconds: float = 0.0

    @property
    def decisions_per_second(self):
        """Of CPU."""
        return self.decisions / self.cpu if self.cpu else 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """One moment. Percent, but for ``deviation`` (percentage points) and the counts up to then."""

    seconds: float
    requests: int
    promised_gb: int
    mean: float
    deviation: float
    least: float
    low: float  # 5 of 100 pools are not fuller
    median: float
    high: float  # 5 of 100 pools are not emptier
    most: float
    disk_most: float  # of physical space, in the pool that has least left
    disks_full: int
    decisions: int
    lost: int
    rescheduled: int
    refused: int


def fullness(pool):
    """Percent, or None where there is no bound."""
    if pool.bound is None:
        return None
    taken = pool.claimed + pool.foreign
    if not pool.bound:
        return 100.0 if taken else None
    return 100 * taken / pool.bound


def percentile(ordered, percent):
    """The least of some ordered values that so many percent of them do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def sample(seconds, requests, truth, counts):
    """The Sample of now."""
    pools = truth.pools.values()
    full = sorted(percent for pool in pools if (percent := fullness(pool)) is not None) or [0.0]
    disks = [pool.used / pool.total for pool in pools if pool.used is not None and pool.total]
    return Sample(
        round(seconds, 3), requests, sum(pool.claimed + pool.foreign for pool in pools),
        statistics.fmean(full), statistics.pstdev(full), full[0], percentile(full, 5), percentile(full, 50),
        percentile(full, 95), full[-1], 100 * max(disks, default=0.0), sum(1 for disk in disks if disk >= 1),
        counts.decisions, counts.lost, counts.rescheduled, counts.refused)


def result(label, options, play):
    """A run as JSON has it. Without ``measured`` it is the same for the same seed."""
    counts = dataclasses.asdict(play.counts)
    measured = {'cpu_seconds': counts.pop('cpu'), 'seconds': counts.pop('seconds'),
                'decisions_per_cpu_second': play.counts.decisions_per_second}
    pools = [{'name': pool.name, 'promised_gb': pool.claimed + pool.foreign, 'bound_gb': pool.bound,
              'volumes': pool.volumes, 'percent': fullness(pool),
              'disk_percent': 100 * pool.used / pool.total if pool.used is not None and pool.total else None}
             for pool in play.truth.pools.values()]
    return {'label': label, 'options': options, 'counts': counts, 'measured': measured,
            'samples': [dataclasses.asdict(each) for each in play.samples], 'pools': pools}


HEADING = ('run', 'placed', 'refused', 'claims lost', 'rescheduled', 'failed', 'full %: mean', 'deviation', 'least',
           'most', 'disks full', 'decisions/s')


def row(run):
    """A line of the table for one result."""
    counts, last = run['counts'], run['samples'][-1]
    return (run['label'], *(str(counts[name]) for name in ('placed', 'refused', 'lost', 'rescheduled', 'failed')),
            *(f'{last[name]:.1f}' for name in ('mean', 'deviation', 'least', 'most')), str(last['disks_full']),
            f'{run["measured"]["decisions_per_cpu_second"]:.0f}')


def table(runs):
    """All results, as text."""
    rows = [HEADING, *map(row, runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return '\n'.join('  '.join([cells[0].ljust(widths[0]), *(
        cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]) for cells in rows)

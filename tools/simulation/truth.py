# SPDX-License-Identifier: Apache-2.0
"""What is true: the rows of pools as the database would have them, and the disks as the backends would find them.

A claim is decided as db/pools.claim does it, a report is reckoned as volume/reports.py does it; both by
blockctl/capacity.py. Amounts are GiB.
"""

import dataclasses
import typing

from blockctl import capacity
from blockctl.rpc import volume as volume_rpc
from blockctl.scheduler import pools as scheduler_pools


@dataclasses.dataclass(slots=True)
class Pool:
    """``used``: physical space, None where the backend does not tell it."""

    name: str
    backend: str
    report: dict[str, typing.Any]
    claimed: int
    foreign: int
    bound: int | None
    claimed_at_report: int
    volumes: int = 0
    used: float | None = None
    sequence: int = 0
    verdicts: dict = dataclasses.field(default_factory=dict)
    row: typing.Any = None  # as a scheduler that reads now sees it; None: to be made anew

    @property
    def total(self):
        return capacity.number(self.report.get('total_capacity_gb'))


class Truth:
    """All pools. ``changes``: names of those that changed, in order; ``states_version`` counts changes of states."""

    def __init__(self, installation):
        self.pools = {record.name: _of_record(record) for record in installation.pools}
        self.backends = {}
        for pool in self.pools.values():
            self.backends.setdefault(pool.backend, []).append(pool)
        self.states = {volume_rpc.backend_of(record.name): record.state for record in installation.pools}
        self.states_version = 0
        self.changes = []
        for some in installation.volumes:
            if some.pool in self.pools:
                self.pools[some.pool].volumes += some.count

    # --- what the database says
    def claim(self, name, size, limit=None, disabled_too=False, volumes=1):
        """Whether ``size`` GiB of a pool are promised by this; arguments as of db/pools.claim."""
        pool = self.pools[name]
        taken = pool.claimed + pool.foreign + size
        if any(bound is not None and taken > bound for bound in (pool.bound, limit)):
            return False
        if self.states[pool.backend] is False and not disabled_too:
            return False
        self._change(pool, size, volumes)
        return True

    def release(self, name, size):
        """A volume is gone, or was never made."""
        self._change(self.pools[name], -size, -1)

    def thick_limit(self, name):
        """As db/pools.thick_limit."""
        pool = self.pools[name]
        return capacity.bound(pool.report, pool.claimed_at_report, pool.foreign, thick=True)

    def row(self, name):
        """What is read of a pool now."""
        pool = self.pools[name]
        if pool.row is None:
            pool.row = scheduler_pools.made(
                pool.name, pool.report, pool.claimed, pool.foreign, bound=pool.bound, sequence=pool.sequence,
                claimed_at_report=pool.claimed_at_report, volumes=pool.volumes, verdicts=pool.verdicts)
        return pool.row

    def set_state(self, backend, state):
        """True: its pools can be used, False: it is disabled, None: it counts as down."""
        self.states[backend] = state
        self.states_version += 1

    def _change(self, pool, size, volumes=0):
        pool.claimed += size
        pool.volumes += volumes
        self._changed(pool)

    def _changed(self, pool):
        pool.row = None
        self.changes.append(pool.name)

    # --- what the disks say
    def write(self, name, amount):
        """So much of a volume (less than 0: given back) is physically there from now on."""
        pool = self.pools[name]
        if pool.used is not None:
            pool.used = max(0.0, pool.used + amount)

    def written(self, name, thick, share):
        """The share of a volume's size that it takes of the disk: all of it unless it is thin on a thin pool."""
        thin = self.pools[name].report.get('thin_provisioning_support') and not thick
        return share if thin else 1.0

    def look(self, backend):
        """[(pool, claimed, physical space used)] of a backend now, which :meth:`store` is told later."""
        return [(pool, pool.claimed, pool.used) for pool in self.backends[backend]]

    def store(self, looked):
        """A report arrives."""
        for pool, claimed, used in looked:
            free = capacity.number(pool.report.get('free_capacity_gb'))
            if used is not None:
                free = round(max(0.0, pool.total - used), 2)
            if free == capacity.number(pool.report.get('free_capacity_gb')) and claimed == pool.claimed_at_report:
                continue  # it says what the last one said
            if used is not None:
                pool.report = pool.report | {'free_capacity_gb': free}
            pool.claimed_at_report, pool.verdicts = claimed, {}
            pool.sequence += 1
            pool.bound = capacity.bound(pool.report, claimed, pool.foreign)
            self._changed(pool)


def _of_record(record):
    pool = Pool(record.name, volume_rpc.backend_of(record.name), record.report, record.claimed, record.foreign,
                record.bound, record.claimed_at_report)
    free = capacity.number(record.report.get('free_capacity_gb'))
    if pool.total is not None and free is not None:
        pool.used = max(0.0, pool.total - free)
    return pool

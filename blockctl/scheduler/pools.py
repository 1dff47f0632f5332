# SPDX-License-Identifier: Apache-2.0
"""The pools as a scheduler knows them: read once, then only what changed.

What can be worked out of a pool without knowing a request is worked out when it is read, not for each request.
"""

import dataclasses
import datetime
import math
import threading
import time
import typing
from typing import Any

from blockctl import capacity
from blockctl.db import pools as db_pools
from blockctl.db import services as db_services
from blockctl.rpc import volume as volume_rpc

#: Seconds for which what is known of the pools may be used again. Another look comes before "nothing fits".
FRESH = 0.05

#: Seconds between two looks that go back as far as OVERLAP. The others go back as far as BRIEF.
THOROUGH = 2.0

#: Re-read what changed so long before the last look, too: a transaction may commit after others that began later.
OVERLAP = datetime.timedelta(seconds=10)
BRIEF = datetime.timedelta(seconds=1)

#: Seconds for which the list of services that are up may be used again.
SERVICES_FRESH = 1.0


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """A pool at one moment; :func:`made` makes them. Amounts are GiB; infinite where the backend cannot say."""

    name: str  # host@backend#pool
    backend: str
    report: dict[str, Any]
    claimed: int
    foreign: int
    bound: int | None  # what claimed + foreign may reach
    claimed_at_report: int
    sequence: int  # of the report
    volumes: int | None  # that are there; None: nobody counts them
    # what follows from those
    zone: str
    service_id: str | None
    room: float  # what may be promised yet
    thick_bound: int | None  # as bound and room, for volumes that have all their space from the start
    thick_room: float
    verdicts: dict[int, bool]  # what CapabilitiesFilter found of this report

    def stats(self):
        """What filter functions and queries are about: the report, with what only the database knows."""
        return self.report | {
            'name': self.name, 'host': self.backend, 'allocated_capacity_gb': self.claimed,
            'provisioned_capacity_gb': self.claimed + self.foreign, 'total_volumes': self.volumes or 0}

    @property
    def cluster_name(self):
        """What a volume in it has for that: the pool's name, or None where its backend is no cluster's."""
        return self.name if self.report.get('clustered') else None

    def left(self, thick):
        return self.thick_room if thick else self.room

    def limit(self, thick):
        """What a claim has to be told beside the size: the bound of thick volumes where it is not the pool's own."""
        return self.thick_bound if thick else None


def made(name, report, claimed=0, foreign=0, **more):
    """A Pool. ``bound``, when it is not given, is what :mod:`blockctl.capacity` makes of the report."""
    claimed_at_report = more.get('claimed_at_report', claimed)
    bound = more['bound'] if 'bound' in more else capacity.bound(report, claimed_at_report, foreign)
    thick_bound = bound
    if capacity.ratio(report) != 1:
        thick_bound = _least(bound, capacity.bound(report, claimed_at_report, foreign, thick=True))
    taken = claimed + foreign
    return Pool(name=name, backend=volume_rpc.backend_of(name), report=report, claimed=claimed, foreign=foreign,
                bound=bound, claimed_at_report=claimed_at_report, sequence=more.get('sequence', 0),
                volumes=more.get('volumes'), zone=report.get('availability_zone') or '',
                service_id=report.get('service_id'), room=math.inf if bound is None else bound - taken,
                thick_bound=thick_bound, thick_room=math.inf if thick_bound is None else thick_bound - taken,
                verdicts=more.get('verdicts', {}))


def _least(*bounds):
    return min((bound for bound in bounds if bound is not None), default=None)


class Look(typing.NamedTuple):
    """What there is, each list in the order of names: pools that can be used, and those whose service is not up, or is
    disabled. ``fresh``: looked up for this request.
    """

    usable: list[Pool]
    down: list[Pool]
    disabled: list[Pool]
    fresh: bool = True


class Fleet:
    """Pools that are there whatever a database says, and all usable: for simulations, and what :class:`Pools` fills."""

    def __init__(self, pools=()):
        self._pools = {pool.name: pool for pool in pools}
        self._places = {}  # name: its index in the list of usable pools
        self._look = None

    def look(self, ctx, anew=False, counting=False):
        """A :class:`Look`. Its lists are replaced when pools come and go; a pool that changes is replaced in them.

        ``anew``: what is known is not recent enough; ``counting``: the number of volumes of each pool is needed.
        """
        if self._look is None:
            self._sort()
        return self._look

    def put(self, pool):
        """A pool is there, or has changed."""
        known = pool.name in self._pools
        self._pools[pool.name] = pool
        if not known:
            self._look = None
        elif self._look is not None and pool.name in self._places:
            self._look.usable[self._places[pool.name]] = pool

    def claimed(self, pool, size, volumes=1):
        """``size`` GiB of a pool were just claimed, for so many volumes (less than 0: given back), by this process:
        other requests may see that at once.
        """
        now = self._pools.get(pool.name, pool)
        volumes = None if now.volumes is None else now.volumes + volumes
        self.put(made(now.name, now.report, now.claimed + size, now.foreign, bound=now.bound, sequence=now.sequence,
                      claimed_at_report=now.claimed_at_report, volumes=volumes, verdicts=now.verdicts))

    def _state(self, pool):
        """True: usable, False: disabled, None: down."""
        return True

    def _sort(self):
        lists = {True: [], False: [], None: []}
        for _name, pool in sorted(self._pools.items()):
            lists[self._state(pool)].append(pool)
        self._places = {pool.name: index for index, pool in enumerate(lists[True])}
        self._look = Look(lists[True], lists[None], lists[False])


class Pools(Fleet):
    """A scheduler process's view of all pools of its database; safe for several threads."""

    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()
        self._seen = None
        self._known_until = self._thorough_at = self._services_until = 0.0
        self._services = {}
        self._counted = False

    def look(self, ctx, anew=False, counting=False):
        with self._lock:
            fresh = anew or time.monotonic() >= self._known_until or (counting and not self._counted)
            if fresh:
                with ctx.reading():
                    self._read_services(ctx, anew)
                    self._read_pools(ctx, counting)
            return super().look(ctx)._replace(fresh=fresh)

    def claimed(self, pool, size, volumes=1):
        with self._lock:
            super().claimed(pool, size, volumes)

    def _state(self, pool):
        return self._services.get(pool.backend)

    def _read_pools(self, ctx, counting):
        began = time.monotonic()
        thorough = began >= self._thorough_at
        rows, now = db_pools.changed_since(ctx, self._seen and self._seen - (OVERLAP if thorough else BRIEF))
        if thorough:
            self._thorough_at = began + THOROUGH
        names = [row.name for row in rows if counting or not self._is_known(row)]
        heard = {row.name for row in rows if self._heard(row)}
        reports = db_pools.reports(ctx, None if self._seen is None else [name for name in names if name not in heard])
        if counting and not self._counted:
            names = list({*self._pools, *(row.name for row in rows)})
        counts = db_pools.volumes_on(ctx, names) if counting else {}
        self._counted |= counting
        by_name = {row.name: row for row in rows}
        for name in names:
            self._renew(by_name.get(name), self._pools.get(name), reports.get(name),
                        counts.get(name, 0) if counting else None)
        self._seen = now
        self._known_until = time.monotonic() + FRESH

    def _is_known(self, row):
        pool = self._pools.get(row.name)
        return pool is not None and (pool.claimed, pool.foreign, pool.bound, pool.sequence) == (
            row.claimed, row.foreign, row.bound, row.sequence)

    def _heard(self, row):
        """Whether its report is known already."""
        pool = self._pools.get(row.name)
        return pool is not None and pool.sequence == row.sequence

    def _renew(self, row, former, report, volumes):
        row = row or former
        if report is None:
            report, sequence, verdicts = former.report, former.sequence, former.verdicts
        else:
            report, sequence, verdicts = report.report, report.sequence, {}
        self.put(made(row.name, report, row.claimed, row.foreign, bound=row.bound, sequence=sequence,
                      claimed_at_report=row.claimed_at_report, volumes=volumes, verdicts=verdicts))

    def _read_services(self, ctx, anew):
        if not anew and time.monotonic() < self._services_until:
            return
        services = db_services.taking(ctx, ctx.conf.service_down_time)
        if services != self._services:
            self._services = services
            self._look = None
        self._services_until = time.monotonic() + SERVICES_FRESH

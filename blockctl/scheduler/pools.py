# SPDX-License-Identifier: Apache-2.0
"""The pools as a scheduler knows them: read once, then only what changed."""

import dataclasses
import datetime
import threading
import time
from typing import Any

from blockctl.db import pools as db_pools
from blockctl.db import services as db_services

#: Re-read what changed so long before the last look, too: a transaction may commit after others that began later.
OVERLAP = datetime.timedelta(seconds=10)

#: Seconds for which the list of services that are up may be used again.
SERVICES_FRESH = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Pool:
    """A pool at one moment. Amounts are GiB; None: the backend cannot say."""

    name: str  # host@backend#pool
    backend: str
    claimed: int
    foreign: int
    bound: int | None
    free: float | None  # physical, when it was measured
    added: int  # what was claimed since then, on balance
    total: float | None
    report: dict[str, Any]
    zone: str
    service_id: str | None = None


class Pools:
    """A scheduler process's view of all pools; safe for several threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._pools = {}
        self._seen = None
        self._services = {}
        self._services_until = 0.0

    def usable(self, ctx):
        """Pools of services that are up and not disabled, with the counts of the others: (pools, down, disabled)."""
        with self._lock:
            with ctx.reading():
                self._refresh(ctx)
            services, pools = self._services, list(self._pools.values())
        usable, down, disabled = [], 0, 0
        for pool in pools:
            match services.get(pool.backend):
                case None:
                    down += 1
                case False:
                    disabled += 1
                case True:
                    usable.append(pool)
        return usable, down, disabled

    def _refresh(self, ctx):
        rows, now = db_pools.changed_since(ctx, self._seen and self._seen - OVERLAP)
        for row in rows:
            self._pools[row.name] = _pool(row)
        self._seen = now
        if time.monotonic() >= self._services_until:
            down_time = datetime.timedelta(seconds=ctx.conf.service_down_time)
            self._services = {
                service.host: not service.disabled for service in db_services.everything(ctx)
                if service.binary == 'cinder-volume' and service.last_beat
                and service.now - service.last_beat < down_time}
            self._services_until = time.monotonic() + SERVICES_FRESH


def _pool(row):
    report = row.report
    free = report.get('free_capacity_gb')
    total = report.get('total_capacity_gb')
    return Pool(name=row.name, backend=row.backend, claimed=row.claimed, foreign=row.foreign, bound=row.bound,
                free=_number(free), added=max(0, row.claimed - row.claimed_at_report), total=_number(total),
                report=report, zone=report.get('availability_zone') or '', service_id=report.get('service_id'))


def _number(value):
    return value if isinstance(value, (int, float)) else None

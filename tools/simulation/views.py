# SPDX-License-Identifier: Apache-2.0
"""What one scheduler knows: the truth as it was at its last look, and its own claims since (scheduler/pools.Pools)."""

from blockctl.scheduler import pools


class View(pools.Fleet):
    """``now()``: simulated seconds; ``stale``: for so many of them it uses what it knows."""

    def __init__(self, truth, now, stale):
        super().__init__(map(truth.row, truth.pools))
        self._truth, self._now, self._stale = truth, now, stale
        self._known_until = now() + stale
        self._seen = len(truth.changes)
        self._states, self._states_version = dict(truth.states), truth.states_version

    def look(self, ctx, anew=False, counting=False):
        fresh = anew or self._now() >= self._known_until
        if fresh:
            self._read()
        return super().look(ctx)._replace(fresh=fresh)

    def _state(self, pool):
        return self._states[pool.backend]

    def _read(self):
        changes = self._truth.changes
        for name in dict.fromkeys(changes[self._seen:]):
            self.put(self._truth.row(name))
        self._seen = len(changes)
        if self._states_version != self._truth.states_version:
            self._states, self._states_version = dict(self._truth.states), self._truth.states_version
            self._look = None
        self._known_until = self._now() + self._stale

# SPDX-License-Identifier: Apache-2.0
"""Requests, failures and reports in simulated time, and the real picking over them."""

import dataclasses
import heapq
import itertools
import math
import random
import time
import typing

from blockctl import capacity

from simulation import figures
from simulation import truth as truths
from simulation import views

#: Samples of how full the pools are that are taken in a run.
SAMPLES = 100

#: Seconds of the clock on the wall between two words on how far a run is.
PROGRESS = 5.0


@dataclasses.dataclass(frozen=True)
class Load:
    """What happens in a run. Times are seconds of simulated time."""

    requests: int = 10_000
    rate: float = 10.0  # of requests, per second
    deletes: float = 0.2  # share of the requests
    extends: float = 0.1
    schedulers: int = 3
    stale: float = 0.05  # how long a scheduler uses what it knows
    decision_time: float = 0.01  # from the look to the claim, and from a lost claim to the next
    create_time: float = 2.0  # from the claim until the volume is there
    report_interval: float = 60.0
    report_delay: float = 1.0  # from the look at a backend until its report is stored
    fail_rate: float = 0.0  # of each backend, per hour
    repair_time: float = 600.0  # on average
    down_time: float = 60.0  # until a silent backend counts as down
    create_errors: float = 0.0  # share of the creates that their backend refuses
    written: float = 0.4  # share of a thin volume that is written
    max_attempts: int = 3
    seed: int = 1


@dataclasses.dataclass(slots=True, eq=False)
class Volume:
    """One that is there, or is about to be."""

    pool: str | None
    size: int
    type: str | None
    thick: bool


@dataclasses.dataclass(slots=True, eq=False)
class Request:
    volume: Volume
    spec: dict[str, typing.Any]
    attempts: int = 1


class Timeline:
    """Simulated seconds, and what is to happen when."""

    def __init__(self):
        self.now = 0.0
        self._queue = []
        self._numbers = itertools.count()

    def after(self, seconds, act, *args):
        heapq.heappush(self._queue, (self.now + seconds, next(self._numbers), act, args))

    def run(self, goes_on):
        """Until ``goes_on()`` is false."""
        while goes_on() and self._queue:
            self.now, _number, act, args = heapq.heappop(self._queue)
            act(*args)


class Play:
    """One run. ``make_picker(fleet)``: a Picker; ``tell(text)``: how far it is."""

    def __init__(self, installation, load, make_picker, tell=lambda text: None):
        self._installation, self._load, self._tell = installation, load, tell
        self._time = Timeline()
        self.truth = truths.Truth(installation)
        # Each has lots of its own, so that runs which differ in their weighers get the same requests and failures.
        self._asked, self._failing, self._errors, self._schedulers_lots = (
            random.Random(f'{what} {load.seed}') for what in ('requests', 'failures', 'errors', 'schedulers'))
        self._wishes = list(installation.wishes)
        self._often = list(itertools.accumulate(installation.wishes.values()))
        self._thick = {type_id: capacity.is_thick(specs) for type_id, specs in installation.types.items()}
        self._volumes = [
            Volume(some.pool, some.size, some.type, self._thick.get(some.type, False))
            for some in installation.volumes if some.pool in self.truth.pools for _ in range(some.count)]
        self._pickers = [make_picker(views.View(self.truth, lambda: self._time.now, load.stale))
                         for _ in range(load.schedulers)]
        # backend: since when it answers nothing. Those that are down at first stay so.
        self._failed_at = {backend: -math.inf for backend, state in self.truth.states.items() if state is None}
        self._arrived = self._open = 0
        self.counts = figures.Counts()
        self.samples = []

    def run(self):
        """Play it to its end. Weighers draw lots of the interpreter's: those are given back as they were."""
        state = random.getstate()
        random.seed(f'weighers {self._load.seed}')
        began = self._told = time.monotonic()
        try:
            self._begin()
            self._time.run(lambda: self._arrived < self._load.requests or self._open)
            self._sample()
        finally:
            random.setstate(state)
        self.counts.seconds = time.monotonic() - began
        return self

    def _begin(self):
        load = self._load
        self._every(load.requests / load.rate / SAMPLES, self._sample)
        self._time.after(self._asked.expovariate(load.rate), self._arrive)
        for backend in self.truth.backends:
            self._time.after(self._failing.uniform(0, load.report_interval), self._every, load.report_interval,
                             self._report, backend)
            if load.fail_rate and backend not in self._failed_at:
                self._fail_later(backend)

    def _every(self, seconds, act, *args):
        act(*args)
        self._time.after(seconds, self._every, seconds, act, *args)

    # --- requests
    def _arrive(self):
        self._arrived += 1
        self._progress()
        what, wish, which = self._asked.random(), self._wish(), self._asked.random()
        if what < self._load.deletes:
            self._delete(which)
        elif what < self._load.deletes + self._load.extends:
            self._extend(which, wish.size)
        else:
            self._create(wish)
        if self._arrived < self._load.requests:
            self._time.after(self._asked.expovariate(self._load.rate), self._arrive)

    def _wish(self):
        [wish] = self._asked.choices(self._wishes, cum_weights=self._often)
        return wish

    def _create(self, wish):
        spec = {'size': wish.size, 'availability_zone': wish.zone, 'volume_type': {'id': wish.type},
                'extra_specs': self._installation.types.get(wish.type, {}), 'excluded': []}
        volume = Volume(None, wish.size, wish.type, self._thick.get(wish.type, False))
        self._open += 1
        self.counts.creates += 1
        self._decide(Request(volume, spec))

    def _decide(self, request):
        """Choose, by any of the schedulers, and go on to the claim."""
        picker = self._schedulers_lots.choice(self._pickers)
        began = time.process_time()
        choice = picker.pick(None, request.spec)
        order = iter(choice)
        best = next(order, None)
        self.counts.cpu += time.process_time() - began
        self.counts.decisions += 1
        if best is None:
            self._refuse(choice)
        else:
            self._time.after(self._load.decision_time, self._claim, request, choice, order, best)

    def _claim(self, request, choice, order, pool):
        size = request.volume.size
        if self.truth.claim(pool.name, size, choice.limit(pool)):
            choice.claimed(pool)
            request.volume.pool = pool.name
            self._time.after(self._load.create_time, self._made, request)
            return
        self.counts.lost += 1
        choice.lost(pool)
        following = next(order, None)
        if following is None:
            self._refuse(choice)
        else:
            self._time.after(self._load.decision_time, self._claim, request, choice, order, following)

    def _refuse(self, choice):
        self._open -= 1
        self.counts.refused += 1
        last = [name for name, count in choice.refused if count][-1:]
        for name in last or ['no pools']:
            self.counts.refused_by[name] = self.counts.refused_by.get(name, 0) + 1

    def _made(self, request):
        """The backend has had its time: the volume is there, or something else is tried."""
        volume = request.volume
        backend = self.truth.pools[volume.pool].backend
        if backend in self._failed_at:
            # As long as it does not count as down it may come back, and go on.
            counts_as_down = self._failed_at[backend] + self._load.down_time
            if self._time.now < counts_as_down:
                self._time.after(counts_as_down - self._time.now, self._made, request)
                return
            self._again(request)
        elif self._errors.random() < self._load.create_errors:
            self._again(request)
        else:
            self.truth.write(volume.pool, self._takes(volume, volume.size))
            self._volumes.append(volume)
            self.counts.placed += 1
            self._open -= 1

    def _again(self, request):
        """The claim goes back, and another pool is tried."""
        volume = request.volume
        self.truth.release(volume.pool, volume.size)
        if request.attempts >= self._load.max_attempts:
            self.counts.failed += 1
            self._open -= 1
            return
        request.attempts += 1
        request.spec = request.spec | {'excluded': [*request.spec['excluded'], volume.pool]}
        volume.pool = None
        self.counts.rescheduled += 1
        self._decide(request)

    def _takes(self, volume, size):
        return size * self.truth.written(volume.pool, volume.thick, self._load.written)

    def _delete(self, which):
        index = int(which * len(self._volumes))
        if not self._volumes:
            return
        volume, last = self._volumes[index], self._volumes.pop()
        if volume is not last:
            self._volumes[index] = last
        self.truth.release(volume.pool, volume.size)
        self.truth.write(volume.pool, -self._takes(volume, volume.size))
        self.counts.deleted += 1

    def _extend(self, which, growth):
        if not self._volumes:
            return
        volume = self._volumes[int(which * len(self._volumes))]
        limit = self.truth.thick_limit(volume.pool) if volume.thick else None
        if self.truth.claim(volume.pool, growth, limit, disabled_too=True, volumes=0):
            volume.size += growth
            self.truth.write(volume.pool, self._takes(volume, growth))
            self.counts.extended += 1
        else:
            self.counts.extends_refused += 1

    # --- backends
    def _report(self, backend):
        if backend not in self._failed_at:
            self._time.after(self._load.report_delay, self.truth.store, self.truth.look(backend))

    def _fail_later(self, backend):
        self._time.after(self._failing.expovariate(self._load.fail_rate / 3600), self._fail, backend)

    def _fail(self, backend):
        self.counts.failures += 1
        self._failed_at[backend] = since = self._time.now
        state = self.truth.states[backend]
        self._time.after(self._load.down_time, self._silent, backend, since)
        self._time.after(self._failing.expovariate(1 / self._load.repair_time), self._return, backend, state)

    def _silent(self, backend, since):
        if self._failed_at.get(backend) == since:
            self.truth.set_state(backend, None)

    def _return(self, backend, state):
        del self._failed_at[backend]
        self.truth.set_state(backend, state)
        self._report(backend)
        self._fail_later(backend)

    # --- what is seen of it
    def _sample(self):
        self.samples.append(figures.sample(self._time.now, self._arrived, self.truth, self.counts))

    def _progress(self):
        if time.monotonic() - self._told >= PROGRESS:
            self._told = time.monotonic()
            self._tell(f'{self._arrived} of {self._load.requests} requests, {self._time.now:.0f} s simulated, '
                       f'{self.counts.refused} refused, {self.counts.lost} claims lost')

# SPDX-License-Identifier: Apache-2.0
"""What is measured, in which order, and into which figures."""

import contextlib
import dataclasses
import os
import time

from benchmarks import figures
from benchmarks import http_api
from benchmarks import processes
from benchmarks import workload

MIB = 1024 * 1024
CPU = "CPU time per operation"
PAGE = 60
BIG_PAGE = 1000
CLIENTS = 8
SETTLE = 0.5  # seconds from the last answer to the reading of CPU time: what the server does after it counts


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How much of everything; counts of operations, but for ``idle`` (seconds) and ``levels`` (rows)."""

    alone: int = 30
    rates: tuple = ((1, 40), (8, 120), (32, 128))
    cpu: int = 60
    shows: int = 200
    lists: int = 100
    big_lists: int = 10
    walks: int = 3
    cycles: int = 40
    idle: float = 5.0
    levels: tuple = (10, 1000, 5000, 50000)

    @property
    def most_volumes(self):
        """How many volumes there are at once, at most."""
        # Clones are beside the volumes they are made of.
        return max(self.alone, 2 * max(self.cpu, PAGE), *(count for _, count in self.rates)) + 1


class Plan:
    """The phases of one run; each adds to ``report``. ``services`` and ``peers`` are Meters or None."""

    def __init__(self, run, report, sizes, services=None, peers=None):
        self.run = run
        self.report = report
        self.sizes = sizes
        self.services = services
        self.peers = peers
        self._rest_cpu = None
        self._rest_memory = None

    def everything(self, seeder=None, extras=()):
        """All phases in turn. ``extras``: ``snapshots``, ``clones``, ``attachments``."""
        used, began = self._all_used(), time.monotonic()
        self.warm_up()
        self.at_rest()
        self.alone()
        for clients, count in self.sizes.rates:
            self.rate(clients, count)
        ids = self.many_created()
        self.many_read(ids)
        if "snapshots" in extras:
            self.snapshots(ids)
        if "clones" in extras:
            self.clones(ids)
        if "attachments" in extras:
            self.attachments(ids[:CLIENTS])
        self.many_deleted(ids)
        if seeder is not None:
            self.levels(seeder)
        self.after_load()
        if self.services:
            others = [after - before for before, after in zip(used, self._all_used(), strict=True)]
            share = (others[0] - others[1]) / (time.monotonic() - began) / os.cpu_count()
            self.report.add("machine.others", "The machine", "used by all others: not services, peers, this",
                            "%", share * 100)

    def _all_used(self):
        """CPU seconds so far of the machine, and of what is measured together with this process."""
        measured = [sum(meter.cpu().values()) for meter in (self.services, self.peers) if meter]
        return processes.busy_seconds(), time.process_time() + sum(measured)

    def warm_up(self):
        """A few creates and deletes that nothing is measured of; the first one that fails ends the run."""
        self.run.say("warm-up")
        bodies = [self.run.volume_body() for _ in range(2 * CLIENTS)]
        ids, failed = workload.burst_create(self.run, workload.VOLUME, bodies, CLIENTS)
        if failed:
            raise http_api.RequestFailed(f"warm-up: {failed} of {len(bodies)} volumes did not become "
                                         f"available: {'; '.join(self.run.errors[:3])}")
        workload.burst_delete(self.run, workload.VOLUME, ids, CLIENTS)

    def at_rest(self):
        """Memory and CPU time of services that nobody uses; their figures come at the end of the table."""
        if not self.services:
            return
        self.run.say(f"at rest for {self.sizes.idle:g} s")
        self._rest_memory = self.services.memory()
        before, began = self.services.cpu(), time.monotonic()
        self.run.pause(self.sizes.idle)
        seconds = time.monotonic() - began
        used = sum(self.services.cpu().values()) - sum(before.values())
        self._rest_cpu = used / seconds * 1000

    def alone(self):
        """Creates and deletes with nothing else going on."""
        run, count = self.run, self.sizes.alone
        run.say(f"{count} creates and deletes, each alone")
        made = [workload.create_alone(run) for _ in range(count)]
        good = [entry for entry in made if entry[2] is not None]
        section, failed = "One volume alone", count - len(good)
        self.report.add_latency("alone.post", section, "create: POST answered",
                                [entry[1] for entry in good], failed)
        self.report.add_latency("alone.available", section, "create: volume available",
                                [entry[2] for entry in good], failed)
        seconds = [workload.delete_alone(run, entry[0]) for entry in made if entry[0]]
        gone = [value for value in seconds if value is not None]
        self.report.add_latency("alone.gone", section, "delete: volume gone", gone, len(seconds) - len(gone))

    def rate(self, clients, count):
        """Volumes per second at ``clients`` at a time, then their deletes."""
        run = self.run
        run.say(f"{count} creates, {clients} at a time")
        loop = workload.alone_loop(run, count) if clients == 1 else workload.closed_loop(run, count, clients)
        section, key = f"{clients} at a time", f"rate{clients}"
        self.report.add(f"{key}.creates", section, "creates to available", "per s",
                        len(loop.available) / loop.seconds, n=count, failed=loop.failed,
                        better=figures.HIGHER)
        self.report.add_latency(f"{key}.post", section, "POST answered", loop.posted)
        self.report.add_latency(f"{key}.available", section, "volume available", loop.available)
        began = time.monotonic()
        left = workload.burst_delete(run, workload.VOLUME, loop.ids, clients, pause=0.05)
        self.report.add(f"{key}.deletes", section, "deletes to gone", "per s",
                        (len(loop.ids) - left) / (time.monotonic() - began),
                        n=len(loop.ids), failed=left, better=figures.HIGHER)

    def many_created(self):
        """CPU time per create; returns the ids, at least as many as a page of a list holds."""
        run, count = self.run, max(self.sizes.cpu, PAGE)
        run.say(f"CPU time of {count} creates")
        bodies = [run.volume_body() for _ in range(count)]
        with self._cpu("create", "create", count) as outcome:
            ids, outcome.failed = workload.burst_create(run, workload.VOLUME, bodies, CLIENTS)
        return ids

    def many_deleted(self, ids):
        run = self.run
        run.say(f"CPU time of {len(ids)} deletes")
        with self._cpu("delete", "delete", len(ids)) as outcome:
            outcome.failed = workload.burst_delete(run, workload.VOLUME, ids, CLIENTS)

    def many_read(self, ids):
        """Show and a page of a list with details, on volumes that are really there."""
        run, section = self.run, f"{len(ids)} volumes in the project"
        run.say("show and list")
        self._reads("show", section, "show", f"volumes/{ids[0]}", self.sizes.shows, cpu="show")
        self._reads("list", section, f"list of {PAGE} with details", f"volumes/detail?limit={PAGE}",
                    self.sizes.lists, cpu=f"list of {PAGE} with details")

    def snapshots(self, volume_ids):
        """One snapshot each of different volumes: several of one volume would wait for each other."""
        count = min(self.sizes.cycles, len(volume_ids))
        self._come_and_go("snapshot", workload.SNAPSHOT,
                          [self.run.snapshot_body(volume_id) for volume_id in volume_ids[:count]])

    def clones(self, volume_ids):
        """One clone each of different volumes, for the same reason."""
        count = min(self.sizes.cycles, len(volume_ids))
        self._come_and_go("clone", workload.VOLUME,
                          [self.run.volume_body(volume_id) for volume_id in volume_ids[:count]])

    def _come_and_go(self, name, kind, bodies):
        """Latency of creates and deletes alone, then CPU time of each; ``bodies``: what to ask for, each used once."""
        run, count = self.run, max(1, len(bodies) // 4)
        alone, bodies = bodies[:count], bodies[count:] or bodies
        run.say(f"{count} {name}s and their deletes, each alone")
        made = [workload.create_alone(run, kind, body) for body in alone]
        section, good = f"One {name} alone", [entry for entry in made if entry[2] is not None]
        failed = count - len(good)
        self.report.add_latency(f"{name}.post", section, "create: POST answered",
                                [entry[1] for entry in good], failed)
        self.report.add_latency(f"{name}.available", section, f"create: {name} available",
                                [entry[2] for entry in good], failed)
        seconds = [workload.delete_alone(run, entry[0], kind) for entry in made if entry[0]]
        gone = [value for value in seconds if value is not None]
        self.report.add_latency(f"{name}.gone", section, f"delete: {name} gone", gone, len(seconds) - len(gone))
        run.say(f"CPU time of {len(bodies)} {name}s and their deletes")
        with self._cpu(name, f"{name} create", len(bodies)) as outcome:
            ids, outcome.failed = workload.burst_create(run, kind, bodies, CLIENTS)
        with self._cpu(f"{name}_delete", f"{name} delete", len(ids)) as outcome:
            outcome.failed = workload.burst_delete(run, kind, ids, CLIENTS)

    def attachments(self, volume_ids):
        """Attach and detach: alone, then several volumes at a time but each one cycle after the other."""
        run = self.run
        rounds = max(1, self.sizes.cycles // len(volume_ids))
        count = rounds * len(volume_ids)
        for connect, key, title in ((False, "attachment", "attachment create, delete"),
                                    (True, "connection", "attachment create, connect, complete, delete")):
            run.say(f"{rounds} times {title}, alone")
            alone = [workload.attachment_cycle(run, volume_ids[0], connect) for _ in range(rounds)]
            good = [seconds for seconds in alone if seconds is not None]
            self.report.add_latency(f"{key}.alone", "One attachment alone", title, good, rounds - len(good))
            run.say(f"CPU time of {count} times {title}")

            def cycles(volume_id, connect=connect):
                return sum(workload.attachment_cycle(run, volume_id, connect) is not None for _ in range(rounds))

            with self._cpu(key, title, count) as outcome:
                outcome.failed = count - sum(workload.parallel(len(volume_ids), cycles, volume_ids))

    def levels(self, seeder):
        """Lists and show with ever more rows in the project: one real volume and its seeded copies."""
        run = self.run
        seeder.clear()
        template, _, ready = workload.create_alone(run)
        if ready is None:
            raise http_api.RequestFailed(f"no volume to copy rows of: {run.errors[-1:]}")
        have = sum(1 for _ in run.client.items("volumes", "volumes"))
        try:
            for level in sorted(self.sizes.levels):
                if level < have:
                    self.report.notes.append(f"{level} rows: skipped, the project has {have}")
                    continue
                run.say(f"{level} rows")
                seeder.fill(template, level - have, run.check)
                have = level
                self._level(template, level)
        finally:
            seeder.clear()
        workload.burst_delete(run, workload.VOLUME, [template], 1)

    def _level(self, template, level):
        sizes, section, key = self.sizes, f"{level:,} rows in the project", f"rows{level}"
        self._reads(f"{key}.show", section, "show", f"volumes/{template}", sizes.lists)
        self._reads(f"{key}.page", section, f"list of {min(level, PAGE)} with details",
                    f"volumes/detail?limit={PAGE}", sizes.lists)
        if level >= BIG_PAGE:
            self._reads(f"{key}.big", section, f"list of {BIG_PAGE:,} with details",
                        f"volumes/detail?limit={BIG_PAGE}", sizes.big_lists,
                        cpu=f"list of {BIG_PAGE:,} with details, of {level:,}")
        if BIG_PAGE < level <= 5 * BIG_PAGE:
            self.report.add_latency(f"{key}.walk", section,
                                    f"all {level:,} with details, by pages of {BIG_PAGE:,}",
                                    workload.timed_walks(self.run, sizes.walks, BIG_PAGE))

    def after_load(self):
        """Memory of services that have worked, beside that of before; and what doing nothing costs."""
        if self.services:
            self.report.add("cpu.idle", CPU, "at rest, each second: services", "ms", self._rest_cpu)
            self._memory("rest", "at rest", self._rest_memory)
            self._memory("load", "after the load", self.services.memory())

    def _reads(self, key, section, title, path, count, cpu=None):
        """Latency of ``count`` GETs; their CPU time too when ``cpu`` names it."""
        workload.timed_gets(self.run, path, 0)
        measured = self._cpu(key, cpu, count) if cpu else contextlib.nullcontext()
        with measured:
            seconds = workload.timed_gets(self.run, path, count, warm=0)
        self.report.add_latency(f"{key}.latency", section, title, seconds)

    @contextlib.contextmanager
    def _cpu(self, key, title, count):
        """Add the CPU time per operation that services, peers and this process use inside the ``with``."""
        outcome = Outcome()
        both = (("services", self.services), ("peers", self.peers))
        meters = [(word, meter) for word, meter in both if meter]
        before, own = {word: meter.cpu() for word, meter in meters}, time.process_time()
        yield outcome
        own = time.process_time() - own
        if meters:
            self.run.pause(SETTLE)
        for word, meter in meters:
            after = meter.cpu()
            used = {name: (after[name] - before[word][name]) / count * 1000 for name in meter.names}
            self._add_cpu(f"cpu.{key}.{word}", f"{title}: {word}", sum(used.values()), count, outcome.failed)
            for name, value in used.items():
                self._add_cpu(f"cpu.{key}.{word}.{name}", f"{title}: {name}", value, count, detail=True)
        self._add_cpu(f"cpu.{key}.bench", f"{title}: the load generator", own / count * 1000, count,
                      detail=True)

    def _add_cpu(self, key, title, value, count, failed=0, detail=False):
        self.report.add(key, CPU, title, "ms", value, n=count, failed=failed, detail=detail)

    def _memory(self, key, when, used):
        self.report.add(f"pss.{key}", "Memory (PSS)", f"all services, {when}", "MiB",
                        sum(used.values()) / MIB)
        for name, value in used.items():
            self.report.add(f"pss.{key}.{name}", "Memory (PSS)", f"{name}, {when}", "MiB", value / MIB)


@dataclasses.dataclass
class Outcome:
    failed: int = 0

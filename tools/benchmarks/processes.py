# SPDX-License-Identifier: Apache-2.0
"""CPU time and memory of process trees, from /proc (Linux)."""

import dataclasses
import os
import pathlib

PROC = pathlib.Path("/proc")


class NoSuchProcess(Exception):
    """A process that was to be measured is not there."""


@dataclasses.dataclass(frozen=True)
class Stat:
    """What is used of /proc/PID/stat. ``ticks``: user and system time, with that of reaped children."""

    pid: int
    parent: int
    ticks: int
    started: int


def parse_stat(text):
    """A Stat from one line of /proc/PID/stat (proc(5)); the name in it may hold blanks and parentheses."""
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Stat(pid=int(head.split("(", 1)[0]), parent=int(fields[1]), ticks=sum(map(int, fields[11:15])),
                started=int(fields[19]))


def parse_pss(text):
    """Bytes of proportional set size from the text of /proc/PID/smaps_rollup."""
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no Pss line")


def parse_busy(text):
    """Ticks in which a core had something to do (steal counts), from the text of /proc/stat."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, text.split("\n", 1)[0].split()[1:9])
    return user + nice + system + irq + softirq + steal


def busy_seconds():
    """CPU seconds that this machine has used since it started, all cores together."""
    return parse_busy((PROC / "stat").read_text()) / os.sysconf("SC_CLK_TCK")


def tree(stats, roots):
    """The pids of ``roots`` and of all their descendants, of those in ``stats`` (pid to Stat)."""
    children = {}
    for stat in stats.values():
        children.setdefault(stat.parent, []).append(stat.pid)
    found, todo = set(), [pid for pid in roots if pid in stats]
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo.extend(children.get(pid, ()))
    return found


def parse_group(text):
    """(name, pids) of ``NAME=PID[,PID]...``, where ``@FILE`` is the PID in a file; else ValueError."""
    name, equals, rest = text.partition("=")
    if not (name and equals and rest):
        raise ValueError(f"{text!r} is not NAME=PID[,PID]...")
    return name, tuple(_parse_pid(word) for word in rest.split(","))


def _parse_pid(word):
    if word.startswith("@"):
        try:
            word = pathlib.Path(word[1:]).read_text().strip()
        except OSError as error:
            raise ValueError(f"pid file: {error}") from error
    if not word.isdecimal():
        raise ValueError(f"{word!r} is not a process id")
    return int(word)


def read_stats():
    """pid to Stat of every process there is."""
    stats = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            try:
                stat = parse_stat((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended between the listing and the reading
            stats[stat.pid] = stat
    return stats


class Meter:
    """CPU seconds and memory of named groups of process trees.

    The time of a child that ended is in its parent's once the parent has reaped it, so it is not lost; a
    process that was seen in a tree once is still counted after its parent went away and init adopted it.
    What a process that init reaped had used is lost. The kernel counts in ticks (10 ms as a rule): measure
    many operations.
    """

    def __init__(self, groups):
        self._groups = {name: tuple(pids) for name, pids in groups.items()}
        self._seen = {name: {} for name in groups}
        self._tick = os.sysconf("SC_CLK_TCK")
        stats = read_stats()
        for name, pids in self._groups.items():
            missing = [pid for pid in pids if pid not in stats]
            if missing:
                raise NoSuchProcess(f"{name}: no process {', '.join(map(str, missing))}")
        self.cpu()

    @property
    def names(self):
        return list(self._groups)

    def cpu(self):
        """Group name to CPU seconds since its processes began."""
        stats = read_stats()
        return {name: sum(stats[pid].ticks for pid in self._members(name, stats)) / self._tick
                for name in self._groups}

    def memory(self):
        """Group name to bytes of proportional set size: a page shared by n processes counts 1/n in each."""
        stats = read_stats()
        return {name: sum(_pss(pid) for pid in self._members(name, stats)) for name in self._groups}

    def _members(self, name, stats):
        seen = self._seen[name]
        alive = [pid for pid, started in seen.items() if pid in stats and stats[pid].started == started]
        members = tree(stats, [*self._groups[name], *alive])
        if not members:
            raise NoSuchProcess(f"{name}: all its processes are gone")
        self._seen[name] = {pid: stats[pid].started for pid in members}
        return members


def _pss(pid):
    try:
        return parse_pss((PROC / str(pid) / "smaps_rollup").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0


def describe_machine():
    """Number of cores, their model and the bytes of memory."""
    model = [line.partition(":")[2].strip() for line in (PROC / "cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cores": os.cpu_count(), "cpu": model[0] if model else "unknown", "memory": memory}

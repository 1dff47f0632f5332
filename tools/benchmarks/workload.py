# SPDX-License-Identifier: Apache-2.0
"""The load: one operation alone, a number of clients in a closed loop, a burst; and how its end is seen.

How often the server is asked whether it is done is part of the load, so it is chosen for each:

* alone: the volume is shown every few milliseconds, for its time is wanted and the rest of the server idles;
* closed loop: one watcher lists what is still in the transitional state, at most a tenth of the time;
* burst: the same list, twice a second, so that the CPU time measured is that of the operations.
"""

import concurrent.futures
import dataclasses
import itertools
import queue
import threading
import time

from benchmarks import http_api

ALONE_PAUSE = 0.005
BURST_PAUSE = 0.5
WATCH_SHARE = 10


class Stopped(Exception):
    """The run was interrupted or is over its time; what it made is to be taken away."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """A resource that comes and goes through a transitional status."""

    path: str
    key: str
    making: str = "creating"
    leaving: str = "deleting"
    ready: str = "available"


VOLUME = Kind("volumes", "volume")
SNAPSHOT = Kind("snapshots", "snapshot")


class Run:
    """What all load of one run shares: the client, the names it gives, its bounds and what it made."""

    def __init__(self, client, volume_type=None, timeout=120.0, max_seconds=1800.0, say=lambda text: None):
        self.client = client
        self.timeout = timeout
        self.say = say
        self.prefix = f"bench-{time.time_ns() // 1000000:x}"
        self.volume_type = volume_type
        self.made = {VOLUME.path: set(), SNAPSHOT.path: set(), "attachments": set()}
        self.errors = []
        self.stop = threading.Event()
        self._deadline = time.monotonic() + max_seconds
        self._serial = itertools.count()

    def check(self):
        """Raise Stopped when the run has to end."""
        if self.stop.is_set():
            raise Stopped("interrupted")
        if time.monotonic() > self._deadline:
            raise Stopped("the run took longer than --max-seconds")

    def pause(self, seconds):
        self.stop.wait(seconds)
        self.check()

    def failed(self, text):
        """Keep what went wrong; a few of them are printed."""
        self.errors.append(text)

    def name(self):
        return f"{self.prefix}-{next(self._serial)}"

    def volume_body(self, source_id=None):
        """Of a volume made of nothing, or of the volume ``source_id``."""
        body = {"size": 1, "name": self.name()}
        if source_id is not None:
            body["source_volid"] = source_id  # its type is that of its source
        elif self.volume_type:
            body["volume_type"] = self.volume_type
        return {"volume": body}

    def snapshot_body(self, volume_id):
        return {"snapshot": {"volume_id": volume_id, "name": self.name()}}

    def post(self, kind, body):
        """(id, seconds to the answer) of a create; (None, None) when it was refused, kept as a failure."""
        self.check()
        try:
            reply = self.client.need("POST", kind.path, body, status=(200, 202))
        except http_api.RequestFailed as error:
            self.failed(str(error))
            return None, None
        made = reply.body[kind.key]["id"]
        self.made[kind.path].add(made)
        return made, reply.seconds

    def delete(self, kind, resource_id):
        """True when the delete was accepted; a refusal is kept as a failure."""
        self.check()
        try:
            self.client.need("DELETE", f"{kind.path}/{resource_id}", status=(202, 204, 404))
        except http_api.RequestFailed as error:
            self.failed(str(error))
            return False
        return True

    def gone(self, kind, ids):
        self.made[kind.path] -= set(ids)


def create_alone(run, kind=VOLUME, body=None):
    """(id, seconds to 202, seconds to available) of one volume, or of what ``body`` asks for; the last None when it
    did not get there.
    """
    began = time.perf_counter()
    made, posted = run.post(kind, body or run.volume_body())
    if made is None:
        return None, None, None
    status = _show_until(run, kind, made, kind.making)
    seconds = time.perf_counter() - began
    if status == kind.ready:
        return made, posted, seconds
    run.failed(f"{kind.key} {made} became {status}")
    return made, posted, None


def delete_alone(run, resource_id, kind=VOLUME):
    """Seconds from DELETE to 404; None when it ended otherwise."""
    began = time.perf_counter()
    if not run.delete(kind, resource_id):
        return None
    status = _show_until(run, kind, resource_id, kind.leaving)
    seconds = time.perf_counter() - began
    if status is not None:
        run.failed(f"{kind.key} {resource_id} became {status} when deleted")
        return None
    run.gone(kind, [resource_id])
    return seconds


def _show_until(run, kind, resource_id, passing):
    """The first status other than ``passing``, None when it is gone; ``passing`` after the timeout."""
    end = time.monotonic() + run.timeout
    while True:
        run.check()
        reply = run.client.need("GET", f"{kind.path}/{resource_id}", status=(200, 404))
        status = None if reply.status == 404 else reply.body[kind.key]["status"]
        if status != passing or time.monotonic() > end:
            return status
        run.pause(ALONE_PAUSE)


def listed(run, kind, status):
    """Ids of what is in one status now."""
    return {item["id"] for item in run.client.items(f"{kind.path}?status={status}", kind.path)}


class Watcher:
    """One thread that asks for all: who waits for a volume to leave ``status`` waits here."""

    def __init__(self, run, kind, status):
        self._run, self._kind, self._status = run, kind, status
        self._waiting = {}
        self._change = threading.Condition()
        self._ended = False
        self._error = None
        probes = []
        for _ in range(3):
            began = time.perf_counter()
            listed(run, kind, status)
            probes.append(time.perf_counter() - began)
        self._interval = min(0.25, max(0.01, WATCH_SHARE * min(probes)))
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        with self._change:
            self._ended = True
            self._change.notify()
        self._thread.join()

    def wait(self, resource_id):
        """True when it left the status within the timeout of the run."""
        left = threading.Event()
        with self._change:
            self._waiting[resource_id] = left
            self._change.notify()
        end = time.monotonic() + self._run.timeout
        while not left.wait(0.2):
            self._run.check()
            if time.monotonic() > end:
                return False
        if self._error:
            raise self._error
        return True

    def _watch(self):
        while True:
            with self._change:
                while not self._waiting and not self._ended:
                    self._change.wait()
                if self._ended:
                    return
                asked = dict(self._waiting)
            try:
                still = listed(self._run, self._kind, self._status)
            except http_api.RequestFailed as error:
                self._error, still = error, set()
            with self._change:
                for resource_id in asked.keys() - still:
                    self._waiting.pop(resource_id).set()
                self._change.wait_for(lambda: self._ended, self._interval)


@dataclasses.dataclass
class Loop:
    """What a closed loop did: ``seconds`` from first POST to last available, latencies of those ready."""

    ids: list
    seconds: float
    posted: list
    available: list
    failed: int


def closed_loop(run, count, clients):
    """``count`` volumes by ``clients`` at a time, each posting anew when its last one is available."""
    tickets = queue.SimpleQueue()
    for _ in range(count):
        tickets.put(None)
    done = {}
    lost = []

    def client(watcher):
        while True:
            run.check()
            try:
                tickets.get_nowait()
            except queue.Empty:
                return
            start = time.perf_counter()
            volume_id, posted = run.post(VOLUME, run.volume_body())
            if volume_id is None or not watcher.wait(volume_id):
                lost.append(volume_id)
                continue
            done[volume_id] = (posted, time.perf_counter() - start)

    with Watcher(run, VOLUME, VOLUME.making) as watcher:
        began = time.perf_counter()
        parallel(clients, client, [watcher] * clients)
        seconds = time.perf_counter() - began
    ids = [*done, *(volume_id for volume_id in lost if volume_id)]
    wrong = not_ready(run, VOLUME, done)
    good = [times for volume_id, times in done.items() if volume_id not in wrong]
    return Loop(ids, seconds, [posted for posted, _ in good], [available for _, available in good],
                len(lost) + len(wrong))


def alone_loop(run, count):
    """As ``closed_loop`` for a single client, which needs no watcher."""
    began = time.perf_counter()
    made = [create_alone(run) for _ in range(count)]
    seconds = time.perf_counter() - began
    good = [entry for entry in made if entry[2] is not None]
    return Loop([entry[0] for entry in made if entry[0]], seconds, [entry[1] for entry in good],
                [entry[2] for entry in good], count - len(good))


def parallel(clients, function, arguments):
    """Results of ``function`` for each of ``arguments``, by ``clients`` threads; an exception raises."""
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        return list(pool.map(function, arguments))


def burst_create(run, kind, bodies, clients):
    """Post all ``bodies``, wait until none is on its way. Returns (ids that are ready, how many are not)."""
    ids = [made for made, _ in parallel(clients, lambda body: run.post(kind, body), bodies) if made]
    settle(run, kind, ids, kind.making)
    wrong = not_ready(run, kind, ids)
    return [made for made in ids if made not in wrong], len(bodies) - len(ids) + len(wrong)


def burst_delete(run, kind, ids, clients, pause=BURST_PAUSE):
    """Delete all ``ids`` and wait until they are gone. Returns how many are not."""
    ids = list(ids)
    parallel(clients, lambda resource_id: run.delete(kind, resource_id), ids)
    settle(run, kind, ids, kind.leaving, pause)
    left = set(ids) & {item["id"] for item in run.client.items(kind.path, kind.path)}
    if left:
        run.failed(f"{len(left)} {kind.path} are still there after their delete")
    run.gone(kind, set(ids) - left)
    return len(left)


def settle(run, kind, ids, status, pause=BURST_PAUSE):
    """Wait until none of ``ids`` is in ``status``, or their number stood still for the run's timeout."""
    ids, before, changed = set(ids), None, time.monotonic()
    while True:
        run.check()
        left = len(ids & listed(run, kind, status))
        if not left:
            return
        if left != before:
            before, changed = left, time.monotonic()
        if time.monotonic() - changed > run.timeout:
            run.failed(f"{left} {kind.path} stay in {status}")
            return
        run.pause(pause)


def not_ready(run, kind, ids):
    """Those of ``ids`` that did not end ready; kept as failures."""
    wrong = set(ids) - listed(run, kind, kind.ready)
    for resource_id in wrong:
        run.failed(f"{kind.key} {resource_id} did not become {kind.ready}")
    return wrong


def timed_gets(run, path, count, warm=2):
    """Seconds of ``count`` equal GETs one after the other, after ``warm`` that are not counted."""
    for _ in range(warm):
        run.client.need("GET", path)
    seconds = []
    for _ in range(count):
        run.check()
        seconds.append(run.client.need("GET", path).seconds)
    return seconds


def timed_walks(run, count, limit=1000):
    """Seconds of reading the whole list with details, page by page, ``count`` times."""
    seconds = []
    for _ in range(count):
        run.check()
        began = time.perf_counter()
        for _ in run.client.items("volumes/detail", "volumes", limit):
            pass
        seconds.append(time.perf_counter() - began)
    return seconds


CONNECTOR = {"host": "bench", "initiator": "iqn.2026-01.org.example:bench", "ip": "127.0.0.1",
             "multipath": False, "platform": "x86_64", "os_type": "linux"}


def attachment_cycle(run, volume_id, connect=True):
    """Make and delete one attachment; when ``connect``, with a connector and completed in between.

    Seconds of that, or None when a step was not accepted. The attachment is deleted in any case, for the volume's
    sake. It names no server: a service would ask Nova whether that has the volume still.
    """
    began = time.perf_counter()
    try:
        body = {"volume_uuid": volume_id, "connector": None}
        made = run.client.need("POST", "attachments", {"attachment": body}).body["attachment"]["id"]
        run.made["attachments"].add(made)
        try:
            if connect:
                run.client.need("PUT", f"attachments/{made}", {"attachment": {"connector": CONNECTOR}})
                run.client.need("POST", f"attachments/{made}/action", {"os-complete": {}})
        finally:
            run.client.need("DELETE", f"attachments/{made}")
            run.made["attachments"].discard(made)
    except http_api.RequestFailed as error:
        run.failed(str(error))
        return None
    return time.perf_counter() - began

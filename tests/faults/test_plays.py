# SPDX-License-Identifier: Apache-2.0
"""A process dies, or pauses past its lease, at every point of every other kind of job than a plain create or delete.

Like test_points.py: the first process that comes to the point is the victim, another one finishes the work, and every
invariant holds, before and after everything is deleted.
"""

import concurrent.futures

import pytest
import requests

from blockctl.flows import handlers
from tests.faults import plays
from tests.faults import points
from tests.harness import backends
from tests.harness import cloud
from tests.harness import invariants
from tests.harness import plugin
from tests.harness import polling
from tests.harness import rest

#: A request that waits for its job may wait for a lease to end, and a takeover.
PATIENCE = 90


def test_every_kind_is_played_or_says_why_not():
    kinds = {points.kind(name) for name in (*points.ACTS, *plays.PLAYS, *plays.NOT_PLAYED)}
    assert handlers.BACKEND.keys() | handlers.scheduler(None).keys() <= kinds


def _cases():
    """The slice of every change kills after each effect, on MariaDB."""
    for point in sorted(points.of(plays.PLAYS) - plays.NOT_REACHED):
        for database, backend, action in (('mariadb', 'files', 'kill'), ('mariadb', 'files', 'stop'),
                                          ('postgresql', 'files', 'kill'), ('mariadb', 'rbd', 'kill')):
            if points.where(point) != 'volume' and (action, backend) != ('kill', 'files'):
                continue
            quick = (database, backend, action) == ('mariadb', 'files', 'kill') and point.endswith('.effected')
            yield pytest.param(database, backend, point, action, marks=() if quick else pytest.mark.slow,
                               id=f'{database}-{backend}-{action}-{point}')


@pytest.mark.parametrize(('database', 'backend', 'point', 'action'), list(_cases()))
def test_play(database, backend, point, action, theatre, told, request):
    entry = {'database': database if backend == 'files' else f'{database}, {backend}', 'point': point,
             'action': {'kill': 'killed', 'stop': 'paused'}[action], 'result': ''}
    told(entry)
    play = plays.of(point)
    stage = theatre.entered(database, backend, play.backends, points.where(point), request)
    entry['result'] = _play(stage, play, point, action)
    _finish(stage)
    theatre.left_in_order()


def _play(stage, play, point, action):
    where = points.where(point)
    victim = stage.cloud.start(where, f'victim-{len(stage.cloud.processes)}', point=point, action=action)
    thing = play.prepare(stage)
    asked = stage.cloud.client(victim if where == 'api' else None, timeout=PATIENCE)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(play.act, asked, thing)
        victim.hit()
        if where == 'api':
            assert isinstance(answer.exception(30), requests.ConnectionError)
            if point.endswith('.before_commit'):
                polling.lasts(lambda: not stage.cloud.live_jobs(), 1, 'nothing was stored')
                play.act(stage.client, thing)
            return play.ended(stage, thing, None)
        successor = stage.cloud.start(where, f'successor-{len(stage.cloud.processes)}')
        result = play.ended(stage, thing, _answered(answer))
        if action == 'stop':
            _wake(stage, victim, successor)
        return result


def _answered(answer):
    """What was answered; None when the request waited too long for its job, which goes on."""
    try:
        return answer.result(PATIENCE)
    except rest.Refused as refused:
        assert refused.code == 503, refused
        return None


def _wake(stage, victim, successor):
    """The victim goes on, tries to finish what is finished, and then serves alone."""
    victim.resume()
    assert successor.terminate() == 0
    polling.until(lambda: stage.cloud.beats(victim), 10, f'beat of {victim}')
    stage.volume()


def _finish(stage):
    invariants.check(stage.cloud)
    stage.clear()
    invariants.check(stage.cloud, ask_blockctl=False)
    assert not any(backend.images() for backend in stage.cloud.backends.values())
    assert not stage.cloud.complaints()


class Theatre:
    """Clouds with the processes that stand by, kept for the next play like the last, as long as all goes well."""

    def __init__(self):
        self._cloud = None
        self._kind = None

    def entered(self, database, backend, names, where, request):
        """A Stage with one process of each kind but ``where``; its cloud is closed unless it is left in order."""
        if self._kind != (database, backend, names, where):
            self.close()
            self._cloud = cloud.Cloud(plugin.database(database), plugin.bus_for(database, request),
                                      dict.fromkeys(names, plugin.rbd() if backend == 'rbd' else backends.Files))
            request.node.clouds = [self._cloud]
            self._standing = self._cloud.start_all(
                {'kind': 'api'}, *({'kind': kind} for kind in ('scheduler', 'volume') if kind != where))
        request.node.clouds = [self._cloud]
        self._left = database, backend, names, where
        self._kind = None
        return plays.Stage(self._cloud)

    def left_in_order(self):
        self._cloud.stop(process for process in self._cloud.processes if process not in self._standing)
        self._kind = self._left

    def close(self):
        if self._cloud is not None:
            self._cloud.close()
        self._cloud = self._kind = None


@pytest.fixture(scope='session')
def theatre():
    made = Theatre()
    yield made
    made.close()

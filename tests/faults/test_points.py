# SPDX-License-Identifier: Apache-2.0
"""A process dies, or pauses past its lease, at every point before and after each effect and each commit.

The first process to come to the point is the victim.  Another one finishes the work.  A paused victim then wakes up
and tries to go on; afterwards it is left alone and has to serve.  Each time the volume ends where it should, and every
invariant holds, before and after everything is deleted.
"""

import concurrent.futures
import contextlib

import pytest
import requests

from tests.faults import plays
from tests.faults import points
from tests.harness import backends
from tests.harness import cloud
from tests.harness import invariants
from tests.harness import plugin
from tests.harness import polling
from tests.harness import rest

#: GiB that no pool has, even thin.
TOO_MUCH = 2_000_000_000
#: A volume service that may write no larger file refuses every volume, for certain and for good.
FULL = 1 << 29

EFFECTS = [point for point in points.ACTS
           if points.where(point) == 'volume' and points.ACTS[point] in ('create', 'delete', 'extend', 'fence')]


def test_every_point_in_the_code_is_here():
    """Or among the plays, which say of a whole kind of job whether and how it is played."""
    elsewhere = plays.PLAYS.keys() | plays.NOT_PLAYED.keys()
    mine = {point for point in points.in_code() if not {point, points.kind(point)} & elsewhere}
    assert mine <= points.ACTS.keys() | points.IMPOSSIBLE.keys()
    assert points.ACTS.keys() | points.IMPOSSIBLE.keys() <= points.in_code()


def _cases():
    """Each point and action; the slice of every change kills at each of them, on MariaDB."""
    for database in ('mariadb', 'postgresql'):
        for action in ('kill', 'stop'):
            for point, act in points.ACTS.items():
                if act != 'fence':  # files need no fence but their locks
                    marks = () if (database, action) == ('mariadb', 'kill') else pytest.mark.slow
                    yield pytest.param(database, 'files', point, action, marks=marks,
                                       id=f'{database}-{action}-{point}')
    for action in ('kill', 'stop'):
        for point in EFFECTS:
            yield pytest.param('mariadb', 'rbd', point, action, marks=pytest.mark.slow,
                               id=f'mariadb-rbd-{action}-{point}')


@pytest.mark.parametrize(('database', 'backend', 'point', 'action'), list(_cases()))
def test_point(database, backend, point, action, stages, told, request):
    entry = {'database': database if backend == 'files' else f'{database}, {backend}', 'point': point,
             'action': {'kill': 'killed', 'stop': 'paused'}[action], 'result': ''}
    told(entry)
    with stages.entered(database, backend, points.where(point), request) as cloud:
        scene = Scene(cloud, point, action)
        entry['result'] = scene.play_api() if scene.where == 'api' else scene.play_worker()
        scene.finish()


class Stages:
    """Clouds with the processes that stand by, kept for the next scene like the last, as long as all goes well."""

    def __init__(self):
        self._cloud = None
        self._kind = None

    @contextlib.contextmanager
    def entered(self, database, backend, where, request):
        """A cloud with one process of each kind but ``where``, and a second pool that is chosen after the first."""
        if self._kind != (database, backend, where):
            self.close()
            maker = plugin.rbd() if backend == 'rbd' else backends.Files
            self._cloud = cloud.Cloud(
                plugin.database(database), plugin.bus_for(database, request), {'one': maker, 'two': maker},
                {'two': {'reserved_percentage': 20}})
            request.node.clouds = [self._cloud]
            self._cloud.start_all(*(options for kind, options in STANDING if kind != where))
            self._kind = database, backend, where
        request.node.clouds = [self._cloud]
        self._kind, kind = None, self._kind
        yield self._cloud
        self._kind = kind  # only here, where nothing went wrong

    def close(self):
        if self._cloud is not None:
            self._cloud.close()
        self._cloud = self._kind = None


#: (not where the victim is one of these, how it is started)
STANDING = (
    (None, {'kind': 'api', 'name': 'api'}),
    ('scheduler', {'kind': 'scheduler', 'name': 'scheduler'}),
    ('volume', {'kind': 'volume', 'name': 'volume', 'backends': ['one']}),
    (None, {'kind': 'volume', 'name': 'second', 'backends': ['two']}),
)


@pytest.fixture(scope='session')
def stages():
    made = Stages()
    yield made
    made.close()


class Scene:
    """One point, one action, and the processes it takes."""

    def __init__(self, cloud, point, action):
        self.cloud = cloud
        self.point = point
        self.action = action
        self.act = points.ACTS[point]
        self.where = points.where(point)
        self.client = cloud.client()
        self.fences = isinstance(cloud.backends['one'], backends.Rbd) and not point.endswith('.committed')
        self.standing = {process for process in cloud.processes if process.status is None}

    def start(self, name, **options):
        """Start a process of the kind that comes to the point; one of the first backend's refuses what it must."""
        if self.where == 'volume':
            options |= {'backends': ['one'], 'file_limit': FULL if self.act == 'undo' else None}
        return self.cloud.start(self.where, f'{name}-{len(self.cloud.processes)}', **options)

    def victim(self, **options):
        return self.start('victim', point=self.point, action=self.action, **options)

    # --- scheduler and volume service
    def play_worker(self):
        if self.act == 'fence':
            first = self.start('first', point=self.point.rpartition('.')[0] + '.effected')
            volume_id = self.bring(self.point.split('.')[1], first)
            victim = self.victim(wait=False)  # its work waits for it
            victim.hit()
        else:
            victim = self.victim()
            volume_id = self.bring(self.act, victim)
        successor = self.start('successor')
        result = self.outcome(volume_id)
        if self.fences:
            assert successor.says('fencing off')
        if self.action == 'stop':
            self.wake(victim, successor)
        return result

    def bring(self, act, victim):
        """Make ``victim`` come to its point; returns the volume it was working on."""
        volume_id = self.client.create(TOO_MUCH if act == 'no pool' else 1)['id']
        if act in ('delete', 'extend'):
            self.cloud.until(volume_id, 'available')
            self.ask(act, self.client, volume_id)
        victim.hit()
        return volume_id

    @staticmethod
    def ask(act, client, volume_id):
        """Ask for a change of a volume that is available."""
        if act == 'delete':
            client.delete(volume_id)
        else:
            client.ask('POST', f'/volumes/{volume_id}/action', {'os-extend': {'new_size': 2}})

    def outcome(self, volume_id):
        """What must become of the volume, once it has."""
        if self.act == 'no pool':
            self.cloud.until(volume_id, 'error')
            [message] = self.client.messages(volume_id)
            assert 'CapacityFilter: ' in message['user_message']
            return 'error, with a message'
        if self.act == 'delete' or 'delete' in self.point:
            self.cloud.until(volume_id, None)
            return 'gone'
        self.cloud.until(volume_id, 'available')
        if self.act == 'extend' or 'extend' in self.point:
            assert self.cloud.volumes()[volume_id].size == 2
            return 'available, extended'
        if self.act == 'undo':
            assert self.cloud.backend_of(volume_id) == 'two'
            return 'available, in the second pool'
        return 'available'

    def wake(self, victim, successor):
        """The victim goes on, tries to finish what is finished, and then serves alone."""
        assert victim.paused
        victim.resume()
        assert successor.terminate() == 0
        polling.until(lambda: self.cloud.beats(victim), 10, f'beat of {victim}')
        volume_id = self.client.create()['id']
        self.cloud.until(volume_id, 'available')

    # --- API
    def play_api(self):
        victim = self.victim()
        play = self.play_api_create if self.act == 'create' else self.play_api_change
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return play(victim, self.cloud.client(victim, timeout=60), pool)

    def play_api_create(self, victim, client, pool):
        answer = pool.submit(client.create)
        victim.hit()
        if self.action == 'kill':
            assert isinstance(answer.exception(30), requests.ConnectionError)
        else:
            self.works_for_others(victim)
            victim.resume()
        stored = [row.id for row in self.cloud.volumes().values()]
        if self.action == 'stop':
            stored = self.agreed(answer, stored)
        assert bool(stored) == (self.point not in points.NOTHING_YET) or self.action == 'stop'
        for volume_id in stored:
            self.cloud.until(volume_id, 'available')
        return 'available' if stored else 'nothing stored'

    def works_for_others(self, victim):
        """While one API process stands still in the middle, the same project is served by another."""
        volume_id = self.client.create()['id']
        self.cloud.until(volume_id, 'available')
        self.client.delete(volume_id)
        self.cloud.until(volume_id, None)
        assert victim.paused

    def agreed(self, answer, stored):
        """What the late answer says is so: 202 and the volume is there, or an error and it is not."""
        error = answer.exception(60)
        if error is None:
            assert set(stored) <= {answer.result()['id']}
            return [answer.result()['id']]
        assert isinstance(error, rest.Refused) and error.code == 503, error
        assert not self.cloud.volumes()
        return []

    def play_api_change(self, victim, client, pool):
        volume_id = self.client.create()['id']
        self.cloud.until(volume_id, 'available')
        answer = pool.submit(self.ask, self.act, client, volume_id)
        victim.hit()
        if self.action == 'stop':
            self.change_by_another(volume_id)
            victim.resume()
            error = answer.exception(60)
            assert error is None or error.code in (400, 404, 503), error
            return self.outcome(volume_id)
        assert isinstance(answer.exception(30), requests.ConnectionError)
        if self.point in points.NOTHING_YET:
            polling.lasts(lambda: self.cloud.status(volume_id) == 'available', 1, 'the volume stays')
            return 'unchanged'
        return self.outcome(volume_id)

    def change_by_another(self, volume_id):
        try:
            self.ask(self.act, self.client, volume_id)
        except rest.Refused as refused:
            assert refused.code in (400, 404)  # the paused process had committed
        self.outcome(volume_id)

    # --- the end
    def finish(self):
        """Everything is as it should be, can be deleted, and every process of the scene ends in good order."""
        invariants.check(self.cloud)
        for volume_id in self.cloud.volumes():
            self.client.delete(volume_id)
            self.cloud.until(volume_id, None)
        invariants.check(self.cloud, ask_blockctl=False)
        assert not any(backend.images() for backend in self.cloud.backends.values())
        self.cloud.stop(process for process in self.cloud.processes if process not in self.standing)
        assert all(process.status is None for process in self.standing)
        assert not self.cloud.complaints()

# SPDX-License-Identifier: Apache-2.0
"""Random operations on the whole service in one process (tests/harness/inprocess.py), and the invariants after each.

What tenants and administrators ask for, jobs that are done in any order and broken off anywhere, drivers that fail.

A model says what data each volume and snapshot has to have, and, where that is cheap, whether a request has to be
accepted or refused.  What an administrator has overruled (os-reset_status in the middle of work) is ``doubted``: nobody
knows then what is on the backend under its name, so only what nobody names counts.
"""

import collections
import contextlib
import logging
import os

import sqlalchemy as sa
from hypothesis import note
from hypothesis import stateful
from hypothesis import strategies as st

from blockctl.db import checks
from blockctl.db import tables
from blockctl.drivers import names
from blockctl.flows import handlers
from blockctl.jobs import sweeper
from blockctl.volume import checks as volume_checks
from tests.harness import inprocess
from tests.harness import invariants

GIB = 1 << 30
SERVERS = [f'{number:08x}-0000-4000-8000-000000000000' for number in range(4)]
HOSTS = ('h1', 'h2')
TYPES = ('__DEFAULT__', 'gold', 'shared')
BACKENDS = (f'{inprocess.HOST}@one', f'{inprocess.HOST}@two')

#: States of a volume that follow from its attachments, strongest first; and the state of the volume.
BY_ATTACHMENTS = {'attached': 'in-use', 'attaching': 'attaching', 'detaching': 'detaching', 'reserved': 'reserved',
                  'detached': 'available'}
TRANSITIONAL = {'creating', 'deleting', 'extending', 'retyping', 'reverting', 'managing'}

#: (table, its column of states, those on the way to another).
_ON_THE_WAY = (
    ('volumes', 'status', TRANSITIONAL), ('snapshots', 'status', {'creating', 'deleting', 'restoring'}),
    ('attachments', 'attach_status', {'detaching'}), ('groups', 'status', {'creating', 'deleting'}),
    ('group_snapshots', 'status', {'creating', 'deleting'}))
#: What is on the way to another state, and no job will move it there: its own, or one that holds it.
STRANDED = ' UNION ALL '.join(
    f"SELECT id, {column} FROM {table} WHERE {column} IN ('" + "', '".join(sorted(found)) + "') "
    f'AND NOT EXISTS (SELECT 1 FROM jobs WHERE live_key = {table}.id) AND NOT EXISTS (SELECT 1 FROM holds JOIN jobs '
    f'ON jobs.id = holds.job_id WHERE holds.resource_id = {table}.id AND jobs.outcome IS NULL '
    f"AND '{table}' = 'snapshots')"
    for table, column, found in _ON_THE_WAY)

#: What may go wrong while a job is done: what happens, and at which of the points or calls that it passes.
TROUBLES = st.one_of(
    st.none(),
    st.tuples(st.sampled_from(('die', 'sleep', 'ask')), st.integers(0, 6)),
    st.tuples(st.sampled_from(('refuse', 'full', 'away', 'busy', 'late', 'half')), st.integers(0, 2)))

#: What a driver raises, and when: before it has done anything, or after all of it.
ERRORS = {
    'refuse': ('called', inprocess.exceptions.BackendError), 'full': ('called', inprocess.exceptions.BackendFull),
    'away': ('called', inprocess.exceptions.BackendUnavailable), 'busy': ('called', inprocess.exceptions.BackendBusy),
    'late': ('done', inprocess.exceptions.BackendTimeout), 'half': ('done', inprocess.exceptions.BackendError)}
#: What can fail for certain and yet have left something.
_HALVES = {'create', 'clone', 'create_from_snapshot', 'create_snapshot', 'fill'}

#: What is asked for in the middle of a job.
INTRUSIONS = ('delete', 'force', 'reset', 'error', 'detach', 'extend', 'snapshot', 'delete_snapshot', 'revert', 'clone',
              'attach')

#: What is looked at, one after the other.
LOOKS = ('/volumes/detail', '/snapshots/detail', '/attachments/detail', '/groups/detail?list_volume=True',
         '/group_snapshots/detail', '/limits', f'/os-quota-sets/{inprocess.PROJECT}?usage=True', '/volumes/summary',
         '/scheduler-stats/get_pools?detail=True', '/messages')

picks = st.integers(0, 11)


def in_transaction(point):
    """Whether a fault point stands inside a transaction, where no other can write (SQLite)."""
    return point.endswith(('commit', 'api.reserved', 'api.entered'))


class Surprises(logging.Handler):
    """Keeps what was logged as an error that nobody expected."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.found = []

    def emit(self, record):
        if record.exc_info:
            self.found.append(logging.Formatter().format(record))


class Operations(stateful.RuleBasedStateMachine):
    """``service`` and ``restart`` (which empties it) are set by who runs this.

    ``steps``: requests that ask for a change, and jobs worked on by a rule of theirs, over all runs."""

    service = None
    restart = None
    surprises = None
    steps = 0
    done = collections.Counter()

    def __init__(self):
        super().__init__()
        self.restart()
        self.surprises.found.clear()
        self.trouble = None
        self.asking = 0  # requests that are under way, one in the middle of another
        self.in_hand = 0  # jobs that are, likewise
        self.tokens = {}  # {volume or snapshot id: what its first bytes may be}
        self.origin = {}  # {volume id: of what it is made}
        self.sure = {}  # {id of a job: (volume id, tokens it has when the job is done)}
        self.loose = {}  # {name of an image that is not managed: (backend, tokens, whether it was doubted)}
        self.doubted = set()
        self.overruled = set()  # whose status an administrator has set: it may not follow from their attachments
        self.exports_doubted = False
        self.timeouts = 0
        self.written = 0
        self.looks = 0
        self.rounds = 0
        self.changes = 0  # requests and jobs, so far
        self.checked_at = None
        self.met = False  # whether trouble has come since the last request began
        self.service.bell.answer = self.answer
        self.service.app.points = self.at
        for driver in self.service.drivers.values():
            driver.watch = self.watch
        self.known = self.counts()

    def counts(self):
        """{table: how many rows}: what a rule asks before it runs."""
        return self.service.query('SELECT ' + ', '.join(
            f'(SELECT count(*) FROM {name}) AS {name}' for name in (
                'volumes', 'snapshots', 'attachments', 'groups', 'group_snapshots')
        ) + ', (SELECT count(*) FROM jobs WHERE outcome IS NULL) AS jobs, '
            '(SELECT count(*) FROM jobs WHERE failing_since IS NOT NULL AND outcome IS NULL) AS failing'
        )[0]._asdict() | {'loose': len(self.loose)}

    # --- trouble
    def at(self, point):
        """A fault point is passed."""
        if self.trouble is None or self.trouble[0] not in ('die', 'sleep', 'ask'):
            return
        what, countdown, *more = self.trouble
        if what != 'die' and (in_transaction(point) or not self.in_hand or self.asking):
            return
        if countdown:
            self.trouble = (what, countdown - 1, *more)
            return
        self.trouble, self.met = None, True
        note(f'{what} at {point}')
        self.done[what] += 1
        if what == 'die':
            raise inprocess.Death(point)
        if what == 'sleep':
            self._sleep(*more)
        else:
            self._intrude(*more)

    def watch(self, moment, method):
        """A driver is called."""
        assert self.service.app.db.open == 0, f'{method} is called inside a transaction'
        if moment == 'checked':
            if self.trouble is not None and self.trouble[0] == 'die':
                self.at(f'an effect of {method}')
            return
        if self.trouble is None or self.trouble[0] not in ERRORS:
            return
        what, countdown, *more = self.trouble
        when, error = ERRORS[what]
        if moment != when or (what == 'half' and method not in _HALVES):
            return
        if countdown:
            self.trouble = (what, countdown - 1, *more)
            return
        self.trouble, self.met = None, True
        note(f'{what} in {method}')
        self.done[what] += 1
        raise error(reason=f'{what}, as a test wants it')

    def _sleep(self, what, pick):
        """Our worker is paused past its lease; another one takes over what it has, and what is asked for goes on."""
        service, sleeping = self.service, self.service.worker
        if pick % 2:
            self._intrude(what, pick)
        sleeping.sleep()
        in_hand, self.in_hand = self.in_hand, 0
        service.bury()
        for job in service.live_jobs()[:1 + pick % 3]:
            self._work(job, None)
        self.in_hand = in_hand

    def _intrude(self, what, pick):
        asked = {'delete': lambda: self._delete(pick, cascade=pick % 2 == 0),
                 'force': lambda: self._delete(pick, cascade=pick % 2 == 0, force=True),
                 'reset': lambda: self._reset('volumes', pick, 'available'),
                 'error': lambda: self._reset('volumes', pick, 'error'),
                 'detach': lambda: self._detach(pick), 'extend': lambda: self._extend(pick, 1),
                 'snapshot': lambda: self._snapshot(pick, force=False),
                 'delete_snapshot': lambda: self._delete_snapshot(pick, force=pick % 2 == 0),
                 'revert': lambda: self._revert(pick),
                 'clone': lambda: self._create_from('source_volid', pick, 0, None),
                 'attach': lambda: self._attach(pick, 0, None)}
        asked[what]()

    # --- the API and the jobs
    def ask(self, method, path, body=None, roles=inprocess.MEMBER, **more):
        """(status, answer), or (None, None) when the process dies over it."""
        self.asking += 1
        try:
            code, answer = self.service.ask(method, path, body, roles, **more)
        except inprocess.Death:
            note(f'{method} {path} {body}: died')
            return None, None
        finally:
            self.asking -= 1
        message = '' if code < 400 else next(iter(answer.values()))['message']
        note(f'{method} {path} {body}: {code} {message}')
        self.done[f'{method} {code}'] += 1
        type(self).steps += method != 'GET'
        self.changes += method != 'GET'
        assert code < 500 or code == 503, f'{method} {path} {body}: {code} {answer}'
        if code == 503:
            assert 'has not answered within' in message or 'could not change its connection' in message, message
            self.timeouts += 1
        return code, answer

    def act(self, kind, row_id, action, body=None, roles=inprocess.ADMIN, **more):
        code, answer = self.ask('POST', f'/{kind}/{row_id}/action', {action: body if body is not None else {}}, roles,
                                **more)
        if code is not None:
            self.done[f'{action} {"yes" if code < 300 else "no"}'] += 1
        return code, answer

    def answer(self, job_id):
        """A request waits for this job: it is done now, unless nobody is there to do it ('late')."""
        if self.in_hand:
            return  # the one that would do it is itself at work
        if self.trouble is not None and self.trouble[0] == 'sleep':
            self.trouble = None
            return
        job = next((job for job in self.service.live_jobs() if job.id == job_id), None)
        asking, self.asking = self.asking, 0
        if job is not None:
            self._work(job, self.trouble)
        self.asking = asking

    def _work(self, job, trouble):
        """Work on a job once. Returns the trouble that it did not meet with."""
        note(f'work on {job.kind} of {job.resource_id} ({trouble})')
        self.trouble = trouble
        self.in_hand += 1
        self.done[f'job {job.kind}'] += 1
        self.changes += 1
        try:
            self.service.work(job, hurry=self.in_hand == 1)
        finally:
            self.in_hand -= 1
            left, self.trouble = self.trouble, None
        self._learn()
        return left

    def _learn(self):
        """What is known now that jobs have ended."""
        for job_id, (row_id, tokens) in list(self.sure.items()):
            outcome = self.service.query('SELECT outcome FROM jobs WHERE id = :id', id=job_id)[0].outcome
            if outcome == 'done':
                self.tokens[row_id] = tokens
            if outcome is not None:
                del self.sure[job_id]

    def pick(self, table, number):
        rows = self.service.rows(table)
        return rows[list(rows)[number % len(rows)]] if rows else None

    def facts(self, row):
        """What there is beside a volume's row."""
        service = self.service
        one = {'id': row.id}
        live = service.query('SELECT kind FROM jobs WHERE live_key = :id', **one)
        holds = service.query('SELECT jobs.kind FROM holds JOIN jobs ON jobs.id = holds.job_id '
                              'WHERE holds.resource_id = :id AND jobs.outcome IS NULL', **one)
        snapshots = service.query('SELECT id, status FROM snapshots WHERE volume_id = :id', **one)
        return live, holds, snapshots

    def idle(self, row):
        """Whether nothing stands against doing with a volume whatever can be done with volumes."""
        live, holds, snapshots = self.facts(row)
        return (row.status == 'available' and row.attach_status == 'detached' and row.host and not live and not holds
                and not snapshots and not row.group_id and row.migration_status in (None, 'success', 'error')
                and row.id not in self.doubted)

    def expect(self, code, accepted, refused, over=False):
        """The answer is what the model says. ``over``: there may be no room."""
        if code is None or code == 503 or self.met:
            return
        if accepted and not (over and code == 413):
            assert code < 300, f'{code} where nothing speaks against it'
        if refused:
            assert code >= 400, f'{code} where it has to be refused'

    # --- volumes
    @stateful.rule(number=st.integers(0, 1_000_000), a=picks, b=picks, yes=st.booleans(), trouble=TROUBLES)
    def step(self, number, a, b, yes, trouble):
        """One of STEPS."""
        # Hypothesis likes to begin with nothing but zeros: another step each time.
        _, needs, what = STEPS[_of(_WEIGHTED, number + 11 * self.rounds)]
        if needs is not None and not self.known[needs]:
            what = _WORK if self.known['jobs'] else _CREATE
        what(self, a, b, yes, trouble)

    @stateful.initialize()
    def begin(self):
        """Some volumes to begin with."""
        for number in range(4):
            self._create(1 + number % 2, TYPES[number % 3])
        self._settle()
        for row in self.service.rows(tables.volumes).values():
            self._write(row)

    def create(self, size, kind, pick, trouble):
        with self.troubled(trouble):
            self._create(size, kind, pick)

    def _create(self, size, kind, pick=None):
        body = {'size': size, 'volume_type': kind}
        group = self.pick(tables.groups, pick) if pick is not None else None
        if group is not None:
            body['group_id'] = group.id
        code, answer = self.ask('POST', '/volumes', {'volume': body}, inprocess.ADMIN)
        self.expect(code, group is None, refused=False, over=True)
        if code == 202:
            self.tokens[answer['volume']['id']] = {bytes(8)}
        self._adopt(bytes(8))

    def _adopt(self, token):
        """Rows of requests that died after their commit: they are what was asked for."""
        for table in (tables.volumes, tables.snapshots):
            for row_id in self.service.rows(table):
                self.tokens.setdefault(row_id, {token} if isinstance(token, bytes) else set(token))

    def create_from_snapshot(self, pick, more, kind, trouble):
        with self.troubled(trouble):
            self._create_from('snapshot_id', pick, more, kind)

    def create_from_volume(self, pick, more, kind, trouble):
        with self.troubled(trouble):
            self._create_from('source_volid', pick, more, kind)

    def _create_from(self, field, pick, more, kind):
        of_volume = field == 'source_volid'
        source = self.pick(tables.volumes if of_volume else tables.snapshots, pick)
        if source is None:
            return
        size = (source.size if of_volume else source.volume_size) + more
        code, answer = self.ask('POST', '/volumes', {'volume': {'size': size or 1, field: source.id,
                                                                'volume_type': kind}}, inprocess.ADMIN)
        self.expect(code, of_volume and kind is None and self.idle(source),
                    source.status not in ('available', 'in-use'), over=True)
        tokens = self.tokens[source.id]
        if code == 202:
            made = answer['volume']['id']
            self.tokens[made] = set(tokens)
            if source.id in self.doubted:
                self.doubted.add(made)
        self._adopt(tokens)

    def delete(self, pick, cascade, force, trouble):
        with self.troubled(trouble):
            self._delete(pick, cascade, force)

    def _delete(self, pick, cascade=False, force=False):
        row = self.pick(tables.volumes, pick)
        if row is None:
            return
        _, _, snapshots = self.facts(row)
        idle = self.idle(row)
        code, _ = self.ask('DELETE', f'/volumes/{row.id}?cascade={cascade}&force={force}', roles=inprocess.ADMIN)
        refused = (row.attach_status != 'detached' or (bool(snapshots) and not cascade) or row.group_id is not None
                   or (row.status in TRANSITIONAL and not force))
        self.expect(code, idle, refused)

    def extend(self, pick, by, version, trouble):
        with self.troubled(trouble):
            self._extend(pick, by, version)

    def _extend(self, pick, by, version='3.71'):
        row = self.pick(tables.volumes, pick)
        if row is None:
            return
        idle, (_, holds, _) = self.idle(row), self.facts(row)
        code, _ = self.act('volumes', row.id, 'os-extend', {'new_size': max(1, row.size + by)}, inprocess.MEMBER,
                           version=version)
        self.expect(code, idle and by, not by or row.status not in ('available', 'in-use') or bool(holds), over=True)

    def retype(self, pick, kind, policy, trouble):
        row = self.pick(tables.volumes, pick)
        with self.troubled(trouble):
            code, _ = self.act('volumes', row.id, 'os-retype', {'new_type': kind, 'migration_policy': policy})
            self.expect(code, False, row.status not in ('available', 'in-use') or row.group_id is not None)

    def migrate(self, pick, to, lock, trouble):
        row = self.pick(tables.volumes, pick)
        idle = self.idle(row)
        cleared = not self.service.query('SELECT id FROM volume_moves WHERE volume_id = :id', id=row.id)
        with self.troubled(trouble):
            code, _ = self.act('volumes', row.id, 'os-migrate_volume', {'host': to, 'lock_volume': lock})
            elsewhere = bool(row.host) and not row.host.startswith(f'{to}#')
            self.expect(code, idle and elsewhere and cleared, row.status != 'available' or not elsewhere
                        or row.attach_status != 'detached')

    def revert(self, pick, trouble):
        with self.troubled(trouble):
            self._revert(pick)

    def _revert(self, pick):
        row = self.pick(tables.volumes, pick)
        if row is None:
            return
        _, holds, _ = self.facts(row)
        latest = self.service.query('SELECT id, status, volume_size FROM snapshots WHERE volume_id = :id '
                                    'ORDER BY created_at DESC, id DESC', id=row.id)
        if not latest:
            return
        snapshot = latest[0]
        code, _ = self.act('volumes', row.id, 'revert', {'snapshot_id': snapshot.id}, inprocess.MEMBER)
        self.expect(code, False, row.status != 'available' or snapshot.status != 'available'
                    or snapshot.volume_size != row.size or bool(holds))
        posted = self.service.query("SELECT id FROM jobs WHERE live_key = :id AND kind = 'volume.revert'", id=row.id)
        if posted:
            self.sure.setdefault(posted[0].id, (row.id, set(self.tokens[snapshot.id])))
            self.tokens[row.id] = self.tokens[row.id] | self.tokens[snapshot.id]
            if snapshot.id in self.doubted:
                self.doubted.add(row.id)

    def write(self, pick):
        """A server writes to a volume."""
        self._write(self.pick(tables.volumes, pick))

    def _write(self, row):
        live, holds, _ = self.facts(row)
        if row.host is None or live or holds or not os.path.exists(self.image(row)):
            return
        self.written += 1
        token = self.written.to_bytes(8)
        with open(self.image(row), 'r+b') as image:
            image.write(token)
        self.tokens[row.id] = {token}

    def image(self, row, suffix=''):
        backend = row.host.partition('#')[2]
        return self.service.images(backend) / f'volume-{row.name_id or row.id}{suffix}'

    # --- what is known of them
    def describe(self, pick, what):
        row = self.pick(tables.volumes, pick)
        match what:
            case 'metadata':
                self.ask('POST', f'/volumes/{row.id}/metadata', {'metadata': {'a': str(pick)}})
            case 'image':
                self.act('volumes', row.id, 'os-set_image_metadata', {'metadata': {'os': str(pick)}}, inprocess.MEMBER)
            case 'readonly':
                self.act('volumes', row.id, 'os-update_readonly_flag', {'readonly': pick % 2 == 0}, inprocess.MEMBER)
            case 'bootable':
                self.act('volumes', row.id, 'os-set_bootable', {'bootable': pick % 2 == 0}, inprocess.MEMBER)
            case 'name':
                self.ask('PUT', f'/volumes/{row.id}', {'volume': {'name': f'n{pick}'}})

    # --- snapshots
    def snapshot(self, pick, force, trouble):
        with self.troubled(trouble):
            self._snapshot(pick, force)

    def _snapshot(self, pick, force):
        row = self.pick(tables.volumes, pick)
        if row is None:
            return
        idle = self.idle(row)
        code, answer = self.ask('POST', '/snapshots', {'snapshot': {'volume_id': row.id, **({'force': True} if force
                                                                                             else {})}})
        self.expect(code, idle, row.status not in ('available', 'in-use') or row.host is None, over=True)
        tokens = self.tokens[row.id]
        if code == 202 and row.id in self.doubted:
            self.doubted.add(answer['snapshot']['id'])
        if code == 202:
            self.tokens[answer['snapshot']['id']] = set(tokens)
        self._adopt(tokens)

    def delete_snapshot(self, pick, force, trouble):
        with self.troubled(trouble):
            self._delete_snapshot(pick, force)

    def _delete_snapshot(self, pick, force):
        row = self.pick(tables.snapshots, pick)
        if row is None:
            return
        _, holds, _ = self.facts(row)
        if force:
            code, _ = self.act('snapshots', row.id, 'os-force_delete')
        else:
            code, _ = self.ask('DELETE', f'/snapshots/{row.id}')
        usable = row.status in ('available', 'error', 'error_deleting')
        self.expect(code, usable and not holds and row.group_snapshot_id is None,
                    bool(holds) or row.group_snapshot_id is not None or (not usable and not force))

    # --- attachments
    def attach(self, pick, server, host, trouble):
        with self.troubled(trouble):
            self._attach(pick, server, host)

    def _attach(self, pick, server, host):
        row = self.pick(tables.volumes, pick)
        if row is None:
            return
        idle = self.idle(row)
        body = {'volume_uuid': row.id, 'instance_uuid': SERVERS[server], 'connector': {'host': host} if host else None}
        code, _ = self.ask('POST', '/attachments', {'attachment': body}, inprocess.ADMIN)
        self.expect(code, idle, row.status not in ('available', 'in-use', 'reserved') or (
            row.attach_status != 'detached' and not row.multiattach and not self._served(row, server)))

    def _served(self, row, server):
        return self.service.query('SELECT id FROM attachments WHERE volume_id = :id AND instance_id = :server',
                                  id=row.id, server=SERVERS[server])

    def connect(self, pick, host, trouble):
        row = self.pick(tables.attachments, pick)
        with self.troubled(trouble):
            code, _ = self.ask('PUT', f'/attachments/{row.id}', {'attachment': {'connector': {'host': host}}})
            self.expect(code, False, row.attach_status == 'detaching')

    def complete(self, pick):
        row = self.pick(tables.attachments, pick)
        self.met = False
        code, _ = self.act('attachments', row.id, 'os-complete', roles=inprocess.MEMBER)
        self.expect(code, row.attach_status != 'detaching', row.attach_status == 'detaching')

    def detach(self, pick, busy, trouble):
        with self.troubled(trouble):
            self._detach(pick, busy)

    def _detach(self, pick, busy=False):
        row = self.pick(tables.attachments, pick)
        if row is None:
            return
        self.service.compute.busy = {row.instance_id} if busy else set()
        code, _ = self.ask('DELETE', f'/attachments/{row.id}', service=pick % 2 == 0)
        used = busy and pick % 2 and row.instance_id is not None
        self.expect(code, not used, used)

    def legacy(self, pick, action, server, trouble):
        """As it was done before there were attachments."""
        row = self.pick(tables.volumes, pick)
        connector = {'connector': {'host': HOSTS[server % 2]}}
        bodies = {'os-attach': {'instance_uuid': SERVERS[server], 'mountpoint': '/dev/vdb',
                                'mode': ('rw', 'ro')[server % 2]},
                  'os-force_detach': connector, 'os-initialize_connection': connector,
                  'os-terminate_connection': connector}
        if action in ('os-initialize_connection', 'os-terminate_connection', 'os-force_detach'):
            self.exports_doubted = True  # nothing says which of them there should be
        self.service.compute.busy = set()
        with self.troubled(trouble):
            self.act('volumes', row.id, action, bodies.get(action), inprocess.ADMIN, service=True)

    # --- an administrator's word
    def reset_status(self, pick, kind, status):
        self._reset(kind, pick, status)

    def _reset(self, kind, pick, status):
        row = self.pick(tables.metadata.tables[kind], pick)
        if row is None:
            return
        live, _, snapshots = self.facts(row)
        quiet = row.status in ('available', 'in-use') and not live and status != 'error_deleting'
        code, _ = self.act(kind, row.id, 'os-reset_status' if kind in ('volumes', 'snapshots') else 'reset_status',
                           {'status': status})
        if code is None or code >= 300:
            return
        self.overruled.add(row.id)
        if quiet:
            return
        self.doubted.add(row.id)
        if kind == 'volumes':
            self.doubted |= {snapshot.id for snapshot in snapshots}
        if kind == 'group_snapshots':
            self.doubted |= {each.id for each in self.service.rows(tables.snapshots).values()
                             if each.group_snapshot_id == row.id}

    def reset_attachments(self, pick):
        row = self.pick(tables.attachments, pick)
        volume = self.service.rows(tables.volumes)[row.volume_id]
        live, _, snapshots = self.facts(volume)
        self.act('volumes', row.volume_id, 'os-reset_status', {'attach_status': 'detached'})
        self.overruled.add(row.volume_id)
        self.exports_doubted = True
        if live or volume.status in TRANSITIONAL:
            self.doubted |= {row.volume_id, *(snapshot.id for snapshot in snapshots)}

    def limit(self, volumes, gigabytes, groups):
        code, _ = self.ask('PUT', f'/os-quota-sets/{inprocess.PROJECT}', {'quota_set': {
            'volumes': volumes, 'gigabytes': gigabytes, 'groups': groups}}, inprocess.ADMIN)
        assert code == 200

    # --- what is on a backend already
    def unmanage(self, pick):
        row = self.pick(tables.volumes, pick)
        idle, (_, _, snapshots) = self.idle(row), self.facts(row)
        self.met = False
        code, _ = self.act('volumes', row.id, 'os-unmanage')
        self.expect(code, idle, bool(snapshots) or row.status in TRANSITIONAL or row.group_id is not None
                    or row.attach_status != 'detached')
        if code == 202 and row.host is not None and os.path.exists(self.image(row)):
            # Its operator calls it something else: blockctl has no more to say about it.
            backend, name = row.host.partition('#')[2], f'loose-{len(self.tokens)}-{len(self.loose)}-{pick}'
            os.rename(self.image(row), self.service.images(backend) / name)
            self.loose[name] = (backend, self.tokens[row.id], row.id in self.doubted)
            self._clear_up(backend, row)

    def _clear_up(self, backend, row):
        """What an unfinished job left under the name of a volume that was taken out is its operator's now."""
        for path in list(self.service.images(backend).glob(f'volume-{row.id}*')):
            path.unlink()

    def manage(self, pick, kind, trouble):
        name = sorted(self.loose)[pick % len(self.loose)]
        backend, tokens, doubted = self.loose[name]
        with self.troubled(trouble):
            code, answer = self.ask('POST', '/manageable_volumes', {'volume': {
                'host': f'{inprocess.HOST}@{backend}', 'ref': {'source-name': name}, 'volume_type': kind}},
                inprocess.ADMIN)
            self.expect(code, True, refused=False, over=True)
            if code == 202:
                self.tokens[answer['volume']['id']] = set(tokens)
                if doubted:
                    self.doubted.add(answer['volume']['id'])
            self._adopt(tokens)

    def unmanage_snapshot(self, pick, again, trouble):
        row = self.pick(tables.snapshots, pick)
        volume = self.service.rows(tables.volumes)[row.volume_id]
        with self.troubled(trouble):
            code, _ = self.act('snapshots', row.id, 'os-unmanage')
        if code != 202:
            return
        if volume.host is None:
            return
        path, name = self.image(volume, f'@snapshot-{row.id}'), f'kept-{row.id[:8]}'
        for rest in path.parent.glob(f'{path.name}.*'):
            rest.unlink()
        if not path.exists():
            return
        if not again:
            path.unlink()
            return
        path.rename(self.image(volume, f'@{name}'))
        code, answer = self.ask('POST', '/manageable_snapshots', {'snapshot': {
            'volume_id': volume.id, 'ref': {'source-name': name}}}, inprocess.ADMIN)
        if code == 202:
            self.tokens[answer['snapshot']['id']] = self.tokens[row.id]
            if {row.id, volume.id} & self.doubted:
                self.doubted.add(answer['snapshot']['id'])
        else:
            self.image(volume, f'@{name}').unlink()

    def list_manageable(self, of, backend, trouble):
        with self.troubled(trouble):
            self.ask('GET', f'/manageable_{of}/detail?host={backend.replace("@", "%40")}', roles=inprocess.ADMIN)

    # --- groups
    def create_group(self, kind, types, trouble):
        with self.troubled(trouble):
            code, _ = self.ask('POST', '/groups', {'group': {'group_type': kind, 'volume_types': list(types)}})
            self.expect(code, True, refused=False, over=True)

    def change_group(self, pick, volume, leave, trouble):
        group, row = self.pick(tables.groups, pick), self.pick(tables.volumes, volume)
        with self.troubled(trouble):
            self.ask('PUT', f'/groups/{group.id}', {'group': {
                'remove_volumes' if leave else 'add_volumes': row.id}})

    def delete_group(self, pick, volumes, trouble):
        group = self.pick(tables.groups, pick)
        with self.troubled(trouble):
            code, _ = self.act('groups', group.id, 'delete', {'delete-volumes': volumes}, inprocess.MEMBER)
            self.expect(code, False, group.status in TRANSITIONAL)

    def snapshot_group(self, pick, trouble):
        group = self.pick(tables.groups, pick)
        with self.troubled(trouble):
            self.ask('POST', '/group_snapshots', {'group_snapshot': {'group_id': group.id}})
        self._adopt_snapshots()

    def _adopt_snapshots(self):
        for row in self.service.rows(tables.snapshots).values():
            if row.id not in self.tokens:
                self.tokens[row.id] = set(self.tokens[row.volume_id])
                if row.volume_id in self.doubted:
                    self.doubted.add(row.id)

    def delete_group_snapshot(self, pick, trouble):
        row = self.pick(tables.group_snapshots, pick)
        with self.troubled(trouble):
            code, _ = self.ask('DELETE', f'/group_snapshots/{row.id}')
            self.expect(code, False, row.status in TRANSITIONAL)

    def copy_group(self, pick, of_snapshot, trouble):
        row = self.pick(tables.group_snapshots if of_snapshot else tables.groups, pick)
        if row is None:
            return
        field = 'group_snapshot_id' if of_snapshot else 'source_group_id'
        with self.troubled(trouble):
            self.ask('POST', '/groups/action', {'create-from-src': {field: row.id}})
        for made in self.service.rows(tables.volumes).values():
            if made.id not in self.tokens:
                source = made.snapshot_id or made.source_volid
                self.tokens[made.id] = set(self.tokens[source])
                if source in self.doubted:
                    self.doubted.add(made.id)

    # --- work
    @contextlib.contextmanager
    def troubled(self, trouble):
        """A request with trouble ahead: the API's process dies, or whoever does what it asked for meets with it."""
        if trouble is not None and trouble[0] in ('sleep', 'ask'):
            trouble = (*trouble, INTRUSIONS[(trouble[1] * 5 + self.looks) % len(INTRUSIONS)], trouble[1] + self.looks)
        self.trouble, self.met = trouble, False
        before = {job.id for job in self.service.live_jobs()} if trouble else ()
        yield
        left, self.trouble = self.trouble, None
        if left is not None:
            self._meet(left, before)

    def _meet(self, trouble, before):
        """Nothing has come of it yet: what was asked for is worked on until something does."""
        for _ in range(3):
            job = next((job for job in self.service.live_jobs() if job.id not in before), None)
            if job is None:
                return
            if self._work(job, trouble) is None:
                return

    def work(self, pick, trouble, what, whom):
        """One job is worked on."""
        live = self.service.live_jobs()
        type(self).steps += 1
        if trouble is not None and trouble[0] in ('sleep', 'ask'):
            trouble = (*trouble, what, whom)
        self._work(live[pick % len(live)], trouble)

    def work_on(self, count):
        for _ in range(count):
            live = self.service.live_jobs()
            if live:
                self._work(live[0], None)

    def settle(self):
        """All there is to do is done, and the backends say what they can hold."""
        self._settle()
        self._report()

    def _let_go(self, volume_id):
        """A snapshot that came to be managed too late keeps its volume on the backend: its operator removes it."""
        for backend in self.service.sections:
            for path in self.service.images(backend).glob(f'volume-{volume_id}@kept-*'):
                path.unlink()

    def _settle(self):
        for _ in range(60):
            live = self.service.live_jobs()
            if not live:
                break
            for job in live:
                self._work(job, None)
                if job.kind == 'volume.delete':
                    self._let_go(job.resource_id)
        assert not self.service.live_jobs(), f'jobs never end: {[job.kind for job in self.service.live_jobs()]}'

    def time_passes(self):
        """A job that has failed for so long is given up when it is worked on next."""
        with inprocess.context.Context(self.service.app, overwrite=True).writing() as conn:
            conn.execute(sa.text("UPDATE jobs SET failing_since = '2026-01-01 00:00:00.000000' "
                                 'WHERE failing_since IS NOT NULL'))

    def lose_backend(self, backend):
        """Nobody serves a backend for long: a sweep settles what waits for it.  Then it returns."""
        service = self.service
        with inprocess.context.Context(service.app, overwrite=True).writing() as conn:
            conn.execute(sa.delete(tables.processes).where(
                tables.processes.c.service_id == service.service_ids[backend]))
            conn.execute(sa.text("UPDATE jobs SET updated_at = '2026-01-01 00:00:00.000000' WHERE topic = :topic"),
                         {'topic': backend})
        sweeper.Sweeper(service.app, _Silence(), handlers.BACKEND).sweep()
        service.replace_worker()
        self._check_exact()

    def _report(self):
        for backend in BACKENDS:
            driver = self.service.drivers[backend]
            driver.foreign = sum(path.stat().st_size // GIB for path in self.service.images(
                backend.partition('@')[2]).glob('loose-*'))
        self.service.report()

    def _look(self):
        """What can be seen can be shown."""
        self.looks += 1
        code, _ = self.ask('GET', LOOKS[self.looks % len(LOOKS)], roles=inprocess.ADMIN)
        assert code == 200

    # --- what has to hold
    @stateful.invariant()
    def all_is_well(self):
        assert not self.surprises.found, self.surprises.found[0]
        with self.service.ctx.reading():
            self.known = self.counts()
            self._learn()
            self._check_exact()
            self._check_attachments()
            self._check_data()
            if not self.known['jobs'] and self.checked_at != self.changes:
                self._check_settled()
            self.checked_at = self.changes
        self.rounds += 1
        if self.rounds % 3 == 0:
            self._look()

    def _check_exact(self):
        service = self.service
        wrong = [*invariants.usage(service), *invariants.claims(service), *service.query(STRANDED)]
        assert not wrong, wrong

    def _check_attachments(self):
        found = collections.defaultdict(set)
        for row in self.service.query('SELECT volume_id, attach_status FROM attachments'):
            found[row.volume_id].add(row.attach_status)
        for row in self.service.rows(tables.volumes).values():
            strongest = next(state for state in BY_ATTACHMENTS if state in found[row.id] or state == 'detached')
            assert row.attach_status == strongest, f'{row.id} is {row.attach_status}, its attachments {strongest}'
            if row.status not in BY_ATTACHMENTS.values() or row.id in self.overruled:
                continue
            allowed = {BY_ATTACHMENTS[strongest]}
            if strongest in ('attached', 'detached'):
                allowed |= {'attaching'}  # os-reserve
            if strongest == 'attached':
                allowed |= {'detaching'}  # os-begin_detaching
            assert row.status in allowed, f'volume {row.id} is {row.status}, its attachments {strongest}'
        volumes = self.service.rows(tables.volumes)
        assert set(found) <= set(volumes)

    def _check_data(self):
        """Volumes and snapshots that can be used have the data they should."""
        volumes = self.service.rows(tables.volumes)
        live = {job.live_key for job in self.service.live_jobs()}
        for row in volumes.values():
            if row.status in ('available', 'in-use', 'reserved') and row.id not in self.doubted | live:
                assert self.image(row).stat().st_size == row.size * GIB
                self._check_token(self.image(row), row)
        for row in self.service.rows(tables.snapshots).values():
            volume = volumes[row.volume_id]
            if row.status == 'available' and not {row.id, volume.id} & self.doubted and volume.id not in live:
                self._check_token(self.image(volume, f'@snapshot-{row.id}'), row)

    def _check_token(self, path, row):
        with open(path, 'rb') as image:
            token = image.read(8)
        assert token in self.tokens[row.id], f'{path.name} holds {token}, not {self.tokens[row.id]}'

    def _check_settled(self):
        """Nothing is under way: rows and backends are the same, and nothing is left of any work."""
        service = self.service
        assert checks.usage(service.ctx) == []
        assert checks.claims(service.ctx) == []
        assert checks.stranded(service.ctx) == [], checks.stranded(service.ctx)
        wrong = []
        # It was given up when nobody could say whether it has grown.
        unknown = {row.id for row in service.rows(tables.volumes).values() if row.status == 'error_extending'}
        for name, section in service.sections.items():
            for found in volume_checks.compare(service.ctx, section, service.drivers[section.host]):
                image, _, snapshot = found.name.partition('@')
                about = {image.removeprefix('volume-'), snapshot.removeprefix('snapshot-')}
                if found.what in ('missing', 'size') and about & (self.doubted | unknown):
                    continue
                wrong.append(found)
            wrong += self._leavings(name)
        assert wrong == [], wrong
        assert service.query('SELECT * FROM volume_moves') == [], 'a move is left'
        if not self.timeouts:
            assert service.query('SELECT * FROM answers') == [], 'an answer is left'
        live = 'SELECT job_id FROM holds JOIN jobs ON jobs.id = job_id WHERE outcome IS NULL'
        assert service.query(live) == []
        if not self.exports_doubted:
            self._check_exports()

    def _leavings(self, backend):
        """Files that belong to no row, whole or in part, by their names and not by blockctl's word."""
        volumes = {f'volume-{row.name_id or row.id}' for row in self.service.rows(tables.volumes).values()
                   if row.host and row.host.endswith(f'#{backend}')}
        snapshots = {f'snapshot-{row.id}' for row in self.service.rows(tables.snapshots).values()}
        for path in self.service.images(backend).iterdir():
            image, _, snapshot = path.name.partition('@')
            if path.is_dir() or path.name.startswith(('.', 'loose-')):
                continue
            temporary = names.is_temporary(path.name)
            image = image.partition('.')[0]
            snapshot = snapshot.partition('.')[0] if temporary else snapshot
            if image not in volumes or (snapshot and snapshot not in snapshots and not snapshot.startswith('kept-')):
                yield f'{path.name} is on {backend}, and no row names it'

    def _check_exports(self):
        for backend, driver in self.service.drivers.items():
            exported = getattr(driver, 'exported', set())
            wanted = {(f'volume-{row.volume_id}', row.attached_host)
                      for row in self.service.rows(tables.attachments).values() if row.exported}
            volumes = {f'volume-{row.id}' for row in self.service.rows(tables.volumes).values()
                       if row.host and row.host.startswith(f'{backend}#')}
            wanted = {each for each in wanted if each[0] in volumes and driver.exports}
            assert wanted == exported, f'{exported} are exported, not {wanted}'

    def teardown(self):
        self._settle()
        self.all_is_well()


class _Silence:
    """A beat by which services that do not beat are down."""

    silence_counts = True


def _of(choices, number):
    return choices[number % len(choices)]


DESCRIPTIONS = ('metadata', 'image', 'readonly', 'bootable', 'name')
LEGACY = ('os-reserve', 'os-unreserve', 'os-begin_detaching', 'os-roll_detaching', 'os-attach', 'os-detach',
          'os-force_detach', 'os-initialize_connection', 'os-terminate_connection')

#: (how often, of what there has to be some, what is done with two numbers, a yes or no, and trouble).
#: Where there is none, jobs are worked on instead, or a volume is created.
STEPS = (
    (4, None, lambda s, a, b, yes, t: s.create(1 + b % 3, _of((None, *TYPES), a), a if yes else None, t)),
    (3, 'snapshots', lambda s, a, b, yes, t: s.create_from_snapshot(a, int(yes), _of((None, None, *TYPES), b), t)),
    (4, 'volumes', lambda s, a, b, yes, t: s.create_from_volume(a, int(yes), _of((None, None, *TYPES), b), t)),
    (7, 'volumes', lambda s, a, b, yes, t: s.delete(a, yes, b % 4 == 0, t)),
    (4, 'volumes', lambda s, a, b, yes, t: s.extend(a, b % 3, '3.71' if yes else '3.41', t)),
    (4, 'volumes', lambda s, a, b, yes, t: s.retype(a, _of(TYPES, b), 'on-demand' if yes else 'never', t)),
    (4, 'volumes', lambda s, a, b, yes, t: s.migrate(a, _of(BACKENDS, b), yes, t)),
    (4, 'snapshots', lambda s, a, b, yes, t: s.revert(a, t)),
    (4, 'volumes', lambda s, a, b, yes, t: s.write(a)),
    (2, 'volumes', lambda s, a, b, yes, t: s.describe(a, _of(DESCRIPTIONS, b))),
    (6, 'volumes', lambda s, a, b, yes, t: s.snapshot(a, yes, t)),
    (6, 'snapshots', lambda s, a, b, yes, t: s.delete_snapshot(a, b % 3 == 0, t)),
    (6, 'volumes', lambda s, a, b, yes, t: s.attach(a, b % 4, _of((None, *HOSTS), b), t)),
    (4, 'attachments', lambda s, a, b, yes, t: s.connect(a, _of(HOSTS, b), t)),
    (3, 'attachments', lambda s, a, b, yes, t: s.complete(a)),
    (4, 'attachments', lambda s, a, b, yes, t: s.detach(a, yes, t)),
    (4, 'volumes', lambda s, a, b, yes, t: s.legacy(a, _of(LEGACY, b), int(yes), t)),
    (2, None, lambda s, a, b, yes, t: s.reset_status(
        a, _of(('volumes', 'snapshots', 'groups', 'group_snapshots'), b),
        _of(('available', 'error', 'error_deleting', 'in-use'), a + b))),
    (1, 'attachments', lambda s, a, b, yes, t: s.reset_attachments(a)),
    (1, None, lambda s, a, b, yes, t: s.limit(6 + a, 24 + 2 * b, 2 + b % 4)),
    (2, 'volumes', lambda s, a, b, yes, t: s.unmanage(a)),
    (3, 'loose', lambda s, a, b, yes, t: s.manage(a, _of(TYPES, b), t)),
    (2, 'snapshots', lambda s, a, b, yes, t: s.unmanage_snapshot(a, yes, t)),
    (1, None, lambda s, a, b, yes, t: s.list_manageable(_of(('volumes', 'snapshots'), a), _of(BACKENDS, b), t)),
    (2, None, lambda s, a, b, yes, t: s.create_group('plain' if yes else 'together', TYPES if a % 2 else TYPES[:1], t)),
    (4, 'groups', lambda s, a, b, yes, t: s.change_group(a, b, b % 3 == 0, t)),
    (2, 'groups', lambda s, a, b, yes, t: s.delete_group(a, yes, t)),
    (4, 'groups', lambda s, a, b, yes, t: s.snapshot_group(a, t)),
    (2, 'group_snapshots', lambda s, a, b, yes, t: s.delete_group_snapshot(a, t)),
    (2, 'groups', lambda s, a, b, yes, t: s.copy_group(a, yes, t)),
    (25, 'jobs', lambda s, a, b, yes, t: s.work(a if yes else 0, t, _of(INTRUSIONS, a + b), b)),
    (8, 'jobs', lambda s, a, b, yes, t: s.work_on(2 + b)),
    (3, 'jobs', lambda s, a, b, yes, t: s.settle()),
    (3, 'failing', lambda s, a, b, yes, t: s.time_passes()),
    (2, 'jobs', lambda s, a, b, yes, t: s.lose_backend(_of(BACKENDS, a))),
)

_CREATE = STEPS[0][2]

_WORK = next(what for _, needs, what in STEPS if needs == 'jobs')

#: Each as often as it is to be taken.
_WEIGHTED = tuple(number for number, step in enumerate(STEPS) for _ in range(step[0]))

# SPDX-License-Identifier: Apache-2.0
"""The API in process, on SQLite, for the stories: no service runs, so a volume stays 'creating'.

Who asks is in the headers, in the place of Keystone: X-Roles (member,reader), X-Project-Id (PROJECT), X-User-Id (USER).
Every answer is checked for the rule that its route declares: whoever got or was refused something was asked for it.
"""

import datetime
import logging
import os
import shutil
import tempfile
import uuid

import sqlalchemy as sa
from gabbi import fixture

from blockctl import conf as configuration
from blockctl import context
from blockctl import exceptions
from blockctl.api import app as api
from blockctl.api import dispatch
from blockctl.api import negotiation
from blockctl.api import routes
from blockctl.api.middleware import auth
from blockctl.api.middleware import request_id
from blockctl.cmd import process
from blockctl.conf.key_manager import FIXED_KEY_ID
from blockctl.db import schema
from blockctl.db import tables
from blockctl.rpc import transport

PROJECT, OTHER_PROJECT, USER = 'a' * 32, 'b' * 32, 'c' * 32

_RULES = {id(row.endpoint): row.rule for row in (*routes.ROUTES, *routes.ACTIONS)}


class PersonaAuth:
    """Takes the place of keystonemiddleware: the headers say who asks; X-Auth-Token 'none' is nobody."""

    def __init__(self, application, app):
        self._application = application
        self._app = app

    def __call__(self, environ, start_response):
        if environ.get('HTTP_X_AUTH_TOKEN') == 'none':
            raise exceptions.Unauthenticated()
        ctx = context.Context(
            self._app, user_id=environ.get('HTTP_X_USER_ID', USER),
            project_id=environ.get('HTTP_X_PROJECT_ID', PROJECT),
            roles=environ.get('HTTP_X_ROLES', 'member,reader').split(','), request_id=environ[request_id.REQUEST_ID],
            global_request_id=environ.get(request_id.GLOBAL_REQUEST_ID), overwrite=True)
        ctx.is_service = 'service' in environ.get('HTTP_X_SERVICE_ROLES', '').split(',')
        return auth.hand_on(self._application, environ, start_response, ctx)


class RuleCheck:
    """Notes which rules are asked during a request, and compares with the one its route declares."""

    def __init__(self, application, app):
        self._application = application
        self._policy = app.policy
        self._asked = set()
        app.policy = self

    def allows(self, ctx, rule, target=None):
        self._asked.add(rule)
        return self._policy.allows(ctx, rule, target)

    def __call__(self, environ, start_response):
        self._asked.clear()
        codes = []

        def start(status, headers, exc_info=None):
            codes.append(int(status.split()[0]))
            return start_response(status, headers, exc_info)

        answer = self._application(environ, start)
        if codes[0] < 400 or codes[0] == 403:
            self._compare(environ)
        return answer

    def _compare(self, environ):
        try:
            path = dispatch.split(environ['PATH_INFO'])[1]
        except exceptions.NotFound:
            return
        endpoint, _ = dispatch.TABLE.find(environ['REQUEST_METHOD'], path, negotiation.negotiate(environ))
        rule = _RULES.get(id(endpoint))
        assert rule is None or rule in self._asked, f'{rule} was not asked for {path}: {sorted(self._asked)}'


class Stage:
    """One API on a database of its own."""

    def __init__(self, **options):
        self.directory = tempfile.mkdtemp(prefix='blockctl-api-')
        conf = configuration.load([], files=[])
        conf.set_override('state_path', self.directory)
        conf.set_override('host', 'stage')
        for name, value in options.items():
            conf.set_override(name, value)
        self.app = process.compose(conf, 'embedded://')
        schema.sync(self.app.db, conf.default_volume_type)
        self.wsgi = RuleCheck(api.make_app(self.app, authenticate=PersonaAuth), self.app)

    def insert(self, table, **values):
        with self.app.db.connection(write=True) as conn:
            conn.execute(table.insert().values(**values))

    def volume(self, name, project=PROJECT, metadata=None, image_metadata=None, **values):
        """A volume as it would be after some work. Returns its id."""
        volume_id = str(uuid.uuid4())
        row = {'id': volume_id, 'project_id': project, 'user_id': USER, 'name': name, 'size': 1,
               'status': 'available', 'availability_zone': 'nova', 'volume_type_id': self.type_id(),
               'created_at': datetime.datetime(2026, 1, 1)}
        self.insert(tables.volumes, **{**row, **values})
        for table, pairs in ((tables.volume_metadata, metadata), (tables.volume_image_metadata, image_metadata)):
            for key, value in (pairs or {}).items():
                self.insert(table, volume_id=volume_id, key=key, value=value)
        return volume_id

    def type_id(self):
        """Of the default type: the others' ids come before or after it by chance."""
        types = tables.volume_types
        with self.app.db.connection(write=False) as conn:
            return conn.execute(types.select().with_only_columns(types.c.id).where(
                types.c.name == self.app.conf.default_volume_type)).scalar_one()

    def close(self):
        self.app.db.dispose()
        shutil.rmtree(self.directory)


_current = []


def application():
    """What gabbi's requests go to; it asks for it before any story runs."""
    def current(environ, start_response):
        return _current[-1].wsgi(environ, start_response)
    return current


class Empty(fixture.GabbiFixture):
    """An API with nothing but the default type. PROJECT, OTHER and TYPE are in the environment of the story."""

    def options(self):
        """Options of [DEFAULT] that differ."""
        return {}

    def start_fixture(self):
        self.stage = Stage(**self.options())
        _current.append(self.stage)
        self.say(PROJECT=PROJECT, OTHER=OTHER_PROJECT, TYPE=self.stage.type_id(), NOWHERE=str(uuid.uuid4()))
        self.fill()

    def fill(self):
        """What a story finds there."""

    def say(self, **values):
        os.environ.update(values)

    def stop_fixture(self):
        _current.remove(self.stage)
        self.stage.close()


class OneVolume(Empty):
    """VOLUME is available on a backend, THEIRS is another project's."""

    def fill(self):
        self.say(VOLUME=self.stage.volume('alpha', host='stage@one#pool', metadata={'color': 'red'},
                                          provider_id='image-1', shared_targets=False),
                 THEIRS=self.stage.volume('theirs', project=OTHER_PROJECT))


class ManyVolumes(Empty):
    """Six volumes of one project, made a minute after each other (V1 first), one of another's (THEIRS); two zones."""

    def fill(self):
        def at(minute):
            return datetime.datetime(2026, 1, 1, 0, minute)

        rows = (
            {'name': 'alpha', 'metadata': {'color': 'red', 'tier': 'gold'}},
            {'name': 'Alphabet', 'metadata': {'color': 'red'}, 'size': 2},
            {'name': 'beta', 'status': 'error', 'size': 3, 'host': 'stage@one#pool'},
            {'name': None, 'bootable': True, 'image_metadata': {'os': 'linux'}, 'updated_at': at(30)},
            {'name': 'b%ta_1', 'availability_zone': 'east', 'host': 'stage@two#pool'},
            {'name': '\u00e9t\u00e9', 'use_quota': False, 'metadata': {'color': 'blue'}})
        for number, row in enumerate(rows, start=1):
            self.say(**{f'V{number}': self.stage.volume(**row, created_at=at(number))})
        self.say(THEIRS=self.stage.volume('theirs', project=OTHER_PROJECT, created_at=at(9), size=5))


class Zones(Empty):
    """Volume services in the zones nova and east, a disabled one in west; types for east, for west, a private one."""

    def fill(self):
        now = datetime.datetime(2026, 1, 1)
        for number, (zone, disabled) in enumerate((('nova', False), ('east', False), ('west', True))):
            self.stage.insert(tables.services, id=str(uuid.uuid4()), binary='cinder-volume', host=f'stage@{number}',
                              availability_zone=zone, disabled=disabled, frozen=False, created_at=now)
        for name, public in (('eastern', True), ('western', True), ('secret', False)):
            type_id = str(uuid.uuid4())
            self.stage.insert(tables.volume_types, id=type_id, name=name, is_public=public, created_at=now)
            self.say(**{f'{name.upper()}_TYPE': type_id})
        for name, zones in (('EASTERN', 'east,west'), ('WESTERN', 'west')):
            self.stage.insert(tables.volume_type_extra_specs, volume_type_id=os.environ[f'{name}_TYPE'],
                              key='RESKEY:availability_zones', value=zones)


class SmallQuota(Empty):
    """A project may have two volumes and 10 GiB; one volume 8 GiB."""

    def options(self):
        return {'quota_volumes': 2, 'quota_gigabytes': 10, 'per_volume_size_limit': 8}


class Types(Empty):
    """Types, a minute after each other: gold; ours, private, of PROJECT; theirs, private, of OTHER; used, by a volume.

    GOLD_TYPE and so on are their ids.
    """

    rows = (
        ('gold', True, {'volume_backend_name': 'one', 'multiattach': '<is> True', 'RESKEY:availability_zones': 'nova'}),
        ('ours', False, {}),
        ('theirs', False, {}),
        ('used', True, {'volume_backend_name': 'two'}))

    def fill(self):
        for minute, (name, public, specs) in enumerate(self.rows, start=1):
            type_id = str(uuid.uuid4())
            # The default type is made when the stage is: these come before it.
            self.stage.insert(tables.volume_types, id=type_id, name=name, is_public=public,
                              created_at=datetime.datetime(2026, 1, 1, 0, minute))
            for key, value in specs.items():
                self.stage.insert(tables.volume_type_extra_specs, volume_type_id=type_id, key=key, value=value)
            self.say(**{f'{name.upper()}_TYPE': type_id})
        for name, project in (('ours', PROJECT), ('theirs', OTHER_PROJECT)):
            self.stage.insert(tables.volume_type_projects, volume_type_id=os.environ[f'{name.upper()}_TYPE'],
                              project_id=project)
        self.stage.volume('one', volume_type_id=os.environ['USED_TYPE'])


class Services(Empty):
    """A scheduler, and three backends: stage@one is up, stage@two has no process, stage@three is disabled.

    Each backend has a pool of 100 GiB, of which 30 are promised and 5 foreign.
    """

    def fill(self):
        self._service('cinder-scheduler', 'stage', up=True)
        self._service('cinder-volume', 'stage@one', up=True, pool='fast', multiattach=True)
        self._service('cinder-volume', 'stage@two', zone='east', pool='slow')
        self._service('cinder-volume', 'stage@three', zone='west', up=True, pool='slow', disabled=True)

    def _service(self, binary, host, zone='nova', up=False, disabled=False, pool=None, cluster=None, **report):
        service_id, now = str(uuid.uuid4()), datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        self.stage.insert(tables.services, id=service_id, binary=binary, host=host, availability_zone=zone,
                          disabled=disabled, frozen=False, cluster_name=cluster, created_at=now)
        host = cluster or host
        if up:
            self.stage.insert(tables.processes, incarnation=str(uuid.uuid4()), service_id=service_id, machine='m',
                              boot='b', pid=1, started=1, version='1', beat_at=now, created_at=now)
        if pool:
            self.stage.insert(tables.pools, name=f'{host}#{pool}', backend=host, claimed=30,
                              claimed_at_report=30, bound=2000, foreign=5, sequence=1_767_225_600_000_000,
                              changed_at=now, report={
                                  'pool_name': pool, 'volume_backend_name': host.partition('@')[2],
                                  'vendor_name': 'Open Source', 'driver_version': '1.0', 'storage_protocol': 'file',
                                  'total_capacity_gb': 100.0, 'free_capacity_gb': 65.5, 'reserved_percentage': 0,
                                  'max_over_subscription_ratio': 20.0, 'thin_provisioning_support': True,
                                  'backend_state': 'up', 'service_id': service_id, 'availability_zone': zone,
                                  **report})


class Messages(Empty):
    """Three messages of the project, a minute after each other (M1 first), and one of another's (THEIR_MESSAGE)."""

    def fill(self):
        rows = (('M1', PROJECT, 'VOLUME_VOLUME_001_003'), ('M2', PROJECT, 'VOLUME_VOLUME_008_012'),
                ('M3', PROJECT, 'VOLUME_VOLUME_001_003'), ('THEIR_MESSAGE', OTHER_PROJECT, 'VOLUME_VOLUME_001_003'))
        for minute, (name, project, event) in enumerate(rows, start=1):
            message_id = str(uuid.uuid4())
            self.say(**{name: message_id, f'{name}_VOLUME': str(uuid.uuid4())})
            self.stage.insert(tables.messages, id=message_id, project_id=project, request_id=f'req-{message_id}',
                              resource_type='VOLUME', resource_id=os.environ[f'{name}_VOLUME'], event_id=event,
                              message_level='ERROR', user_message='It could not be done.',
                              guaranteed_until=datetime.datetime(2026, 2, 1),
                              created_at=datetime.datetime(2026, 1, 1, 0, minute))


class VolumeActions(Empty):
    """On a pool of 10 GiB: VOLUME (2 GiB, available), USED (1 GiB, attached), BROKEN (1 GiB, error). THEIRS is another
    project's, NOWHERE_VOLUME on no pool, HELD one more (1 GiB).
    """

    def fill(self):
        host = 'stage@one#pool'
        now = datetime.datetime(2026, 1, 1)
        self.stage.insert(tables.pools, name=host, backend='stage@one', claimed=5, claimed_at_report=5, bound=10,
                          foreign=0, report={}, sequence=1, changed_at=now)
        self.say(VOLUME=self.stage.volume('alpha', host=host, size=2, metadata={'color': 'red'}),
                 USED=self.stage.volume('used', host=host, status='in-use', attach_status='attached'),
                 BROKEN=self.stage.volume('broken', host=host, status='error'),
                 HELD=self.stage.volume('held', host=host),
                 NOWHERE_VOLUME=self.stage.volume('nowhere'),
                 THEIRS=self.stage.volume('theirs', project=OTHER_PROJECT, host=host))
        self.stage.insert(tables.attachments, id=str(uuid.uuid4()), volume_id=os.environ['USED'], project_id=PROJECT,
                          instance_id=str(uuid.uuid4()), attach_status='attached', created_at=now)


class Sources(Empty):
    """Volumes and snapshots to make others of, on a pool that has all but the capability of GOLD_TYPE.

    VOLUME (2 GiB, bootable, of the zone east, with image metadata) has SNAPSHOT; BROKEN is in error, as is
    BROKEN_SNAPSHOT; NOWHERE_VOLUME is on no pool; THEIRS and THEIR_SNAPSHOT are another project's.
    """

    def fill(self):
        host = 'stage@one#pool'
        now = datetime.datetime(2026, 1, 1)
        self.stage.insert(tables.pools, name=host, backend='stage@one', claimed=4, claimed_at_report=4, bound=100,
                          foreign=0, report={'multiattach': True}, sequence=1, changed_at=now)
        for number, zone in enumerate(('nova', 'east')):
            self.stage.insert(tables.services, id=str(uuid.uuid4()), binary='cinder-volume', host=f'stage@{number}',
                              availability_zone=zone, disabled=False, frozen=False, created_at=now)
        self.say(VOLUME=self.stage.volume('alpha', host=host, size=2, bootable=True, availability_zone='east',
                                          metadata={'color': 'red'}, image_metadata={'os': 'linux'}),
                 BROKEN=self.stage.volume('broken', host=host, status='error'),
                 NOWHERE_VOLUME=self.stage.volume('nowhere'),
                 THEIRS=self.stage.volume('theirs', project=OTHER_PROJECT, host=host))
        self.say(SNAPSHOT=self._snapshot('VOLUME', size=2), BROKEN_SNAPSHOT=self._snapshot('VOLUME', status='error'),
                 THEIR_SNAPSHOT=self._snapshot('THEIRS', project=OTHER_PROJECT))
        for name, key, value in (('gold', 'volume_backend_name', 'gold'), ('shared', 'multiattach', '<is> True')):
            type_id = str(uuid.uuid4())
            self.stage.insert(tables.volume_types, id=type_id, name=name, is_public=True, created_at=now)
            self.stage.insert(tables.volume_type_extra_specs, volume_type_id=type_id, key=key, value=value)
            self.say(**{f'{name.upper()}_TYPE': type_id})

    def _snapshot(self, volume, size=1, status='available', project=PROJECT, **values):
        snapshot_id = str(uuid.uuid4())
        self.stage.insert(tables.snapshots, id=snapshot_id, project_id=project, volume_id=os.environ[volume],
                          volume_size=size, status=status, created_at=datetime.datetime(2026, 1, 1), **values)
        return snapshot_id


class SourcesAnywhere(Sources):
    """The same, and volumes may be asked into another zone than their source's."""

    def options(self):
        return {'cloned_volume_same_az': False, 'snapshot_same_host': False}


class Transfers(Sources):
    """Sources, and: TAKEN_VOLUME (1 GiB) has TAKEN_SNAPSHOT, both available; GROUPED is in a group, SECRET encrypted.

    GRABBED has a snapshot that is part of a group snapshot; HIDDEN is of a type for PROJECT only, as HIDDEN_TYPE.
    FIXED is encrypted with the key that all share.  Requests that wait for a backend give up at once.
    """

    def fill(self):
        super().fill()
        transport.response_timeout(self.stage.app.conf)
        self.stage.app.conf.set_override('rpc_response_timeout', 0)
        host, now = 'stage@one#pool', datetime.datetime(2026, 1, 1)
        hidden = str(uuid.uuid4())
        self.stage.insert(tables.volume_types, id=hidden, name='hidden', is_public=False, created_at=now)
        self.stage.insert(tables.volume_type_projects, volume_type_id=hidden, project_id=PROJECT)
        self.say(TAKEN_VOLUME=self.stage.volume('taken', host=host, volume_type_id=os.environ['TYPE']),
                 GRABBED=self.stage.volume('grabbed', host=host),
                 GROUPED=self.stage.volume('grouped', host=host, group_id=str(uuid.uuid4())),
                 SECRET=self.stage.volume('secret', host=host, encryption_key_id=str(uuid.uuid4())),
                 FIXED=self.stage.volume('fixed', host=host, encryption_key_id=FIXED_KEY_ID),
                 USED=self.stage.volume('used', host=host, status='in-use', attach_status='attached'),
                 HIDDEN=self.stage.volume('hidden', host=host, volume_type_id=hidden), HIDDEN_TYPE=hidden)
        self.say(TAKEN_SNAPSHOT=self._snapshot('TAKEN_VOLUME', volume_type_id=os.environ['TYPE']))
        self.stage.insert(tables.snapshots, id=str(uuid.uuid4()), project_id=PROJECT, volume_id=os.environ['GRABBED'],
                          volume_size=1, status='available', group_snapshot_id=str(uuid.uuid4()), created_at=now)


class Moves(Services):
    """Backends stage@one, stage@two and stage@down, which has no process; the types gold and shared.

    On stage@one#pool: VOLUME, PLAIN, BROKEN (error), USED (attached), ANCHORED (it has SNAPSHOT), THEIRS.
    """

    def fill(self):
        for name in ('one', 'two', 'down'):
            self._service('cinder-volume', f'stage@{name}', up=name != 'down', pool='pool')
        now = datetime.datetime(2026, 1, 1)
        host, others = 'stage@one#pool', {
            'BROKEN': {'status': 'error'}, 'USED': {'status': 'in-use', 'attach_status': 'attached'},
            'THEIRS': {'project': OTHER_PROJECT}}
        for name in ('VOLUME', 'PLAIN', 'BROKEN', 'USED', 'ANCHORED', 'THEIRS'):
            self.say(**{name: self.stage.volume(name.lower(), host=host, **others.get(name, {}))})
        self.say(SNAPSHOT=str(uuid.uuid4()))
        self.stage.insert(tables.snapshots, id=os.environ['SNAPSHOT'], project_id=PROJECT,
                          volume_id=os.environ['ANCHORED'], volume_size=1, status='available', created_at=now)
        # Made after the volumes, which have the default type: the only one until here.
        for name, specs in (('gold', {}), ('shared', {'multiattach': '<is> True'})):
            type_id = str(uuid.uuid4())
            self.stage.insert(tables.volume_types, id=type_id, name=name, is_public=True, created_at=now)
            for key, value in specs.items():
                self.stage.insert(tables.volume_type_extra_specs, volume_type_id=type_id, key=key, value=value)


class Compute:
    """Stands in for Nova, which does not run here: BUSY_SERVER uses what is attached to it, of AWAY nobody can say."""

    configured = False

    def uses(self, ctx, server_id, volume_id, attachment_id):
        if server_id == os.environ['AWAY_SERVER']:
            raise exceptions.BackendUnavailable(reason='asked for by a test')
        return server_id == os.environ['BUSY_SERVER']


class Attachments(Empty):
    """VOLUME and SHARED (of which several servers may have one) are available, BROKEN is in error; NEW has no place.

    USED is attached to BUSY_SERVER (by USED_ATTACHMENT), LEFT to a server that does not use it (by LEFT_ATTACHMENT),
    AWAY to one of which Nova cannot say, READONLY can only be read, THEIRS (by THEIRS_ATTACHMENT) is another project's.
    Requests that wait for a backend give up at once.
    """

    def fill(self):
        transport.response_timeout(self.stage.app.conf)
        self.stage.app.conf.set_override('rpc_response_timeout', 0)
        self.stage.app.compute = Compute()
        for name in ('SERVER', 'OTHER_SERVER', 'BUSY_SERVER', 'LEFT_SERVER', 'AWAY_SERVER'):
            self.say(**{name: str(uuid.uuid4())})
        here = {'host': 'stage@one#pool'}
        self.say(VOLUME=self.stage.volume('alpha', **here), NEW=self.stage.volume('new'),
                 SHARED=self.stage.volume('shared', multiattach=True, **here),
                 BROKEN=self.stage.volume('broken', status='error', **here),
                 READONLY=self.stage.volume('readonly', **here))
        self.stage.insert(tables.volume_admin_metadata, volume_id=os.environ['READONLY'], key='readonly', value='True')
        self._attached('USED', 1, os.environ['BUSY_SERVER'])
        self._attached('LEFT', 2, os.environ['LEFT_SERVER'])
        self._attached('AWAY', 3, os.environ['AWAY_SERVER'])
        self._attached('THEIRS', 4, os.environ['LEFT_SERVER'], OTHER_PROJECT)

    def _attached(self, name, minute, server, project=PROJECT):
        volume_id = self.stage.volume(name.lower(), project=project, host='stage@one#pool', status='in-use',
                                      attach_status='attached')
        attachment_id, when = str(uuid.uuid4()), datetime.datetime(2026, 1, 1, 0, minute)
        self.stage.insert(tables.attachments, id=attachment_id, volume_id=volume_id, project_id=project,
                          instance_id=server, attached_host='compute', mountpoint='/dev/vdb', attach_mode='rw',
                          attach_status='attached', connection_info={'driver_volume_type': 'local'},
                          connector={'host': 'compute'}, exported=False, attach_time=when, created_at=when)
        self.say(**{name: volume_id, f'{name}_ATTACHMENT': attachment_id})


class Snapshots(Empty):
    """VOLUME (2 GiB) has S1 (with metadata), S2 (error) and S3, a minute after each other; USED is attached.

    OLD and LATEST are of LONE (1 GiB), the former of 1 GiB; GROWN_SNAPSHOT is of GROWN, that has grown since; BUSY is
    being taken, of BUSY_VOLUME.  BROKEN is in error, NOWHERE_VOLUME on no pool; THEIRS and THEIR_SNAPSHOT are another
    project's.
    """

    def fill(self):
        host = 'stage@one#pool'
        volumes = {
            'VOLUME': {'size': 2, 'availability_zone': 'east'}, 'LONE': {}, 'GROWN': {'size': 3}, 'BUSY_VOLUME': {},
            'USED': {'status': 'in-use', 'attach_status': 'attached'}, 'BROKEN': {'status': 'error'},
            'NOWHERE_VOLUME': {'host': None}, 'THEIRS': {'project': OTHER_PROJECT}}
        for name, values in volumes.items():
            self.say(**{name: self.stage.volume(name.lower(), **{'host': host, **values})})
        rows = (
            ('S1', 'VOLUME', {'name': 'alpha', 'volume_size': 2, 'progress': '100%'}),
            ('S2', 'VOLUME', {'name': 'Alphabet', 'volume_size': 2, 'status': 'error', 'use_quota': False}),
            ('S3', 'VOLUME', {'name': 'beta', 'volume_size': 2}),
            ('OLD', 'LONE', {'name': 'old'}), ('LATEST', 'LONE', {'name': 'latest'}),
            ('GROWN_SNAPSHOT', 'GROWN', {'name': 'grown'}),
            ('BUSY', 'BUSY_VOLUME', {'name': 'busy', 'status': 'creating'}),
            ('THEIR_SNAPSHOT', 'THEIRS', {'name': 'theirs', 'project_id': OTHER_PROJECT}))
        for minute, (name, volume, values) in enumerate(rows, start=1):
            snapshot_id = str(uuid.uuid4())
            self.say(**{name: snapshot_id})
            self.stage.insert(tables.snapshots, **{
                'id': snapshot_id, 'project_id': PROJECT, 'user_id': USER, 'volume_id': os.environ[volume],
                'volume_size': 1, 'status': 'available', 'created_at': datetime.datetime(2026, 1, 1, 0, minute),
                'volume_type_id': self.stage.type_id(), **values})
        self.stage.insert(tables.snapshot_metadata, snapshot_id=os.environ['S1'], key='color', value='red')


class SmallSnapshotQuota(Snapshots):
    """The same; a project may have two snapshots, and 5 GiB."""

    def options(self):
        return {'quota_snapshots': 2, 'quota_gigabytes': 5}


class Groups(Empty):
    """GROUP (of PLAIN_TYPE) has ONE and TWO on a pool, LOOSE is a volume of none beside them, ODD one of OTHER_TYPE.

    GROUP_SNAPSHOT is of GROUP2, whose volume is THREE.  EMPTY has no volumes, CREATING is not there yet, CONSISTENT is
    a consistency group (of RESERVED_TYPE), THEIR_GROUP another project's.  SECRET_TYPE is a private group type,
    MIRRORED a group of a type that asks for replication.
    """

    host = 'stage@one#pool'
    now = datetime.datetime(2026, 1, 1)

    def fill(self):
        self.stage.insert(tables.pools, name=self.host, backend='stage@one', claimed=5, claimed_at_report=5, bound=100,
                          foreign=0, report={}, sequence=1, changed_at=self.now)
        self.kind, other = self.stage.type_id(), str(uuid.uuid4())
        self.stage.insert(tables.volume_types, id=other, name='other', is_public=True, created_at=self.now)
        self.say(OTHER_TYPE=other, RESERVED_TYPE=self._reserved())
        for minute, (name, public, specs) in enumerate((
                ('plain', True, {'color': 'red'}), ('secret', False, {}),
                ('mirrored', True, {'consistent_group_replication_enabled': '<is> True'})), start=1):
            type_id = str(uuid.uuid4())
            self.stage.insert(tables.group_types, id=type_id, name=name, is_public=public,
                              created_at=self.now + datetime.timedelta(minutes=minute))
            for key, value in specs.items():
                self.stage.insert(tables.group_type_specs, group_type_id=type_id, key=key, value=value)
            self.say(**{f'{name.upper()}_TYPE': type_id})
        for minute, (name, type_name, values) in enumerate((
                ('GROUP', 'PLAIN_TYPE', {}), ('GROUP2', 'PLAIN_TYPE', {}), ('EMPTY', 'PLAIN_TYPE', {}),
                ('CREATING', 'PLAIN_TYPE', {'status': 'creating', 'host': None}), ('CONSISTENT', 'RESERVED_TYPE', {}),
                ('MIRRORED', 'MIRRORED_TYPE', {}), ('THEIR_GROUP', 'PLAIN_TYPE', {'project_id': OTHER_PROJECT}))):
            self.say(**{name: self._group(name, os.environ[type_name], minute, **values)})
        for name, values in (('ONE', {'group_id': os.environ['GROUP']}), ('TWO', {'group_id': os.environ['GROUP']}),
                             ('THREE', {'group_id': os.environ['GROUP2']}), ('LOOSE', {}),
                             ('OLD', {'group_id': os.environ['CONSISTENT']}), ('ODD', {'volume_type_id': other}),
                             ('AWAY', {'host': 'stage@two#pool'})):
            self.say(**{name: self.stage.volume(name, **{'host': self.host, 'volume_type_id': self.kind, **values})})
        self.say(GROUP_SNAPSHOT=self._snapshot('GROUP2', 'THREE', PROJECT),
                 THEIR_GROUP_SNAPSHOT=self._snapshot('THEIR_GROUP', None, OTHER_PROJECT))

    def _reserved(self):
        with self.stage.app.db.connection(write=False) as conn:
            return conn.execute(sa.select(tables.group_types.c.id)).scalar()

    def _group(self, name, type_id, minute, **values):
        group_id = str(uuid.uuid4())
        self.stage.insert(tables.groups, **{
            'id': group_id, 'project_id': PROJECT, 'user_id': USER, 'name': name.lower(), 'group_type_id': type_id,
            'status': 'available', 'host': self.host, 'availability_zone': 'nova', 'replication_status': 'disabled',
            'created_at': self.now + datetime.timedelta(minutes=minute), **values})
        self.stage.insert(tables.group_volume_types, group_id=group_id, volume_type_id=self.kind)
        return group_id

    def _snapshot(self, group, volume, project):
        taken = str(uuid.uuid4())
        self.stage.insert(tables.group_snapshots, id=taken, project_id=project, user_id=USER, name='first',
                          group_id=os.environ[group], group_type_id=os.environ['PLAIN_TYPE'], status='available',
                          created_at=self.now)
        if volume:
            self.stage.insert(tables.snapshots, id=str(uuid.uuid4()), project_id=project, user_id=USER, name='first',
                              volume_id=os.environ[volume], volume_size=1, status='available', group_snapshot_id=taken,
                              created_at=self.now)
        return taken


class Encrypted(Empty):
    """The types secret, odd (an unknown provider) and exotic (an unknown cipher) are encrypted; secret as SECRET_TYPE.

    SECRET, of that type, has KEY; FIXED has the key that all share; PLAIN is not encrypted.
    """

    def fill(self):
        host, now = 'stage@one#pool', datetime.datetime(2026, 1, 1)
        key = str(uuid.uuid4())
        for name, provider, cipher in (('secret', 'luks', 'aes-xts-plain64'), ('odd', 'plain', 'aes-xts-plain64'),
                                       ('exotic', 'luks', 'rot13')):
            type_id = str(uuid.uuid4())
            self.stage.insert(tables.volume_types, id=type_id, name=name, is_public=True, created_at=now)
            self.stage.insert(tables.volume_type_encryptions, volume_type_id=type_id, encryption_id=str(uuid.uuid4()),
                              provider=provider, cipher=cipher, key_size=256, control_location='front-end',
                              created_at=now)
            self.say(**{f'{name.upper()}_TYPE': type_id})
        secret = os.environ['SECRET_TYPE']
        self.stage.insert(tables.pools, name=host, backend='stage@one', claimed=3, claimed_at_report=3, bound=100,
                          foreign=0, report={}, sequence=1, changed_at=now)
        self.stage.insert(tables.services, id=str(uuid.uuid4()), binary='cinder-volume', host='stage@one',
                          availability_zone='nova', disabled=False, frozen=False, created_at=now)
        self.say(KEY=key, PLAIN=self.stage.volume('plain', host=host, volume_type_id=os.environ['TYPE']),
                 SECRET=self.stage.volume('secret', host=host, volume_type_id=secret, encryption_key_id=key),
                 FIXED=self.stage.volume('fixed', host=host, volume_type_id=secret, encryption_key_id=FIXED_KEY_ID))


class Clusters(Services):
    """Beside these services: left@deep, which is up, and right@deep, which is not, in the cluster pair@deep.

    CLUSTERED is a volume there, LOOSE one on stage@one, PLAIN_TYPE a type.
    """

    def fill(self):
        super().fill()
        self.stage.insert(tables.clusters, id=str(uuid.uuid4()), binary='cinder-volume', name='pair@deep',
                          disabled=False, frozen=False, replication_status='disabled',
                          created_at=datetime.datetime(2026, 1, 1))
        self._service('cinder-volume', 'left@deep', up=True, pool='ocean', cluster='pair@deep')
        self._service('cinder-volume', 'right@deep', cluster='pair@deep')
        self.say(CLUSTERED=self.stage.volume('clustered', host='pair@deep#ocean', cluster_name='pair@deep#ocean'),
                 LOOSE=self.stage.volume('loose', host='stage@one#fast'))


class Freezing(Groups):
    """The same groups; their backend stage@one is up, as is stage@two. SNAPSHOT is of LOOSE; MINE of no backend."""

    def fill(self):
        super().fill()
        for host in ('stage@one', 'stage@two'):
            service_id = str(uuid.uuid4())
            self.stage.insert(tables.services, id=service_id, binary='cinder-volume', host=host,
                              availability_zone='nova', disabled=False, frozen=False, created_at=self.now)
            self.stage.insert(tables.processes, incarnation=str(uuid.uuid4()), service_id=service_id, machine='m',
                              boot='b', pid=1, started=1, version='1', created_at=self.now,
                              beat_at=datetime.datetime.now(datetime.UTC).replace(tzinfo=None))
        self.stage.insert(tables.pools, name='stage@two#pool', backend='stage@two', claimed=1, claimed_at_report=1,
                          bound=100, foreign=0, report={}, sequence=1, changed_at=self.now)
        snapshot_id = str(uuid.uuid4())
        self.stage.insert(tables.snapshots, id=snapshot_id, project_id=PROJECT, user_id=USER, name='frozen',
                          volume_id=os.environ['LOOSE'], volume_size=1, status='available', created_at=self.now)
        self.say(SNAPSHOT=snapshot_id, MINE=self.stage.volume('mine'))


class Loggers(Empty):
    """The API hears questions, as a process does that has started; nothing else runs."""

    def fill(self):
        logging.getLogger('blockctl.told').setLevel(logging.INFO)
        self.stage.app.processes.start('stage', lambda: [('cinder-api', 'stage')])

    def stop_fixture(self):
        self.stage.app.processes.stop()
        super().stop_fixture()
        logging.getLogger('blockctl.told').setLevel(logging.NOTSET)


class Interrupted(Clusters):
    """WAITING is a volume on stage@one whose deletion waits for its next try, AWAY one on stage@two."""

    def fill(self):
        super().fill()
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        for name, host in (('WAITING', 'stage@one'), ('AWAY', 'stage@two')):
            volume_id = self.stage.volume(name, host=f'{host}#fast', status='deleting')
            self.stage.insert(tables.jobs, id=str(uuid.uuid4()), kind='volume.delete', resource_id=volume_id,
                              live_key=volume_id, topic=host, payload={}, needs=1, epoch=1, direction='do',
                              to_fence=[], started_at=now, failing_since=now, tries=1, takeovers=0, reschedules=0,
                              not_before=now + datetime.timedelta(hours=1), excluded=[], roles=[], created_at=now)
            self.say(**{name: volume_id})

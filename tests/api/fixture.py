# SPDX-License-Identifier: Apache-2.0
"""The API in process, on SQLite, for the stories: no service runs, so a volume stays 'creating'.

Who asks is in the headers, in the place of Keystone: X-Roles (member,reader), X-Project-Id (PROJECT), X-User-Id (USER).
Every answer is checked for the rule that its route declares: whoever got or was refused something was asked for it.
"""

import datetime
import os
import shutil
import tempfile
import uuid

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
from blockctl.db import schema
from blockctl.db import tables

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
        with self.app.db.connection(write=False) as conn:
            return conn.execute(tables.volume_types.select().with_only_columns(tables.volume_types.c.id)).scalar()

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
    """Volume services in the zones nova and east, and a disabled one in west; a type for east, a private type."""

    def fill(self):
        now = datetime.datetime(2026, 1, 1)
        for number, (zone, disabled) in enumerate((('nova', False), ('east', False), ('west', True))):
            self.stage.insert(tables.services, id=str(uuid.uuid4()), binary='cinder-volume', host=f'stage@{number}',
                              availability_zone=zone, disabled=disabled, frozen=False, created_at=now)
        for name, public in (('eastern', True), ('secret', False)):
            type_id = str(uuid.uuid4())
            self.stage.insert(tables.volume_types, id=type_id, name=name, is_public=public, created_at=now)
            self.say(**{f'{name.upper()}_TYPE': type_id})
        self.stage.insert(tables.volume_type_extra_specs, volume_type_id=os.environ['EASTERN_TYPE'],
                          key='RESKEY:availability_zones', value='east,west')


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

    def _service(self, binary, host, zone='nova', up=False, disabled=False, pool=None, **report):
        service_id, now = str(uuid.uuid4()), datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        self.stage.insert(tables.services, id=service_id, binary=binary, host=host, availability_zone=zone,
                          disabled=disabled, frozen=False, created_at=now)
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
        rows = (('M1', PROJECT, 'VOLUME_VOLUME_001_003'), ('M2', PROJECT, 'VOLUME_VOLUME_008_015'),
                ('M3', PROJECT, 'VOLUME_VOLUME_001_003'), ('THEIR_MESSAGE', OTHER_PROJECT, 'VOLUME_VOLUME_001_003'))
        for minute, (name, project, event) in enumerate(rows, start=1):
            message_id = str(uuid.uuid4())
            self.say(**{name: message_id, f'{name}_VOLUME': str(uuid.uuid4())})
            self.stage.insert(tables.messages, id=message_id, project_id=project, request_id=f'req-{message_id}',
                              resource_type='VOLUME', resource_id=os.environ[f'{name}_VOLUME'], event_id=event,
                              message_level='ERROR', user_message='It could not be done.',
                              guaranteed_until=datetime.datetime(2026, 2, 1),
                              created_at=datetime.datetime(2026, 1, 1, 0, minute))

# SPDX-License-Identifier: Apache-2.0
"""Every route, asked as each persona: who may, gets some answer of it; who may not, 403, or 404 for what is not theirs.

The table is personas/routes.yaml.  Each request finds the database as it was made, whatever others did.
"""

import contextlib
import datetime
import importlib.util
import json
import pathlib
import shutil
import string
import sys
import uuid

import pytest
import webob
import yaml

from blockctl.api import routes
from blockctl.db import tables
from blockctl.rpc import transport

HERE = pathlib.Path(__file__).parent
TABLE = yaml.safe_load((HERE / 'personas' / 'routes.yaml').read_text(encoding='utf-8'))
REFUSED = (403, 404)


def _fixture():
    if 'api_fixture' not in sys.modules:
        spec = importlib.util.spec_from_file_location('api_fixture', HERE / 'fixture.py')
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules['api_fixture']


fixture = _fixture()

#: Persona -> (roles, project).
PERSONAS = {
    'admin': ('admin,member,reader', fixture.PROJECT),
    'member': ('member,reader', fixture.PROJECT),
    'reader': ('reader', fixture.PROJECT),
    'other': ('member,reader', fixture.OTHER_PROJECT),
    'nobody': ('', fixture.PROJECT),
}

#: What stands in braces in a path, by that and where the path begins -> the name of what is meant.
PARTS = {
    ('volume_id', ''): 'VOLUME', ('snapshot_id', ''): 'SNAPSHOT', ('attachment_id', ''): 'ATTACHMENT',
    ('transfer_id', ''): 'TRANSFER', ('message_id', ''): 'MESSAGE', ('qos_specs_id', ''): 'QOS',
    ('type_id', ''): 'KIND', ('group_type_id', ''): 'GROUP_KIND', ('group_id', '/groups'): 'GROUP',
    ('group_id', '/consistencygroups'): 'CONSISTENT', ('group_snapshot_id', '/group_snapshots'): 'GROUP_SNAPSHOT',
    ('group_snapshot_id', '/cgsnapshots'): 'CGSNAPSHOT', ('project_id', ''): 'PROJECT', ('name', ''): 'CLUSTER',
    ('host', '/os-hosts'): 'HOST', ('host', '/capabilities'): 'HOST', ('class_name', ''): 'CLASS',
    ('type_id', '/types/{type_id}/os-volume-type-access'): 'PRIVATE', ('type_id', '/types/{type_id}/action'): 'PRIVATE',
    ('alias', ''): 'ALIAS', ('key', '/volumes/{volume_id}/encryption'): 'ENCRYPTED_BY',
    ('key', '/types/{type_id}/encryption'): 'CIPHER', ('key', '/types/{type_id}/extra_specs'): 'SPEC',
    ('key', ''): 'COLOR',
}


class Everything(fixture.Clusters):
    """One of each thing, of PROJECT. ``names``: what they are called in the table -> their ids."""

    def __init__(self):
        self.names = {}
        super().__init__()

    def options(self):
        return {'default_group_type': 'plain'}

    def say(self, **values):
        self.names.update(values)

    def fill(self):
        super().fill()
        # Another fixture's rows, and what it says is said here: clusters, services and pools are all it has.
        now = datetime.datetime(2026, 1, 1)
        here = {'project_id': fixture.PROJECT, 'user_id': fixture.USER, 'created_at': now}
        host = 'stage@one#fast'
        self._types(now)
        kind = self.names['TYPE']
        for name in ('GROUP', 'CONSISTENT'):
            group_type = self.names['GROUP_KIND' if name == 'GROUP' else 'RESERVED']
            self._new(tables.groups, name, **here, name=name.lower(), group_type_id=group_type, status='available',
                      host=host, availability_zone='nova')
            self.stage.insert(tables.group_volume_types, group_id=self.names[name], volume_type_id=kind)
            self.stage.volume('grouped', host=host, volume_type_id=kind, group_id=self.names[name])
        for name, group, group_type in (('GROUP_SNAPSHOT', 'GROUP', 'GROUP_KIND'),
                                        ('CGSNAPSHOT', 'CONSISTENT', 'RESERVED')):
            self._new(tables.group_snapshots, name, **here, group_id=self.names[group], status='available',
                      group_type_id=self.names[group_type])
        self.say(VOLUME=self.stage.volume('alpha', host=host, volume_type_id=kind, metadata={'color': 'red'},
                                          image_metadata={'os': 'linux'}),
                 GROUPED=self.stage.volume('beta', host=host, volume_type_id=kind),
                 OFFERED=self.stage.volume('offered', host=host, volume_type_id=kind, status='awaiting-transfer'),
                 USED=self.stage.volume('used', host=host, volume_type_id=kind, status='in-use',
                                        attach_status='attached'))
        self._new(tables.snapshots, 'SNAPSHOT', **here, volume_id=self.names['GROUPED'], volume_size=1,
                  status='available', volume_type_id=kind)
        self.stage.insert(tables.snapshot_metadata, snapshot_id=self.names['SNAPSHOT'], key='color', value='red')
        self._new(tables.attachments, 'ATTACHMENT', volume_id=self.names['USED'], project_id=fixture.PROJECT,
                  attach_status='attached', attach_mode='rw', connector={'host': 'a'}, exported=False, created_at=now)
        self._new(tables.transfers, 'TRANSFER', volume_id=self.names['OFFERED'], project_id=fixture.PROJECT,
                  salt='s', key_hash='h', with_snapshots=False, created_at=now)
        self._new(tables.messages, 'MESSAGE', project_id=fixture.PROJECT, event_id='e', message_level='ERROR',
                  user_message='m', guaranteed_until=now + datetime.timedelta(days=36500), created_at=now)
        self.stage.insert(tables.default_volume_types, project_id=fixture.PROJECT,
                          volume_type_id=self.names['SPARE'], created_at=now)
        self.say(SERVER=str(uuid.uuid4()), PROJECT=fixture.PROJECT, OTHER=fixture.OTHER_PROJECT, CLUSTER='pair@deep',
                 HOST='stage@one', CLASS='default', ALIAS='os-quota-sets', COLOR='color', SPEC='multiattach',
                 CIPHER='cipher', ENCRYPTED_BY='encryption_key_id')

    def _types(self, now):
        for name, public in (('KIND', True), ('SPARE', True), ('PRIVATE', False)):
            self._new(tables.volume_types, name, name=name.lower(), is_public=public, created_at=now)
        self.stage.insert(tables.volume_type_projects, volume_type_id=self.names['PRIVATE'],
                          project_id=fixture.PROJECT)
        self.stage.insert(tables.volume_type_extra_specs, volume_type_id=self.names['KIND'], key='multiattach',
                          value='<is> False')
        self.stage.insert(tables.volume_type_encryptions, volume_type_id=self.names['KIND'],
                          encryption_id=str(uuid.uuid4()), provider='luks', cipher='aes-xts-plain64',
                          control_location='front-end', created_at=now)
        self._new(tables.group_types, 'GROUP_KIND', name='plain', is_public=True, created_at=now)
        self.stage.insert(tables.group_type_specs, group_type_id=self.names['GROUP_KIND'], key='color', value='red')
        self._new(tables.qos_specs, 'QOS', name='fast', consumer='front-end', created_at=now)
        self.stage.insert(tables.qos_spec_values, qos_specs_id=self.names['QOS'], key='color', value='red')
        with self.stage.app.db.connection(write=False) as conn:
            self.say(RESERVED=conn.execute(tables.group_types.select().with_only_columns(
                tables.group_types.c.id).where(tables.group_types.c.name != 'plain')).scalar())

    def _new(self, table, known_as, /, **values):
        self.say(**{known_as: str(uuid.uuid4())})
        self.stage.insert(table, id=self.names[known_as], **values)


class World:
    """An API with Everything in its database, which can be put back to how it was."""

    def __init__(self):
        self._everything = Everything()
        self._everything.start_fixture()
        self.stage, self.names = self._everything.stage, self._everything.names
        transport.response_timeout(self.stage.app.conf)
        self.stage.app.conf.set_override('rpc_response_timeout', 0)
        self._file = pathlib.Path(self.stage.directory) / 'blockctl.sqlite'
        self._template = self._file.with_suffix('.template')
        self.stage.app.db.dispose()
        shutil.copy(self._file, self._template)

    def restore(self):
        self.stage.app.db.dispose()
        for suffix in ('-wal', '-shm'):
            with contextlib.suppress(FileNotFoundError):
                self._file.with_name(self._file.name + suffix).unlink()
        shutil.copy(self._template, self._file)

    def close(self):
        self._everything.stop_fixture()

    def ask(self, persona, row, entry):
        """The status of the answer to a persona."""
        roles, project = PERSONAS[persona]
        method = getattr(row, 'method', 'POST')
        path = string.Formatter().vformat(row.path, (), _Parts(self.names, row.path))
        query = '?' + string.Template(entry['ask']).substitute(self.names) if 'ask' in entry else ''
        request = webob.Request.blank(f'/v3{path}{query}', method=method, headers={
            'OpenStack-API-Version': f'volume {row.endpoint.until}', 'X-Roles': roles, 'X-Project-Id': project})
        if 'send' in entry:
            body = json.loads(string.Template(json.dumps(entry['send'])).substitute(self.names))
            if isinstance(row, routes.Action):
                body = {row.key: body}
            request.body, request.content_type = json.dumps(body).encode(), 'application/json'
        elif isinstance(row, routes.Action):
            request.body, request.content_type = json.dumps({row.key: None}).encode(), 'application/json'
        answer = request.get_response(self.stage.wsgi)
        return answer.status_int, answer.text


class _Parts:
    """What str.format() puts into a path."""

    def __init__(self, names, path):
        self._names = names
        self._path = path

    def __getitem__(self, part):
        begins = [begin for name, begin in PARTS if name == part and self._path.startswith(begin)]
        return self._names[PARTS[part, max(begins, key=len)]]


@pytest.fixture(scope='module')
def world():
    world = World()
    yield world
    world.close()


def name_of(row):
    """The route's name in the table."""
    return f'POST {row.path} {row.key}' if isinstance(row, routes.Action) else f'{row.method} {row.path}'


ROWS = [*routes.ROUTES, *routes.ACTIONS]


@pytest.mark.parametrize('row', ROWS, ids=lambda row: f'{name_of(row)} {row.endpoint.until}')
def test_route(world, row):
    entry = TABLE['routes'][name_of(row)]
    entry = {'who': entry} if isinstance(entry, str) else entry
    wrong = []
    for persona in PERSONAS:
        world.restore()
        status, text = world.ask(persona, row, entry)
        allowed = status not in REFUSED
        if allowed != (persona in TABLE['who'][entry['who']]) or status == 500:
            wrong.append(f'{persona}: {status} {text[:200]}')
    assert wrong == []


def test_whoever_is_nobody_at_all_may_nothing(world):
    """Without a token there is no persona."""
    request = webob.Request.blank('/v3/volumes', headers={'X-Auth-Token': 'none'})
    assert request.get_response(world.stage.wsgi).status_int == 401

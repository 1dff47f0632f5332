# SPDX-License-Identifier: Apache-2.0
"""Two requests about one thing at the same time: where they exclude each other, exactly one is accepted.

The API of this process is asked by two threads at once (tests/harness/inprocess.py); its jobs are done afterwards, and
the invariants have to hold.  On SQLite, and on MariaDB and PostgreSQL where there are some.
"""

import itertools
import os
import re
import threading
import uuid

import pytest
import sqlalchemy as sa

from blockctl.db import checks
from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db import tables
from blockctl.db import volumes
from blockctl.volume import checks as volume_checks
from tests.harness import inprocess
from tests.harness import invariants
from tests.harness import plugin

#: How often each pair is tried on each database.
ROUNDS = int(os.environ.get('BLOCKCTL_TEST_ROUNDS', '2'))

ONE = f'{inprocess.HOST}@one'
SERVERS = [str(uuid.UUID(int=number)) for number in (1, 2)]

#: A refusal says of which thing it speaks.
NAMED = re.compile('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')

#: How many of two are accepted.
EXACTLY_ONE, BOTH, ONE_OR_BOTH = {1}, {2}, {1, 2}


def action(kind, key, **body):
    """A request of the thing ``kind`` in the stage."""
    return lambda stage: ('POST', f'/{kind}s/{stage[kind]}/action', {key: body})


def update_group(name, volume, group='group'):
    return lambda stage: ('PUT', f'/groups/{stage[group]}', {'group': {name: stage[volume]}})


def connect(host):
    return lambda stage: ('PUT', f'/attachments/{stage["attachment"]}', {'attachment': {'connector': {'host': host}}})


def new_volume(**fields):
    """``fields`` of the stage: {field: thing}."""
    return lambda stage: ('POST', '/volumes', {'volume': {
        'size': 1, 'volume_type': '__DEFAULT__', **{field: stage[thing] for field, thing in fields.items()}}})


def attach(server):
    return lambda stage: ('POST', '/attachments', {'attachment': {
        'volume_uuid': stage['volume'], 'instance_uuid': SERVERS[server]}})


def remove(kind, query=''):
    return lambda stage: ('DELETE', f'/{kind}s/{stage[kind]}{query}', None)


REQUESTS = {
    # --- of a volume
    'delete': remove('volume'),
    'cascade': remove('volume', '?cascade=True'),
    'extend': action('volume', 'os-extend', new_size=2),
    'extend more': action('volume', 'os-extend', new_size=3),
    'snapshot': lambda stage: ('POST', '/snapshots', {'snapshot': {'volume_id': stage['volume'], 'force': True}}),
    'attach': attach(0),
    'attach elsewhere': attach(1),
    'retype': action('volume', 'os-retype', new_type='other'),
    'retype otherwise': action('volume', 'os-retype', new_type='third'),
    'migrate': action('volume', 'os-migrate_volume', host=f'{inprocess.HOST}@two'),
    'clone': new_volume(source_volid='volume'),
    'unmanage': action('volume', 'os-unmanage'),
    'join': update_group('add_volumes', 'volume'),
    'join another': update_group('add_volumes', 'volume', 'other_group'),
    'revert': lambda stage: ('POST', f'/volumes/{stage["volume"]}/action', {
        'revert': {'snapshot_id': stage['snapshot']}}),
    # --- of its snapshot
    'delete snapshot': remove('snapshot'),
    'clone snapshot': new_volume(snapshot_id='snapshot'),
    'unmanage snapshot': action('snapshot', 'os-unmanage'),
    # --- of an attachment
    'connect': connect('h1'),
    'connect elsewhere': connect('h2'),
    'complete': action('attachment', 'os-complete'),
    'detach': remove('attachment'),
    # --- of a group that has a volume
    'delete group': lambda stage: ('POST', f'/groups/{stage["group"]}/action', {'delete': {'delete-volumes': True}}),
    'snapshot group': lambda stage: ('POST', '/group_snapshots', {'group_snapshot': {'group_id': stage['group']}}),
    'leave': update_group('remove_volumes', 'member'),
    'create in group': new_volume(group_id='group'),
    'copy group': lambda stage: ('POST', '/groups/action', {'create-from-src': {'source_group_id': stage['group']}}),
    # --- of a snapshot of it
    'delete group snapshot': lambda stage: ('DELETE', f'/group_snapshots/{stage["group_snapshot"]}', None),
    'copy group snapshot': lambda stage: ('POST', '/groups/action', {
        'create-from-src': {'group_snapshot_id': stage['group_snapshot']}}),
}

#: {what a race needs: (the requests that race, each with each, and the pairs that do not exclude each other)}.
#: A name that stands for itself twice is the pair of two that are the same.
RACES = {
    'volume': (
        ('delete', 'extend', 'snapshot', 'attach', 'retype', 'migrate', 'clone', 'unmanage', 'join'), {
            ('snapshot', 'snapshot'): BOTH, ('snapshot', 'clone'): BOTH, ('clone', 'clone'): BOTH,
            ('attach', 'attach'): BOTH,  # one server may have several: it moves from host to host
            # Whoever joins a group, or is reserved, first is not what the other asks for.
            ('extend', 'join'): ONE_OR_BOTH, ('snapshot', 'attach'): ONE_OR_BOTH, ('snapshot', 'join'): ONE_OR_BOTH,
            ('attach', 'clone'): ONE_OR_BOTH, ('attach', 'join'): ONE_OR_BOTH, ('clone', 'join'): ONE_OR_BOTH}),
    'snapshot': (
        ('delete snapshot', 'clone snapshot', 'unmanage snapshot', 'revert', 'cascade'), {
            ('clone snapshot', 'clone snapshot'): BOTH,
            # A volume takes its snapshots with it whatever becomes of them, unless one is read.
            ('delete snapshot', 'cascade'): ONE_OR_BOTH, ('unmanage snapshot', 'cascade'): ONE_OR_BOTH}),
    'attachment': (
        ('connect', 'complete', 'detach'), {
            ('connect', 'complete'): ONE_OR_BOTH, ('connect', 'detach'): ONE_OR_BOTH,
            ('complete', 'complete'): BOTH, ('complete', 'detach'): ONE_OR_BOTH}),
    'group': (
        ('delete group', 'snapshot group', 'join', 'leave', 'create in group', 'copy group'), {
            ('delete group', 'join'): ONE_OR_BOTH, ('delete group', 'leave'): ONE_OR_BOTH,
            ('snapshot group', 'snapshot group'): BOTH, ('snapshot group', 'join'): ONE_OR_BOTH,
            ('snapshot group', 'create in group'): ONE_OR_BOTH, ('snapshot group', 'copy group'): BOTH,
            ('join', 'leave'): BOTH, ('join', 'create in group'): BOTH, ('join', 'copy group'): ONE_OR_BOTH,
            ('leave', 'create in group'): BOTH, ('create in group', 'create in group'): BOTH,
            ('create in group', 'copy group'): ONE_OR_BOTH, ('copy group', 'copy group'): BOTH}),
    'group_snapshot': (
        ('delete group snapshot', 'copy group snapshot', 'delete group'), {
            ('copy group snapshot', 'copy group snapshot'): BOTH,
            # The group stays as long as there is a snapshot of it: it never goes.
            ('delete group', 'delete group'): {0}, ('copy group snapshot', 'delete group'): EXACTLY_ONE}),
}

#: Beside these: pairs of two that differ in what they ask for.
MORE = {
    'volume': (('extend', 'extend more'), ('attach', 'attach elsewhere'), ('retype', 'retype otherwise'),
               ('join', 'join another')),
    'snapshot': (('revert', 'extend'), ('revert', 'attach'), ('revert', 'snapshot'), ('revert', 'retype'),
                 ('revert', 'clone')),
    'attachment': (('connect', 'connect elsewhere'),),
}


def pairs():
    for needs, (names, others) in RACES.items():
        for pair in itertools.combinations_with_replacement(names, 2):
            yield needs, *pair, others.get(pair, EXACTLY_ONE)
        for pair in MORE.get(needs, ()):
            yield needs, *pair, EXACTLY_ONE


class Stage:
    """A service, and what races are about."""

    def __init__(self, service):
        self.service = service
        for name in ('other', 'third'):
            self.ask('POST', '/types', {'volume_type': {'name': name}})
        self.ask('POST', '/group_types', {'group_type': {'name': 'plain'}})
        with service.ctx.reading() as conn:
            self.kind = conn.execute(sa.select(tables.volume_types.c.id).where(
                tables.volume_types.c.name == '__DEFAULT__')).scalar_one()
        self.to_join = {name: self.group() for name in ('group', 'other_group')}

    def ask(self, method, path, body=None):
        """The answer of one that is accepted."""
        code, answer = self.service.ask(method, path, body, inprocess.ADMIN)
        assert code < 300, answer
        return answer

    def volume(self):
        """A volume as its creation leaves it, quicker; its id."""
        ctx, volume_id, pool = self.service.ctx, str(uuid.uuid4()), f'{ONE}#one'
        with ctx.writing():
            quotas.reserve(ctx, inprocess.PROJECT, quotas.volume_deltas(1, self.kind))
            assert pools.claim(ctx, pool, 1)
            volumes.insert(ctx, {}, id=volume_id, project_id=inprocess.PROJECT, user_id=inprocess.USER, size=1,
                           status='available', host=pool, availability_zone='nova', volume_type_id=self.kind)
        with open(self.service.images('one') / f'volume-{volume_id}', 'xb') as image:
            image.truncate(1 << 30)
        return volume_id

    def group(self):
        """The id of a group that is where the volumes are, whatever was best for it."""
        group_id = self.ask('POST', '/groups', {'group': {
            'group_type': 'plain', 'volume_types': ['__DEFAULT__']}})['group']['id']
        self.service.work_off()
        with self.service.ctx.writing() as conn:
            conn.execute(sa.update(tables.groups).where(tables.groups.c.id == group_id).values(host=f'{ONE}#one'))
        return group_id

    def make(self, needs):
        """{thing: id} of what there has to be."""
        made = {'volume': self.volume()}
        if needs == 'snapshot':
            made['snapshot'] = self.ask('POST', '/snapshots', {'snapshot': {
                'volume_id': made['volume']}})['snapshot']['id']
        if needs == 'attachment':
            made['attachment'] = self.ask('POST', '/attachments', {'attachment': {
                'volume_uuid': made['volume'], 'instance_uuid': SERVERS[0]}})['attachment']['id']
        if needs == 'volume':
            made |= self.to_join
        if needs.startswith('group'):
            made |= {'group': self.group(), 'member': self.volume()}
            self.ask('PUT', f'/groups/{made["group"]}', {'group': {'add_volumes': made['member']}})
        if needs == 'group_snapshot':
            made['group_snapshot'] = self.ask('POST', '/group_snapshots', {'group_snapshot': {
                'group_id': made['group']}})['group_snapshot']['id']
        self.service.work_off()
        return made

    def race(self, *requests):
        """[(status, answer)] of requests made at the same time."""
        answers = [None] * len(requests)
        start = threading.Barrier(len(requests))

        def run(number):
            start.wait()
            answers[number] = self.service.ask(*requests[number], inprocess.ADMIN)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(len(requests))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def all_is_well(self):
        service = self.service
        with service.ctx.reading():
            assert [*invariants.usage(service), *invariants.claims(service)] == []
            assert checks.stranded(service.ctx) == []
        for section in service.sections.values():
            assert volume_checks.compare(service.ctx, section, service.drivers[section.host]) == []

    def take_out(self, made):
        """Remove what a request has made its operator's."""
        for path in self.service.images('one').glob(f'volume-{made["volume"]}*'):
            _, _, snapshot = path.name.partition('@')
            if made['volume'] not in self.service.rows(tables.volumes) or (
                    snapshot and made['snapshot'] not in self.service.rows(tables.snapshots)):
                path.unlink()


@pytest.fixture(scope='module', params=['sqlite', 'mariadb', 'postgresql'])
def stage(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp('races')
    database = plugin.database(request.param)(directory)
    unlimited = dict.fromkeys(('quota_volumes', 'quota_snapshots', 'quota_gigabytes', 'quota_groups'), -1)
    service = inprocess.Service(directory, database.text, driver=inprocess.Files, **unlimited)
    service.start()
    yield Stage(service)
    service.close()
    database.close()


def accepted(code, answer):
    """Also a request that waits for a job, which nobody does here, is accepted."""
    return code < 300 or (code == 503 and 'What was asked for goes on' in str(answer))


@pytest.mark.parametrize(('needs', 'first', 'second', 'winners'), pairs())
def test_race(stage, needs, first, second, winners):
    for _ in range(ROUNDS):
        made = stage.make(needs)
        answers = stage.race(REQUESTS[first](made), REQUESTS[second](made))
        won = [accepted(*answer) for answer in answers]
        assert sum(won) in winners, answers
        for (code, answer), has_won in zip(answers, won, strict=True):
            if not has_won:
                fault, = answer.values()
                assert code in (400, 404, 409), answer
                assert NAMED.search(fault['message']), answer
        stage.take_out(made)
        stage.service.work_off()
        stage.all_is_well()

# SPDX-License-Identifier: Apache-2.0
"""What the operator's commands ask of each kind of database: the statements are understood, and do what they say."""

import datetime
import uuid

import pytest
import sqlalchemy as sa

import stand_in
from blockctl.db import history
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.db import online_migrations
from blockctl.db import pools
from blockctl.db import purge
from blockctl.db import services
from blockctl.db import tables
from blockctl.db import usage
from blockctl.db import volume_hosts
from blockctl.db.columns import utcnow

DAY = 86400


@pytest.fixture
def ctx(any_app):
    return stand_in.make_context(any_app)


def put(ctx, table, **values):
    row_id = str(uuid.uuid4())
    with ctx.writing() as conn:
        conn.execute(sa.insert(table).values(id=row_id, created_at=utcnow(), **values))
    return row_id


def a_volume(ctx, host, size=1, **values):
    return put(ctx, tables.volumes, project_id='p1', size=size, status='available', host=host, **values)


def a_service(ctx, host, version='1', beat=1):
    service_id = put(ctx, tables.services, binary='cinder-volume', host=host, disabled=False, frozen=False)
    with ctx.writing() as conn:
        conn.execute(sa.insert(tables.processes).values(
            incarnation=str(uuid.uuid4()), service_id=service_id, machine='m', boot='b', pid=1, started=1,
            version=version, beat_at=utcnow(-beat), created_at=utcnow()))
    return service_id


def a_pool(ctx, name, claimed):
    with ctx.writing() as conn:
        conn.execute(sa.insert(tables.pools).values(
            name=name, backend=name.partition('#')[0], claimed=claimed, claimed_at_report=0, foreign=0, report={},
            sequence=1, changed_at=utcnow()))


def named(ctx, name):
    with ctx.reading() as conn:
        return conn.execute(sa.select(tables.pools.c.claimed).where(tables.pools.c.name == name)).scalar()


def test_purge(ctx):
    with ctx.writing() as conn:
        for age in (1, 40):
            conn.execute(sa.insert(tables.history).values(
                resource_type='volume', resource_id=str(uuid.uuid4()), project_id='p1', created_at=utcnow(-50 * DAY),
                deleted_at=utcnow(-age * DAY)))
            job_id = jobs.post(ctx, 'volume.create', str(uuid.uuid4()), 'scheduler', {})
            conn.execute(sa.update(tables.jobs).where(tables.jobs.c.id == job_id).values(
                finished_at=utcnow(-age * DAY), outcome='done', live_key=None))
    for until in (-1, 3600):
        put(ctx, tables.messages, project_id='p1', event_id='e', message_level='ERROR', user_message='m',
            guaranteed_until=utcnow(until))
    assert purge.purge(ctx, 30 * DAY) == [('history', 1), ('jobs', 1), ('messages', 1)]
    with ctx.writing():
        assert (history.purge(ctx, 30 * DAY, 5), jobs.purge(ctx, 30 * DAY, 5), messages.purge_expired(ctx, 5)) == (
            0, 0, 0)


def test_services_of_volumes(ctx):
    one, other = a_service(ctx, 'node@one'), a_service(ctx, 'node@on_')  # no letter of a name is a wildcard
    first, second = a_volume(ctx, 'node@one#p'), a_volume(ctx, 'node@on_#p')
    a_volume(ctx, None)
    with ctx.reading():
        assert online_migrations.waiting(ctx) == {'service of each volume': 2}
    assert online_migrations.run(ctx, max_count=1) == [('service of each volume', 1, 1)]
    assert online_migrations.run(ctx) == [('service of each volume', 1, 0)]
    with ctx.reading() as conn:
        found = dict(conn.execute(sa.select(tables.volumes.c.id, tables.volumes.c.service_uuid)).all())
    assert (found[first], found[second]) == (one, other)


def test_another_name_for_a_pool(ctx):
    a_pool(ctx, 'old@x#p', 3)
    a_pool(ctx, 'new@x#p', 5)
    service_id = a_service(ctx, 'new@x')
    a_volume(ctx, 'old@x#p', 1)
    busy = a_volume(ctx, 'old@x#p', 2)
    with ctx.writing():
        jobs.post(ctx, 'volume.extend', busy, 'old@x', {})
    put(ctx, tables.groups, project_id='p1', status='available', host='old@x#p')
    with ctx.reading():
        assert volume_hosts.pools_named(ctx, 'old@x') == ['old@x#p']
    with ctx.writing():
        assert volume_hosts.rename(ctx, 'old@x#p', 'new@x#p', 5) == 1
        assert volume_hosts.rename_groups(ctx, 'old@x#p', 'new@x#p') == 0  # a volume is left
    assert (named(ctx, 'old@x#p'), named(ctx, 'new@x#p')) == (2, 6)
    with ctx.writing():
        jobs.supersede(ctx, busy)
        assert volume_hosts.rename(ctx, 'old@x#p', 'new@x#p', 5) == 1
        assert volume_hosts.rename_groups(ctx, 'old@x#p', 'new@x#p') == 1
    assert (named(ctx, 'old@x#p'), named(ctx, 'new@x#p')) == (0, 8)
    with ctx.reading() as conn:
        assert set(conn.execute(sa.select(tables.volumes.c.host, tables.volumes.c.service_uuid))) == {
            ('new@x#p', service_id)}
        assert pools.drift(ctx) == [('new@x#p', 8, 3)]  # five of it were made up


def test_a_service_that_is_forgotten_takes_its_empty_pools(ctx):
    a_service(ctx, 'gone@x', beat=3600)
    a_pool(ctx, 'gone@x#empty', 0)
    a_pool(ctx, 'gone@x#used', 1)
    a_volume(ctx, 'gone@x#used')
    with ctx.writing():
        services.remove(ctx, 'cinder-volume', 'gone@x', 60)
    assert (named(ctx, 'gone@x#empty'), named(ctx, 'gone@x#used')) == (None, 1)


def test_what_upgrade_checks_ask(ctx):
    a_service(ctx, 'node@one', version='1')
    a_service(ctx, 'node@two', version='2')
    with ctx.writing() as conn:
        job_id = jobs.post(ctx, 'volume.create', str(uuid.uuid4()), 'scheduler', {})
        conn.execute(sa.update(tables.jobs).where(tables.jobs.c.id == job_id).values(needs=jobs.UNDERSTANDS + 1))
    with ctx.reading():
        assert [tuple(row) for row in services.other_versions(ctx, '1', 60)] == [('cinder-volume', 'node@two', '2')]
        assert [tuple(row) for row in jobs.beyond(ctx)] == [('volume.create', 1)]


def test_retry_of_a_job(ctx):
    with ctx.writing():
        job_id = jobs.post(ctx, 'volume.create', str(uuid.uuid4()), 'scheduler', {})
        assert not jobs.retry(ctx, job_id)  # nobody had it yet
        job = jobs.claim(ctx, job_id, ['scheduler'], 'me', 60, '')
        assert not jobs.retry(ctx, job_id)  # somebody has it
        jobs.put_back(ctx, job, 600, failed=True)
        assert jobs.due(ctx, 'scheduler', 5) == []
        assert jobs.retry(ctx, job_id)
        assert jobs.due(ctx, 'scheduler', 5) == [job_id]


def test_usage_is_read_in_pages(ctx):
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    begin, end = now - datetime.timedelta(days=1), now + datetime.timedelta(days=1)
    ids = sorted(a_volume(ctx, 'node@x#p') for _ in range(3))
    with ctx.writing() as conn:
        conn.execute(sa.insert(tables.history).values(
            resource_type='volume', resource_id=ids[0], project_id='p1', size=7, created_at=begin, deleted_at=now))
    with ctx.reading():
        first = usage.volume_rows(ctx, begin, end, None, 2)
        rest = usage.volume_rows(ctx, begin, end, first[-1][0], 2)
        assert [row_id for row_id, _ in first + rest] == ids
        (number, gone), = usage.gone_volumes(ctx, begin, end, None, 2)
        assert (gone.size, usage.gone_volumes(ctx, begin, end, number, 2)) == (7, [])
        assert usage.gone_volumes(ctx, end, end, None, 2) == []

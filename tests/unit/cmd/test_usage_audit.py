# SPDX-License-Identifier: Apache-2.0
"""blockctl-volume-usage-audit: its periods, and what it tells of them."""

import datetime
import uuid

import pytest
import sqlalchemy as sa

from blockctl import exceptions
from blockctl.cmd import usage_audit
from blockctl.db import tables

NOW = datetime.datetime(2026, 3, 10, 9, 7, 30)


@pytest.mark.parametrize(('period', 'begin', 'end'), [
    ('hour', (3, 10, 8), (3, 10, 9)),
    ('hour@7', (3, 10, 8, 7), (3, 10, 9, 7)),
    ('hour@8', (3, 10, 7, 8), (3, 10, 8, 8)),
    ('day', (3, 9), (3, 10)),
    ('day@9', (3, 9, 9), (3, 10, 9)),
    ('day@10', (3, 8, 10), (3, 9, 10)),
    ('month', (2, 1), (3, 1)),
    ('month@10', (2, 10), (3, 10)),
    ('month@11', (1, 11), (2, 11)),
])
def test_periods_of_this_year(period, begin, end):
    assert usage_audit.last_period(period, NOW) == (
        datetime.datetime(2026, *begin), datetime.datetime(2026, *end))


@pytest.mark.parametrize(('period', 'begin', 'end'), [
    ('year', (2025, 1), (2026, 1)), ('year@3', (2025, 3), (2026, 3)), ('year@4', (2024, 4), (2025, 4))])
def test_years(period, begin, end):
    assert usage_audit.last_period(period, NOW) == (datetime.datetime(*begin, 1), datetime.datetime(*end, 1))


def test_the_month_before_january_is_of_the_year_before():
    assert usage_audit.last_period('month@5', datetime.datetime(2026, 1, 3)) == (
        datetime.datetime(2025, 11, 5), datetime.datetime(2025, 12, 5))


@pytest.mark.parametrize('period', ['hour@60', 'day@24', 'month@0', 'month@29', 'year@13'])
def test_a_place_that_some_period_has_not_is_refused(period):
    with pytest.raises(exceptions.InvalidField, match='volume_usage_audit_period'):
        usage_audit.last_period(period, NOW)


def day(number):
    return datetime.datetime(2026, 2, number)


@pytest.fixture
def usage(ctx):
    """Volumes and snapshots from before, in and after the days 10 to 20, there and gone. Returns {name: id}."""
    ids = {}

    def new(name):
        ids[name] = str(uuid.uuid4())
        return ids[name]

    with ctx.writing() as conn:
        for name, made in (('old', 1), ('new', 12), ('later', 21)):
            conn.execute(sa.insert(tables.volumes).values(
                id=new(name), project_id='p1', user_id='u1', name=name, size=1, status='available',
                host='node@files#p', created_at=day(made)))
        conn.execute(sa.insert(tables.volume_metadata).values(volume_id=ids['old'], key='color', value='red'))
        conn.execute(sa.insert(tables.snapshots).values(
            id=new('snapshot'), project_id='p1', user_id='u1', volume_id=ids['old'], volume_size=1, status='available',
            created_at=day(13)))
        for name, kind, made, gone in (('gone', 'volume', 2, 15), ('short', 'volume', 11, 12), ('past', 'volume', 1, 9),
                                       ('after', 'volume', 3, 22), ('gone snapshot', 'snapshot', 2, 16)):
            conn.execute(sa.insert(tables.history).values(
                resource_type=kind, resource_id=new(name), project_id='p1', size=5, host='node@files#p',
                created_at=day(made), deleted_at=day(gone)))
    return ids


def told(app, usage):
    names = {each: name for name, each in usage.items()}
    return sorted((event, names[payload.get('snapshot_id') or payload['volume_id']])
                  for event, payload in app.notifier.events)


EXISTS = [('snapshot.exists', 'gone snapshot'), ('snapshot.exists', 'snapshot')] + [
    ('volume.exists', name) for name in ('after', 'gone', 'new', 'old', 'short')]


@pytest.mark.parametrize('at_once', [1, 2, 200])
def test_all_that_was_there_is_told_once(app, ctx, usage, monkeypatch, at_once):
    monkeypatch.setattr(usage_audit, 'AT_ONCE', at_once)
    counts = usage_audit.audit(ctx, day(10), day(20), send_actions=False)
    assert told(app, usage) == EXISTS
    assert counts == {'volume.exists': 5, 'snapshot.exists': 2}


def test_actions_of_the_period_are_told_too(app, ctx, usage):
    usage_audit.audit(ctx, day(10), day(20), send_actions=True)
    actions = [(f'{kind}.{action}.{moment}', name) for kind, action, name in (
        ('snapshot', 'create', 'snapshot'), ('snapshot', 'delete', 'gone snapshot'), ('volume', 'create', 'new'),
        ('volume', 'create', 'short'), ('volume', 'delete', 'gone'), ('volume', 'delete', 'short'))
        for moment in ('start', 'end')]
    assert told(app, usage) == sorted(EXISTS + actions)


def test_payloads(app, ctx, usage):
    usage_audit.audit(ctx, day(10), day(20), send_actions=True)
    found = {(event, payload.get('snapshot_id') or payload['volume_id']): payload
             for event, payload in app.notifier.events}
    there = found['volume.exists', usage['old']]
    assert (there['audit_period_beginning'], there['audit_period_ending']) == (
        '2026-02-10 00:00:00', '2026-02-20 00:00:00')
    assert (there['display_name'], there['status'], there['metadata']) == (
        'old', 'available', [{'key': 'color', 'value': 'red'}])
    gone = found['volume.exists', usage['gone']]
    assert (gone['status'], gone['size'], gone['tenant_id'], gone['host'], gone['created_at']) == (
        'deleted', 5, 'p1', 'node@files#p', '2026-02-02T00:00:00')
    assert set(gone) == set(there)
    assert found['volume.delete.end', usage['gone']]['audit_period_ending'] == '2026-02-15 00:00:00'
    snapshot = found['snapshot.exists', usage['gone snapshot']]
    assert (snapshot['volume_size'], snapshot['deleted'], snapshot['status']) == (5, True, 'deleted')


def run(ctx, *words):
    return usage_audit.run(ctx, usage_audit.make_parser().parse_args(words))


def test_the_command_takes_a_period(app, ctx, usage):
    answer = run(ctx, '--start_time', '2026-02-10 00:00:00', '--end_time', '2026-02-20 00:00:00')
    assert (answer.rows, answer.status) == ([('snapshot.exists', 2), ('volume.exists', 5)], 0)
    app.notifier.lost = 3
    assert run(ctx, '--start_time', '2026-02-10 00:00:00').status == 1


def test_the_command_refuses(app, ctx, monkeypatch):
    with pytest.raises(exceptions.InvalidField, match='before'):
        run(ctx, '--start_time', '2026-02-10 00:00:00', '--end_time', '2026-02-10 00:00:00')
    with pytest.raises(SystemExit) as ended:
        run(ctx, '--start_time', 'yesterday')
    assert ended.value.code == 2
    monkeypatch.setattr(app.notifier, 'wanted', lambda: False)
    with pytest.raises(exceptions.ConfigurationError, match='driver is not set'):
        run(ctx)

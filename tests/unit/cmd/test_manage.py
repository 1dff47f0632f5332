# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage on a database: what each command answers, does, and exits with."""

import datetime
import json
import uuid

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl import policy
from blockctl.cmd import manage
from blockctl.cmd import process
from blockctl.cmd.manage import commands
from blockctl.cmd.manage import volume
from blockctl.db import checks
from blockctl.db import jobs
from blockctl.db import online_migrations
from blockctl.db import purge
from blockctl.db import schema
from blockctl.db import tables
from blockctl.db import volume_types
from blockctl.flows import volume_delete
from blockctl.operations import jobs as operations
from blockctl.operations import volume_retype


@pytest.fixture
def run(app, monkeypatch, capsys):
    """run(words...) -> (exit status, what a program reads); an error's text in the place of what was not printed."""
    app.policy = policy.Policy(app.conf)
    monkeypatch.setattr(process, 'configure', lambda argv, prepare: app.conf)
    monkeypatch.setattr(process, 'compose', lambda conf: app)

    def run(*words):
        status = manage.main(['--format', 'json', *words])
        said = capsys.readouterr()
        return status, json.loads(said.out) if said.out else said.err

    return run


@pytest.fixture
def bench(app, tmp_path):
    bench = workbench.Bench(app, tmp_path)
    yield bench
    bench.driver.stop()


def invariants(bench):
    with bench.ctx.reading():
        return checks.usage(bench.ctx) + checks.claims(bench.ctx) + checks.stranded(bench.ctx)


def live_job(bench, resource_id):
    with bench.ctx.reading():
        return jobs.live_id(bench.ctx, resource_id)


def service(ctx, binary='cinder-volume', host='gone@one', beat=None, zone='nova', cluster=None, version='1'):
    """A service; ``beat``: seconds since its process was heard of, None: it has none. Returns its id."""
    now, service_id = datetime.datetime.now(datetime.UTC).replace(tzinfo=None), str(uuid.uuid4())
    with ctx.writing() as conn:
        conn.execute(sa.insert(tables.services).values(
            id=service_id, binary=binary, host=host, availability_zone=zone, disabled=False, frozen=False,
            cluster_name=cluster, created_at=now))
        if beat is not None:
            conn.execute(sa.insert(tables.processes).values(
                incarnation=str(uuid.uuid4()), service_id=service_id, machine='m', boot='b', pid=1, started=1,
                version=version, beat_at=now - datetime.timedelta(seconds=beat), created_at=now))
    return service_id


def count(ctx, table):
    with ctx.reading() as conn:
        return conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


# --- the table of commands
def test_no_command_is_there_twice():
    names = [(command.noun, command.verb) for command in commands.COMMANDS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize('command', commands.COMMANDS, ids=lambda command: f'{command.noun} {command.verb}')
def test_each_command_has_help(command, capsys):
    assert command.summary and not command.summary.endswith('.')
    assert all(options['help'] for _, options in command.arguments)
    with pytest.raises(SystemExit) as ended:
        manage.make_parser().parse_args([command.noun, command.verb, '--help'])
    assert ended.value.code == 0
    assert ' '.join(command.summary.split()) in ' '.join(capsys.readouterr().out.split())


@pytest.mark.parametrize('words', [
    (), ('db',), ('db', 'none'), ('job', 'show'), ('db', 'purge'), ('db', 'purge', '--age-in-days', '0'),
    ('db', 'purge', '--age-in-days', 'x'), ('job', 'list', '--limit', '-1'), ('service', 'remove', 'cinder-volume'),
    ('volume', 'update_host', '--currenthost', 'a@b'), ('db', 'sync', '--format', 'xml')])
def test_what_is_not_understood_exits_with_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        manage.main(list(words))
    assert ended.value.code == 2
    assert 'usage: blockctl-manage' in capsys.readouterr().err


def test_the_format_may_stand_before_and_after_the_verb(run, capsys):
    for words in (['--format', 'table', 'db', 'version'], ['db', 'version', '--format', 'table'], ['db', 'version']):
        assert manage.main(words) == 0
        assert capsys.readouterr().out.splitlines()[0].split() == ['Database', 'Release']


# --- db
def test_db(app, run):
    with app.db.connection(write=True) as conn:
        tables.metadata.drop_all(conn)
    assert run('db', 'version') == (0, [{'Database': 'empty', 'Release': schema.HEAD}])
    assert run('db', 'sync') == (0, [{'Version': schema.HEAD}])
    assert run('db', 'version') == (0, [{'Database': schema.HEAD, 'Release': schema.HEAD}])
    assert run('db', 'sync') == (0, [{'Version': schema.HEAD}])


def test_without_a_schema_a_command_says_so(app, run):
    with app.db.connection(write=True) as conn:
        tables.metadata.drop_all(conn)
    status, said = run('job', 'list')
    assert (status, said.count('\n')) == (2, 1)
    assert 'no such table' in said


def test_purge_removes_what_is_old_a_few_rows_at_a_time(app, ctx, run, monkeypatch):
    monkeypatch.setattr(purge, 'AT_ONCE', 2)
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)

    def days(number):
        return now - datetime.timedelta(days=number)

    with ctx.writing() as conn:
        for age in (1, 29, 31, 40, 50):
            conn.execute(sa.insert(tables.history).values(
                resource_type='volume', resource_id=str(uuid.uuid4()), project_id='p1', size=1, created_at=days(99),
                deleted_at=days(age)))
            job_id = jobs.post(ctx, 'volume.create', str(uuid.uuid4()), 'scheduler', {})
            conn.execute(sa.update(tables.jobs).where(tables.jobs.c.id == job_id).values(
                finished_at=days(age), outcome='done', live_key=None))
        live = jobs.post(ctx, 'volume.create', str(uuid.uuid4()), 'scheduler', {})
        conn.execute(sa.update(tables.jobs).where(tables.jobs.c.id == live).values(created_at=days(99)))
        for until in (days(1), days(-1)):
            conn.execute(sa.insert(tables.messages).values(
                id=str(uuid.uuid4()), project_id='p1', event_id='e', message_level='ERROR', user_message='m',
                guaranteed_until=until, created_at=days(99)))
    assert run('db', 'purge', '--age-in-days', '30') == (0, [
        {'Table': 'history', 'Rows removed': 3}, {'Table': 'jobs', 'Rows removed': 3},
        {'Table': 'messages', 'Rows removed': 1}])
    assert (count(ctx, tables.history), count(ctx, tables.jobs), count(ctx, tables.messages)) == (2, 3, 1)
    assert [row['Rows removed'] for row in run('db', 'purge', '--age-in-days', '30')[1]] == [0, 0, 0]


def test_online_migrations_go_on_until_nothing_is_left(ctx, run, monkeypatch):
    monkeypatch.setattr(online_migrations, 'AT_ONCE', 2)
    left = [5]

    def migrate(ctx, limit):
        done = min(limit, left[0])
        left[0] -= done
        return done

    monkeypatch.setattr(online_migrations, 'MIGRATIONS', {'a step': (lambda ctx: left[0], migrate)})
    assert run('db', 'online_data_migrations', '--max-count', '3') == (
        1, [{'Migration': 'a step', 'Migrated': 3, 'Left': 2}])
    assert run('db', 'online_data_migrations') == (0, [{'Migration': 'a step', 'Migrated': 2, 'Left': 0}])


def test_volumes_get_the_service_that_they_are_of(bench, run):
    volume_id = bench.create()
    service(bench.ctx, host='node@file')  # its name is the beginning of another's
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.volumes).values(service_uuid=None))
    assert run('db', 'online_data_migrations') == (
        0, [{'Migration': 'service of each volume', 'Migrated': 1, 'Left': 0}])
    with bench.ctx.reading() as conn:
        expected = conn.execute(sa.select(tables.services.c.id).where(
            tables.services.c.host == workbench.BACKEND)).scalar_one()
    assert bench.row(volume_id).service_uuid == expected


# --- services, clusters, hosts
def test_service_list_and_remove(ctx, run):
    service(ctx, host='up@one', beat=1)
    service(ctx, host='gone@one', beat=3600)
    service(ctx, 'cinder-scheduler', 'node')
    with ctx.writing() as conn:
        for pool, claimed in (('gone@one#empty', 0), ('gone@one#used', 3)):
            conn.execute(sa.insert(tables.pools).values(
                name=pool, backend='gone@one', claimed=claimed, claimed_at_report=0, foreign=0, report={}, sequence=1,
                changed_at=datetime.datetime(2026, 1, 1)))
    status, rows = run('service', 'list')
    assert status == 0
    assert [(row['Binary'], row['Host'], row['Zone'], row['Status'], row['State']) for row in rows] == [
        ('cinder-scheduler', 'node', 'nova', 'enabled', 'down'),
        ('cinder-volume', 'gone@one', 'nova', 'enabled', 'down'),
        ('cinder-volume', 'up@one', 'nova', 'enabled', 'up')]
    status, said = run('service', 'remove', 'cinder-volume', 'up@one')
    assert status == 2 and 'served by a process' in said
    status, said = run('service', 'remove', 'cinder-volume', 'nowhere')
    assert status == 2 and 'could not be found' in said
    assert run('service', 'remove', 'cinder-volume', 'gone@one') == (
        0, [{'Binary': 'cinder-volume', 'Host': 'gone@one', 'Result': 'removed'}])
    assert count(ctx, tables.services) == 2
    with ctx.reading() as conn:
        assert conn.execute(sa.select(tables.pools.c.name)).scalars().all() == ['gone@one#used']


def test_clusters(ctx, run):
    with ctx.writing() as conn:
        conn.execute(sa.insert(tables.clusters).values(
            id=str(uuid.uuid4()), binary='cinder-volume', name='c@one', disabled=False, frozen=False,
            created_at=datetime.datetime(2026, 1, 1)))
    service(ctx, host='a@one', beat=3600, cluster='c@one')
    assert run('cluster', 'list') == (0, [{
        'Name': 'c@one', 'Binary': 'cinder-volume', 'Status': 'enabled', 'State': 'down', 'Services': 1,
        'Services down': 1}])
    status, rows = run('cluster', 'rename', 'c', 'd')
    assert status == 0
    assert {row['Table']: row['Rows renamed'] for row in rows}['services'] == 1
    status, said = run('cluster', 'remove', 'cinder-volume', 'd@one')
    assert status == 2 and '1 services' in said
    assert run('cluster', 'remove', '--recursive', 'cinder-volume', 'd@one')[0] == 0
    assert count(ctx, tables.clusters) == count(ctx, tables.services) == 0
    assert run('cluster', 'rename', 'd', 'e')[0] == 2


def test_host_list(ctx, run):
    service(ctx, host='a@one')
    service(ctx, host='b@two', zone='east')
    service(ctx, 'cinder-scheduler', 'b', zone='east')
    assert run('host', 'list') == (0, [{'Host': 'a@one', 'Zone': 'nova'}, {'Host': 'b', 'Zone': 'east'},
                                       {'Host': 'b@two', 'Zone': 'east'}])
    assert [row['Host'] for row in run('host', 'list', 'nova')[1]] == ['a@one']


# --- volumes
def test_volume_delete_takes_any_status(bench, run):
    volume_id = bench.create()
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.volumes).values(status='error_restoring'))
    assert run('volume', 'delete', volume_id) == (0, [{'Volume': volume_id, 'Result': 'accepted'}])
    assert (workbench.BACKEND, 'delete_volume', live_job(bench, volume_id)) in bench.app.doorbell.rung
    volume_delete.Delete().run(bench.claim(workbench.BACKEND, bench.driver))
    assert count(bench.ctx, tables.volumes) == 0
    assert invariants(bench) == []
    status, said = run('volume', 'delete', volume_id)
    assert status == 2 and 'could not be found' in said


def test_volumes_follow_their_pool_to_another_name(bench, run, monkeypatch):
    monkeypatch.setattr(volume, 'AT_ONCE', 1)
    moved = [bench.create(size=size) for size in (1, 2)]
    busy = bench.create(size=4)
    with bench.ctx.writing():
        jobs.post(bench.ctx, 'volume.extend', busy, workbench.BACKEND, {})
    bench.add_backend('new@files', 1)
    names = ('volume', 'update_host', '--currenthost', workbench.BACKEND, '--newhost', 'new@files')
    assert run(*names) == (1, [{'From': workbench.POOL, 'To': 'new@files#p', 'Volumes': 2, 'Groups': 0,
                                'Volumes left': 1}])
    assert {bench.row(volume_id).host for volume_id in moved} == {'new@files#p'}
    assert bench.row(busy).host == workbench.POOL
    with bench.ctx.reading():
        assert checks.claims(bench.ctx) == []
    with bench.ctx.writing():
        jobs.supersede(bench.ctx, busy)
    status, rows = run('volume', 'update_host', '--currenthost', workbench.POOL, '--newhost', 'new@files#p')
    assert (status, rows[0]['Volumes'], rows[0]['Volumes left']) == (0, 1, 0)
    assert invariants(bench) == []
    status, said = run('volume', 'update_host', '--currenthost', 'a@b#c', '--newhost', 'd@e')
    assert status == 2 and 'host@backend#pool' in said


# --- quota, pools, configuration
def test_quota_check_tells_drift(bench, run):
    bench.create()
    assert run('quota', 'check') == (0, [])
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.quota_usages).where(tables.quota_usages.c.resource == 'volumes').values(in_use=7))
    assert run('quota', 'check') == (
        1, [{'Project': 'p1', 'Resource': 'volumes', 'Recorded': 7, 'Counted': 1}])
    assert run('quota', 'check', '--project-id', 'p1')[0] == 1
    assert run('quota', 'check', '--project-id', 'p2') == (0, [])


def test_quota_sync_repairs_it_and_tells_what_was_wrong(bench, run):
    bench.create(3)
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.quota_usages).where(tables.quota_usages.c.resource == 'volumes').values(in_use=7))
    assert run('quota', 'sync', '--project-id', 'p2') == (0, [])
    assert run('quota', 'sync') == (
        0, [{'Project': 'p1', 'Resource': 'volumes', 'Recorded': 7, 'Counted': 1}])
    assert run('quota', 'sync') == (0, [])
    assert run('quota', 'check') == (0, [])
    assert invariants(bench) == []


def test_pool_check_tells_claims_that_do_not_add_up(bench, run):
    bench.create(size=3)
    assert run('pool', 'check') == (0, [])
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.pools).values(claimed=9))
    assert run('pool', 'check') == (1, [{'Difference': 'claimed', 'Pool': workbench.POOL, 'Name': '',
                                         'Detail': '9 GiB recorded, rows add up to 3 GiB'}])


def test_config_list_hides_secrets(app, run):
    app.conf.set_override('report_interval', 7)
    status, rows = run('config', 'list')
    shown = {(row['Section'], row['Option']): row['Value'] for row in rows}
    assert status == 0
    assert shown['DEFAULT', 'report_interval'] == 7
    assert shown['database', 'connection'] == '****'
    assert len(run('config', 'list', 'report_interval')[1]) == 1
    assert run('config', 'list', 'none') == (0, [])


# --- jobs
def test_job_list_and_show(bench, run):
    volume_id = bench.ask()
    job_id = live_job(bench, volume_id)
    status, rows = run('job', 'list', '--limit', '1')
    assert status == 0 and [row['Id'] for row in rows] == [job_id]
    status, shown = run('job', 'show', job_id)
    assert status == 0
    assert (shown['Kind'], shown['Resource'], shown['Topic']) == ('volume.create', volume_id, 'scheduler')
    assert shown['Payload']['volume_id'] == volume_id
    status, said = run('job', 'show', 'none')
    assert status == 2 and 'could not be found' in said


def waiting_job(bench, volume_id):
    """The volume's job, put back because its backend was away."""
    work = bench.claim(workbench.BACKEND, bench.driver)
    with bench.ctx.writing():
        jobs.put_back(bench.ctx, work.job, 600, failed=True)
    return work.job.id


def test_retry_makes_a_waiting_job_due(bench, run):
    volume_id = bench.ask()
    bench.schedule()
    job_id = waiting_job(bench, volume_id)
    with bench.ctx.reading():
        assert jobs.due(bench.ctx, workbench.BACKEND, 9) == []
    status, shown = run('job', 'retry', job_id)
    assert (status, shown['Not before'], shown['Tries'], shown['Failing since']) == (0, None, 0, None)
    assert bench.app.doorbell.rung[-1] == (workbench.BACKEND, 'look_again', job_id)
    with bench.ctx.reading():
        assert jobs.due(bench.ctx, workbench.BACKEND, 9) == [job_id]


def test_retry_is_refused_where_it_would_do_harm_or_nothing(bench, run):
    volume_id = bench.ask()
    bench.schedule()
    job_id = live_job(bench, volume_id)
    work = bench.claim(workbench.BACKEND, bench.driver)
    status, said = run('job', 'retry', job_id)
    assert status == 2 and 'works on it' in said
    volume_delete.delete_volume(bench.ctx, bench.row(volume_id), force=True)  # waits for the lease of that one
    status, said = run('job', 'retry', live_job(bench, volume_id))
    assert status == 2 and 'waits until' in said and 'lease' in said
    status, said = run('job', 'retry', job_id)
    assert status == 2 and 'has ended (superseded)' in said
    assert work.job.id == job_id


def test_abandon_ends_the_volume_in_its_error_state(bench, run):
    volume_id = bench.ask(size=2)
    bench.schedule()
    job_id = waiting_job(bench, volume_id)
    status, shown = run('job', 'abandon', job_id)
    assert (status, shown['Outcome']) == (0, 'superseded')
    assert bench.row(volume_id).status == 'error'
    assert bench.messages() == [(volume_id, 'VOLUME_VOLUME_008_114')]
    assert invariants(bench) == []
    status, said = run('job', 'abandon', job_id)
    assert status == 2 and 'has ended' in said


def test_abandon_fences_off_who_works_on_it(bench, run):
    volume_id = bench.create()
    volume_delete.delete_volume(bench.ctx, bench.row(volume_id))
    work = bench.claim(workbench.BACKEND, bench.driver)
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.jobs).where(tables.jobs.c.id == work.job.id).values(identity='who-has-it'))
    assert run('job', 'abandon', work.job.id)[0] == 0
    assert bench.row(volume_id).status == 'error_deleting'
    with bench.ctx.reading():
        fence = jobs.get(bench.ctx, jobs.live_id(bench.ctx, volume_id))
    assert (fence.kind, fence.to_fence) == ('work.fence', ['who-has-it'])
    assert fence.not_before is not None
    assert invariants(bench) == []


def test_abandon_leaves_a_volume_that_was_to_be_retyped_as_it_was(bench, run):
    volume_id = bench.create()
    with bench.ctx.writing():
        volume_types.insert_type(bench.ctx, 'other', 'other', None, True, {})
    bench.app.policy = policy.Policy(bench.app.conf)
    volume_retype.retype(bench.ctx, volume_id, 'other')
    assert bench.row(volume_id).status == 'retyping'
    assert run('job', 'abandon', live_job(bench, volume_id))[0] == 0
    row = bench.row(volume_id)
    assert (row.status, row.migration_status) == ('available', None)
    assert row.volume_type_id != 'other'
    assert invariants(bench) == []


def test_abandon_is_refused_for_what_only_clears_away(bench, run):
    with bench.ctx.writing():
        job_id = jobs.post(bench.ctx, 'volume.clear', str(uuid.uuid4()), workbench.BACKEND, {})
    status, said = run('job', 'abandon', job_id)
    assert status == 2 and 'left undone' in said
    with bench.ctx.reading():
        assert jobs.get(bench.ctx, job_id).outcome is None
    assert run('job', 'abandon', 'none')[0] == 2


def test_each_failure_that_abandon_knows_is_of_its_machine():
    for machine, event, _ in operations._FAILS.values():
        assert machine in operations._RESET
        assert event is None or machine.moves[event].target in machine.settable


def test_a_context_of_the_command_may_do_all(ctx, app):
    """What the commands do by operations is decided by the policy as for any administrator."""
    app.policy = policy.Policy(app.conf)
    admin = stand_in.make_context(app)
    assert not admin.can('volume_extension:volume_admin_actions:force_delete')
    admin.is_admin = True
    assert admin.can('volume_extension:volume_admin_actions:force_delete')

# SPDX-License-Identifier: Apache-2.0
"""blockctl-status upgrade check: what each check finds, and what the command exits with."""

import json
import uuid

import pytest
import sqlalchemy as sa

from blockctl import context
from blockctl import version
from blockctl.cmd import process
from blockctl.cmd import status
from blockctl.db import jobs
from blockctl.db import schema
from blockctl.db import tables
from blockctl.db.columns import utcnow

SUCCESS, WARNING, FAILURE = status.Code.SUCCESS, status.Code.WARNING, status.Code.FAILURE


@pytest.fixture
def synced(tmp_path):
    """A function of the text of a configuration file -> a context on a database that has this release's schema."""
    apps = []

    def make(text='', sync=True):
        path = tmp_path / 'blockctl.conf'
        path.write_text(f'[DEFAULT]\nstate_path = {tmp_path}\n{text}')
        app = process.compose(process.configure(['blockctl-status', '--config-file', str(path)]), 'embedded://')
        apps.append(app)
        if sync:
            schema.sync(app.db, app.conf.default_volume_type)
        return context.Context(app, is_admin=True, overwrite=True)

    yield make
    for app in apps:
        app.db.dispose()


def result(ctx, name):
    """(result, details) of one check."""
    return next((row[1], row[2]) for row in status.check(ctx).rows if row[0] == name)


def test_all_is_well(synced):
    answer = status.check(synced())
    assert (answer.status, {row[1] for row in answer.rows}) == (0, {'Success'})


def test_an_old_schema_fails_and_its_rows_are_not_looked_at(synced):
    ctx = synced(sync=False)
    answer = status.check(ctx)
    assert answer.status == 2
    assert [row[1] for row in answer.rows][:4] == ['Failure', 'Skipped', 'Skipped', 'Skipped']
    assert 'blockctl-manage db sync' in answer.rows[0][2]


def test_a_database_that_is_away_fails(synced):
    ctx = synced(text='[database]\nconnection = sqlite:////nonexistent/none.sqlite\n', sync=False)
    assert status.check(ctx).status == 2
    assert result(ctx, 'Database')[0] == 'Failure'


def process_row(ctx, running, beat):
    with ctx.writing() as conn:
        service_id = str(uuid.uuid4())
        conn.execute(sa.insert(tables.services).values(
            id=service_id, binary='cinder-volume', host=f'node@{running}', disabled=False, frozen=False,
            created_at=utcnow()))
        conn.execute(sa.insert(tables.processes).values(
            incarnation=str(uuid.uuid4()), service_id=service_id, machine='m', boot='b', pid=1, started=1,
            version=running, beat_at=utcnow(-beat), created_at=utcnow()))


def test_a_process_of_another_release_warns(synced):
    ctx = synced()
    process_row(ctx, version.text(), 1)
    process_row(ctx, '0.0.1', 3600)  # it is dead
    assert result(ctx, 'Running services') == ('Success', '')
    process_row(ctx, '0.0.2', 1)
    assert result(ctx, 'Running services') == (
        'Warning', f'cinder-volume on node@0.0.2 runs 0.0.2, this is {version.text()}')
    assert status.check(ctx).status == 1


def test_a_job_that_is_not_understood_fails(synced):
    ctx = synced()
    with ctx.writing() as conn:
        for needs in (jobs.UNDERSTANDS, jobs.UNDERSTANDS + 1):
            job_id = jobs.post(ctx, 'volume.create', str(uuid.uuid4()), 'scheduler', {})
            conn.execute(sa.update(tables.jobs).where(tables.jobs.c.id == job_id).values(needs=needs))
    assert result(ctx, 'Jobs') == (
        'Failure', '1 jobs of kind volume.create were posted by a newer release, and are left to it')
    assert status.check(ctx).status == 2


def test_rows_of_an_older_release_warn(synced, monkeypatch):
    ctx = synced()
    monkeypatch.setattr(status.online_migrations, 'MIGRATIONS', {'a step': (lambda ctx: 3, None)})
    assert result(ctx, 'Rows of older releases')[0] == 'Warning'
    assert '3 rows left' in result(ctx, 'Rows of older releases')[1]


@pytest.mark.parametrize(('text', 'says'), [
    ('no_such = 1\n', '[DEFAULT] no_such: there is no such option'),
    ('enabled_backends = one\n[one]\nvolume_driver = file\nbogus = 1\n', '[one] bogus: there is no such option'),
    ('[elsewhere]\na = 1\n', 'nothing reads the section [elsewhere]'),
    ('[oslo_messaging_rabbit]\nrabbit_hosts = x\n', '[oslo_messaging_rabbit] rabbit_hosts: there is no such option'),
])
def test_an_option_that_nothing_reads_warns(synced, text, says):
    ctx = synced(text)
    found, details = result(ctx, 'Options')
    assert found == 'Warning'
    assert details.endswith(says)


@pytest.mark.parametrize('text', [
    'debug = true\nlog-file = /dev/null\ntransport_url = rabbit://\n',
    'enabled_backends = one\n[one]\nvolume_driver = file\nfile_directory = /tmp\nreserved_percentage = 1\n',
    '[keystone_authtoken]\nauth_type = password\nusername = x\n[oslo_messaging_rabbit]\namqp_durable_queues = true\n'])
def test_options_that_are_read_are_well(synced, text):
    assert result(synced(text), 'Options') == ('Success', '')


def test_deprecated_options_warn_with_what_to_do():
    gone = status.cfg.StrOpt('gone', deprecated_for_removal=True)
    renamed = status.cfg.StrOpt('new_name', deprecated_name='old-name', deprecated_group='other')
    known = {}
    status._add(known, 'DEFAULT', [gone, renamed])
    assert status._judge('DEFAULT', 'gone', known['DEFAULT']) == 'it has no effect any more'
    assert status._judge('other', 'old-name', known['other']) == 'it is [DEFAULT] new_name now'
    assert status._judge('DEFAULT', 'new-name', known['DEFAULT']) is None


@pytest.mark.parametrize(('policy', 'expected', 'says'), [
    ('"volume:create": "role:admin"\n', 'Success', ''),
    ('# nothing\n', 'Success', ''),
    ('"volume:creat": "role:admin"\n', 'Warning', 'nothing asks the rule volume:creat'),
    ('{"volume:create": "role:admin"}', 'Failure', 'is JSON'),
])
def test_policy_file(synced, tmp_path, policy, expected, says):
    path = tmp_path / 'policy.yaml'
    path.write_text(policy)
    found, details = result(synced(f'[oslo_policy]\npolicy_file = {path}\n'), 'Policy file')
    assert found == expected
    assert says in details


def test_the_command(synced, tmp_path, capsys):
    synced()
    words = ['--config-file', str(tmp_path / 'blockctl.conf'), '--format', 'json', 'upgrade', 'check']
    assert status.main(words) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row['Check'] for row in rows] == [name for name, _ in status.CHECKS]
    assert set(rows[0]) == {'Check', 'Result', 'Details'}
    with pytest.raises(SystemExit) as ended:
        status.main(['upgrade', 'undo'])
    assert ended.value.code == 2

# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import os
import types

import pytest

import stand_in
from blockctl import policy


@pytest.fixture
def files(tmp_path):
    app = stand_in.make_app(f'sqlite:///{tmp_path}/test.sqlite')
    path = tmp_path / 'policy.yaml'
    app.policy = policy.Policy(app.conf)
    app.conf.set_override('policy_file', str(path), 'oslo_policy')
    yield app, path
    app.db.dispose()


def write(path, text, at):
    path.write_text(text, encoding='utf-8')
    os.utime(path, (at, at))


def caller(app, *roles, project='p1', user='u1'):
    ctx = stand_in.make_context(app, project)
    ctx.roles, ctx.user_id = list(roles), user
    ctx.is_admin = ctx.can('context_is_admin')
    return ctx


def theirs():
    return types.SimpleNamespace(project_id='p2', user_id='u2')


@pytest.mark.parametrize(('role', 'rights'), [
    ('admin', {'volume:create', 'volume:get', 'volume:force_delete', 'volume_extension:services:index'}),
    ('member', {'volume:create'}), ('reader', {'volume:get'}), ('other', set())])
def test_the_three_personas(files, role, rights):
    ctx = caller(files[0], role)
    asked = {'volume:create', 'volume:get', 'volume:force_delete', 'volume_extension:services:index'}
    assert {rule for rule in asked if ctx.can(rule)} == rights
    assert {rule for rule in asked if ctx.can(rule)} == rights  # what was kept says the same


def test_another_project(files):
    assert not caller(files[0], 'reader').can('volume:get', theirs())
    assert caller(files[0], 'reader').can('volume:get')
    assert caller(files[0], 'admin').can('volume:get', theirs())


def test_a_rule_that_does_not_exist_allows_nobody(files):
    assert not caller(files[0], 'admin').can('volume:nonsense')


def test_the_operators_file_counts_and_is_read_again(files, monkeypatch):
    app, path = files
    monkeypatch.setattr(policy, 'LOOK', 0.0)
    write(path, '"volume:create": "role:creator"\n', at=1_000_000)
    app.policy = policy.Policy(app.conf)
    assert not caller(app, 'member').can('volume:create')
    assert caller(app, 'creator').can('volume:create')
    write(path, '"volume:create": "role:member"\n', at=2_000_000)
    assert caller(app, 'member').can('volume:create')
    assert not caller(app, 'creator').can('volume:create')


def test_a_rule_about_more_than_roles_is_decided_every_time(files):
    app, path = files
    write(path, '"volume:get": "user_id:%(user_id)s"\n"volume:update": "project_id:%(project_id)s and '
                '\'p1-volume\':%(name)s"\n', at=1_000_000)
    app.policy = policy.Policy(app.conf)
    ctx = caller(app, 'reader')
    assert ctx.can('volume:get', types.SimpleNamespace(project_id='p1', user_id='u1'))
    assert not ctx.can('volume:get', types.SimpleNamespace(project_id='p1', user_id='u2'))
    assert ctx.can('volume:update', {'project_id': 'p1', 'name': 'p1-volume'})
    assert not ctx.can('volume:update', {'project_id': 'p1', 'name': 'other'})


def test_nobody_is_refused_while_the_files_are_read_again(files, monkeypatch):
    app, path = files
    monkeypatch.setattr(policy, 'LOOK', 0.0)
    app.policy = policy.Policy(app.conf)

    def ask(number):
        if number % 20 == 0:
            write(path, f'"volume:delete": "role:r{number}"\n', at=3_000_000 + number)
        return caller(app, 'reader').can('volume:get')

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))


def test_an_error_in_the_operators_file_is_told_when_the_rules_are_loaded(files):
    """The API loads them before it serves; processes that ask for no right do without."""
    app, path = files
    path.write_text('volume:get: [unclosed\n', encoding='utf-8')
    with pytest.raises(ValueError, match='while parsing'):
        policy.Policy(app.conf).load()

# SPDX-License-Identifier: Apache-2.0
"""Connections are kept without a needless round trip, and none that is dead or unclean is ever used."""

import pytest
import sqlalchemy as sa
import stand_in

from blockctl.db import engine
from blockctl.db import volumes

_ITS_NUMBER = {'mysql': 'SELECT connection_id()', 'postgresql': 'SELECT pg_backend_pid()'}
_END = {'mysql': 'KILL {}', 'postgresql': 'SELECT pg_terminate_backend({})'}


@pytest.fixture
def served(any_app):
    """On a server: SQLite has no connections to lose."""
    if any_app.db.engine.dialect.name == 'sqlite':
        pytest.skip('of servers only')
    return any_app


def number(app):
    ctx = stand_in.make_context(app)
    with ctx.reading():
        return ctx.conn.exec_driver_sql(_ITS_NUMBER[_family(app)]).scalar()


def end(app, connection):
    other = sa.create_engine(app.db.engine.url, isolation_level='AUTOCOMMIT')
    with other.connect() as conn:
        conn.exec_driver_sql(_END[_family(app)].format(connection))
    other.dispose()


def _family(app):
    return app.db.engine.dialect.name.replace('mariadb', 'mysql')


def test_a_connection_that_ended_while_it_idled_is_replaced(served, monkeypatch):
    monkeypatch.setattr(engine, 'SURE', 0.0)
    before = number(served)
    assert number(served) == before
    end(served, before)
    assert number(served) != before


def test_a_connection_just_used_is_not_asked_first(served, monkeypatch):
    before = number(served)
    monkeypatch.setattr(engine, 'SURE', 3600.0)
    monkeypatch.setattr(served.db.engine.dialect, 'do_ping', lambda connection: pytest.fail('it was asked'))
    assert number(served) == before


def test_nothing_is_left_of_a_transaction_that_failed(served):
    ctx, before = stand_in.make_context(served), number(served)
    with pytest.raises(KeyError), ctx.writing():
        volumes.insert(ctx, {}, id='v1', project_id='p1', size=1, status='available')
        raise KeyError
    assert number(served) == before
    with ctx.writing():
        assert not volumes.exists(ctx, 'v1')
        volumes.insert(ctx, {}, id='v1', project_id='p1', size=1, status='available')

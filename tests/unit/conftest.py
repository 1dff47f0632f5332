# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import sys
import uuid

import pytest
import sqlalchemy as sa

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import stand_in

SERVERS = {'mariadb': 'BLOCKCTL_TEST_MARIADB_URL', 'postgresql': 'BLOCKCTL_TEST_POSTGRESQL_URL'}


@pytest.fixture
def app(tmp_path):
    """On SQLite."""
    app = stand_in.make_app(f'sqlite:///{tmp_path}/test.sqlite')
    yield app
    app.db.dispose()


@pytest.fixture
def ctx(app):
    return stand_in.make_context(app)


@pytest.fixture(params=['sqlite', *SERVERS])
def any_app(request, tmp_path):
    """On each kind of database: for what must hold between transactions that run at the same time."""
    if request.param == 'sqlite':
        app = stand_in.make_app(f'sqlite:///{tmp_path}/test.sqlite')
        yield app
        app.db.dispose()
        return
    url = os.environ.get(SERVERS[request.param])
    if not url:
        pytest.skip(f'{SERVERS[request.param]} is not set: eval "$(tools/services up {request.param})"')
    name = f'unit_{uuid.uuid4().hex[:12]}'
    server = sa.create_engine(url, isolation_level='AUTOCOMMIT')
    with server.connect() as conn:
        conn.execute(sa.text(f'CREATE DATABASE {name}'))
    app = stand_in.make_app(sa.make_url(url).set(database=name).render_as_string(hide_password=False))
    yield app
    app.db.dispose()
    with server.connect() as conn:
        conn.execute(sa.text(f'DROP DATABASE {name}'))
    server.dispose()

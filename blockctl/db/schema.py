# SPDX-License-Identifier: Apache-2.0
"""The schema's version, and how a database gets to it (alembic; migrations only add until the release after)."""

import uuid

import sqlalchemy as sa

from blockctl.db.columns import utcnow
from blockctl.db.group_types import CONSISTENT_SPEC
from blockctl.db.group_types import RESERVED
from blockctl.db.tables import group_type_specs
from blockctl.db.tables import group_types
from blockctl.db.tables import volume_types

#: The newest migration. A test compares it with the scripts, so that a start need not load alembic to know.
HEAD = '0003'


def version(database):
    """The migration a database is at, or None when it is empty."""
    with database.connection(write=False) as conn:
        if not sa.inspect(conn).has_table('alembic_version'):
            return None
        return conn.execute(sa.text('SELECT version_num FROM alembic_version')).scalar()


def sync(database, default_type):
    """Bring a database to :data:`HEAD` and make sure that the default types are there."""
    from alembic import command
    from alembic import config

    settings = config.Config()
    settings.set_main_option('script_location', 'blockctl:db/migrations')
    with database.connection(write=True) as conn:
        settings.attributes['connection'] = conn
        command.upgrade(settings, HEAD)
    with database.connection(write=True) as conn:
        _default_type(conn, default_type)
        _consistency_group_type(conn)


def _default_type(conn, name):
    if conn.execute(sa.select(volume_types.c.id).where(volume_types.c.name == name)).first() is None:
        conn.execute(sa.insert(volume_types).values(
            id=str(uuid.uuid4()), name=name, description='Default Volume Type', is_public=True, created_at=utcnow()))


def _consistency_group_type(conn):
    if conn.execute(sa.select(group_types.c.id).where(group_types.c.name == RESERVED)).first() is None:
        type_id = str(uuid.uuid4())
        conn.execute(sa.insert(group_types).values(
            id=type_id, name=RESERVED, description='The type of consistency groups', is_public=True,
            created_at=utcnow()))
        key, value = CONSISTENT_SPEC
        conn.execute(sa.insert(group_type_specs).values(group_type_id=type_id, key=key, value=value))

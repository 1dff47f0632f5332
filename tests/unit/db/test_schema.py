# SPDX-License-Identifier: Apache-2.0
"""The migrations make what db/tables.py says, on each kind of database."""

import sqlalchemy as sa
from alembic import autogenerate
from alembic import config
from alembic import script
from alembic.runtime import migration

from blockctl.db import schema
from blockctl.db import tables


def test_the_newest_migration_is_known_without_alembic():
    settings = config.Config()
    settings.set_main_option('script_location', 'blockctl:db/migrations')
    assert script.ScriptDirectory.from_config(settings).get_current_head() == schema.HEAD


def test_migrations_and_tables_agree(any_app):
    with any_app.db.connection(write=True) as conn:
        tables.metadata.drop_all(conn)
    assert schema.version(any_app.db) is None
    schema.sync(any_app.db, 'made')
    assert schema.version(any_app.db) == schema.HEAD
    schema.sync(any_app.db, 'made')  # again is the same as once
    with any_app.db.connection(write=False) as conn:
        context = migration.MigrationContext.configure(conn, opts={'compare_type': True})
        differences = autogenerate.compare_metadata(context, tables.metadata)
        names = conn.execute(sa.select(tables.volume_types.c.name)).scalars().all()
    assert differences == []
    assert names == ['made']

# SPDX-License-Identifier: Apache-2.0
"""What alembic runs: the migrations, on the connection that db/schema.py hands over."""

from alembic import context

from blockctl.db.tables import metadata

context.configure(connection=context.config.attributes['connection'], target_metadata=metadata,
                  transactional_ddl=False)
context.run_migrations()

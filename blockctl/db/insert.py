# SPDX-License-Identifier: Apache-2.0
"""Insert a row unless it is there, without a failed statement (which would end a transaction on PostgreSQL)."""

import importlib


def if_absent(conn, table, **values):
    """Afterwards a row with this key (primary or unique) is there: this one, or the one that was."""
    name = conn.dialect.name.replace('mariadb', 'mysql')
    # Only the dialect in use is loaded: the others would cost a start 40 ms.
    statement = importlib.import_module(f'sqlalchemy.dialects.{name}').insert(table).values(**values)
    if name == 'mysql':
        # A column assigned to itself, not IGNORE, which would also swallow values that do not fit.
        column = next(iter(table.primary_key))
        conn.execute(statement.on_duplicate_key_update({column.name: column}))
    else:
        conn.execute(statement.on_conflict_do_nothing())

# SPDX-License-Identifier: Apache-2.0
"""Insert a row unless it is there, without a failed statement (which would end a transaction on PostgreSQL)."""

from sqlalchemy.dialects import mysql
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite


def if_absent(conn, table, **values):
    """Afterwards a row with this key (primary or unique) is there: this one, or the one that was."""
    match conn.dialect.name:
        case 'mysql' | 'mariadb':
            # A column assigned to itself, not IGNORE, which would also swallow values that do not fit.
            column = next(iter(table.primary_key))
            statement = mysql.insert(table).values(**values).on_duplicate_key_update({column.name: column})
        case 'postgresql':
            statement = postgresql.insert(table).values(**values).on_conflict_do_nothing()
        case _:
            statement = sqlite.insert(table).values(**values).on_conflict_do_nothing()
    conn.execute(statement)

# SPDX-License-Identifier: Apache-2.0
"""Column types that mean the same on MariaDB, PostgreSQL and SQLite, and the database's own clock."""

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext import compiler
from sqlalchemy.sql import functions


def uuid_type():
    """An id: 36 ASCII characters, compared byte by byte."""
    return sa.String(36).with_variant(mysql.VARCHAR(36, charset='ascii', collation='ascii_bin'), 'mysql')


def ascii_type(length):
    """A token of ours (a host, a binary, a status): ASCII, compared byte by byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, charset='ascii', collation='ascii_bin'), 'mysql')


def name_type(length=255):
    """Text from outside, any Unicode, compared code point by code point: 'a', 'A' and 'ä' are three names."""
    return sa.String(length).with_variant(
        mysql.VARCHAR(length, charset='utf8mb4', collation='utf8mb4_bin'), 'mysql')


def time_type():
    """UTC, without a zone, microseconds (MariaDB's plain DATETIME would drop them)."""
    return sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql')


class utcnow(functions.FunctionElement):  # noqa: N801 - reads as the SQL function it is
    """The database's time, UTC, now (not when the transaction began), plus ``seconds``."""

    type = sa.DateTime()
    inherit_cache = True
    name = 'utcnow'

    def __init__(self, seconds=0):
        """``seconds``: a number, or the name of a parameter that a statement built beforehand is given it by."""
        super().__init__(sa.bindparam(seconds, type_=sa.Float()) if isinstance(seconds, str)
                         else sa.bindparam(None, float(seconds), type_=sa.Float(), unique=True))


@compiler.compiles(utcnow)
def _utcnow_sqlite(element, compiler_, **kw):
    seconds = compiler_.process(element.clauses, **kw)
    # %f has milliseconds; three more digits make it comparable with what SQLAlchemy stores.
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', ({seconds}) || ' seconds')"


@compiler.compiles(utcnow, 'mysql')
@compiler.compiles(utcnow, 'mariadb')
def _utcnow_mysql(element, compiler_, **kw):
    return f'(UTC_TIMESTAMP(6) + INTERVAL ({compiler_.process(element.clauses, **kw)}) * 1000000 MICROSECOND)'


@compiler.compiles(utcnow, 'postgresql')
def _utcnow_postgresql(element, compiler_, **kw):
    seconds = compiler_.process(element.clauses, **kw)
    return f"((clock_timestamp() AT TIME ZONE 'UTC') + CAST({seconds} AS FLOAT) * INTERVAL '1 second')"

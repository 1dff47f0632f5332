# SPDX-License-Identifier: Apache-2.0
"""List filters as SQL, the same way for every resource."""

import dataclasses
import typing

import sqlalchemy as sa

#: Escapes what LIKE would read as a wildcard.
_ESCAPE = '!'


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What a filter asks: ``op`` of 'eq', 'neq', 'gt', 'gte', 'lt', 'lte' and 'like', and a value of the right type.

    A filter on pairs (metadata) has op 'pairs' and a dict; 'all' has a list of Wanted that must all hold.
    """

    op: str
    value: typing.Any


#: What a filter that no row can meet becomes.
NOTHING = Wanted('nothing', None)

_COMPARE = {
    'eq': lambda column, value: column == value,
    'neq': lambda column, value: sa.or_(column != value, column.is_(None)),
    'gt': lambda column, value: column > value,
    'gte': lambda column, value: column >= value,
    'lt': lambda column, value: column < value,
    'lte': lambda column, value: column <= value,
    # Without regard to case, which SQLite's LIKE has none for: the same on all databases, and as in the reference.
    'like': lambda column, value: column.ilike(f'%{_escaped(value)}%', escape=_ESCAPE),
}


def _escaped(text):
    for wildcard in (_ESCAPE, '%', '_'):
        text = text.replace(wildcard, _ESCAPE + wildcard)
    return text


def compare(column, wanted):
    """The condition that ``column`` is as ``wanted``."""
    if wanted.op == 'nothing':
        return sa.false()
    if wanted.op == 'all':
        return sa.and_(*(compare(column, part) for part in wanted.value))
    return _COMPARE[wanted.op](column, wanted.value)


def pairs(table, owner, row_id, wanted):
    """The condition that the row ``row_id`` has all the pairs of ``wanted`` in ``table`` (of key, value)."""
    return sa.and_(*(
        sa.exists().where(owner == row_id, table.c.key == key, table.c.value == value)
        for key, value in wanted.value.items()))


def build(columns, filters):
    """The conditions of ``filters`` ({name: Wanted}); ``columns``: {name: column, or function of Wanted}.

    A name that has no column is met by no row, as in the reference.
    """
    return [sa.false() if name not in columns else _one(columns[name], wanted) for name, wanted in filters.items()]


def _one(column, wanted):
    return compare(column, wanted) if isinstance(column, sa.ColumnElement) else column(wanted)

# SPDX-License-Identifier: Apache-2.0
"""Pages of a list: order, marker, offset and limit, the same way for every resource."""

import dataclasses

import sqlalchemy as sa


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list, in which order.

    ``sorts``: ((key, 'asc' | 'desc'), ...), keys as the API names them; ``marker``: id of the last row of the page
    before, or None; ``offset``: rows to leave out, after the marker.
    """

    limit: int
    marker: str | None = None
    offset: int = 0
    sorts: tuple[tuple[str, str], ...] = ()
    with_count: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """Rows of a page, whether there may be more after it, and how many there are in all (None: not asked)."""

    rows: list
    more: bool
    count: int | None = None


def fetch(ctx, statement, visible, filters, page, columns, default, not_found):
    """The rows of one page. Returns Found.

    ``statement``: a select without WHERE and order; ``visible`` and ``filters``: conditions on the table of ``columns``
    (others by EXISTS), which rows the caller may see at all and which are asked for; ``columns``: {sort key: column},
    of one table, with an 'id'; ``default``: the sorts of a page that has none.  Raises ``not_found()``'s error when no
    visible row has the marker's id.

    One statement for the rows; one more with a marker, and one with ``with_count``.
    """
    sorts = _complete(page.sorts or default)
    if page.marker is None:
        rows = ctx.conn.execute(_part(statement.where(*visible, *filters), page, sorts, columns)).all()
    else:
        # The marker need not meet the filters: a row may have changed since, and the next page must still come.
        after = _after(ctx, visible, columns, sorts, page.marker, not_found)
        # The ids first, for which an index is enough, then their rows: MariaDB takes 1 ms in place of 90 for a page
        # that begins 50,000 rows down.
        ids = _part(sa.select(columns['id']).where(*visible, *filters, after), page, sorts, columns).subquery()
        rows = ctx.conn.execute(_ordered(statement.join(ids, ids.c.id == columns['id']), sorts, columns)).all()
    count = None
    if page.with_count:
        count = ctx.conn.execute(
            sa.select(sa.func.count(columns['id'])).where(*visible, *filters)).scalar_one()
    # A full page has a next one, though it may be empty: clients of the reference expect it so (tempest does).
    return Found(rows, 0 < page.limit == len(rows), count)


def _part(statement, page, sorts, columns):
    statement = _ordered(statement, sorts, columns).limit(page.limit)
    return statement.offset(page.offset) if page.offset else statement


def _ordered(statement, sorts, columns):
    for key, direction in sorts:
        statement = statement.order_by(*_order(columns[key], direction))
    return statement


def _complete(sorts):
    # The id comes last, so that the order is total; it goes the way of the key before it.
    if any(key == 'id' for key, _ in sorts):
        return tuple(sorts)
    return (*sorts, ('id', sorts[-1][1]))


def _order(column, direction):
    turned = sa.asc if direction == 'asc' else sa.desc
    if column.nullable:
        # The databases differ on where NULL belongs: here it is less than all values.
        return turned(sa.case((column.is_(None), 0), else_=1)), turned(column)
    return (turned(column),)


def _after(ctx, visible, columns, sorts, marker, not_found):
    """The condition for rows behind the one that has the marker's id."""
    names = [key for key, _ in sorts]
    found = None
    if marker.isascii() and len(marker) <= 36:
        found = ctx.conn.execute(
            sa.select(*(columns[key].label(f'sort_{i}') for i, key in enumerate(names)))
            .where(*visible, columns['id'] == marker)).first()
    if found is None:
        raise not_found()
    choices, equal = [], []
    # Literals, because a bare boolean is refused in comparisons by SQLAlchemy.
    values = [None if value is None else sa.literal(value, columns[key].type)
              for key, value in zip(names, found, strict=True)]
    for (key, direction), value in zip(sorts, values, strict=True):
        column = columns[key]
        behind = _behind(column, direction, value)
        if behind is not None:
            choices.append(sa.and_(*equal, behind))
        equal.append(column.is_(None) if value is None else column == value)
    first, value = columns[names[0]], values[0]
    if first.nullable:
        return sa.or_(*choices)
    # It follows from the rest, but only so an index on the first column is entered at the marker.
    return sa.and_(first >= value if sorts[0][1] == 'asc' else first <= value, sa.or_(*choices))


def _behind(column, direction, value):
    """Rows whose column comes after ``value``, NULL being the least; None: there are none."""
    if value is None:
        return column.is_not(None) if direction == 'asc' else None
    if direction == 'asc':
        return column > value
    return sa.or_(column < value, column.is_(None)) if column.nullable else column < value

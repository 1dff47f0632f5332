# SPDX-License-Identifier: Apache-2.0
"""Many volume rows without their volumes: copies of one available row, written by SQL and removed by SQL.

Only rows of the volume table are copied: no metadata, no quota, no image on a backend. While they are
there, usage and rows disagree, which is the price of having 50,000 of them in seconds; ``clear`` makes it
right again.
"""

import contextlib
import dataclasses
import datetime

ROW_PREFIX = "be9c0000-5eed-4000-8000-"  # of every seeded id; uuid4 will hardly ever make one that has it
BATCH = 2000
_SERIALS = 16 ** 12
_STRIDE = 0x9E3779B97F4B  # odd, so that multiplying by it modulo 2**48 meets every serial once


class SeedingRefused(Exception):
    """The database, its driver or its schema does not allow to seed; the text says which and why."""


@dataclasses.dataclass(frozen=True)
class Schema:
    """Where the volumes are. ``dead`` is the column that marks a row as deleted, where rows are kept."""

    table: str = "volumes"
    id: str = "id"
    created: str = "created_at"
    dead: str | None = None


SCHEMAS = {"blockctl": Schema(), "cinder": Schema(dead="deleted")}


def row_id(serial):
    """The id of the row of this number: unlike its neighbours', so rows lie scattered in the primary key."""
    return f"{ROW_PREFIX}{serial * _STRIDE % _SERIALS:012x}"


def copied_columns(columns, unique, schema):
    """Names of the columns to copy, of the inspected ``columns`` (dicts with name, nullable, computed,
    identity, autoincrement) and ``unique`` (groups of columns that must be unique together).

    What the database makes itself is left out; so is one nullable column of each unique group, which frees
    the copies of it. SeedingRefused where none is nullable, for a copy cannot be unique then.
    """
    names = [column["name"] for column in columns]
    for needed in (schema.id, schema.created):
        if needed not in names:
            raise SeedingRefused(f"table {schema.table} has no column {needed}")
    nullable = {column["name"] for column in columns if column.get("nullable")}
    left_out = {column["name"] for column in columns
                if column.get("computed") or column.get("identity") or column.get("autoincrement") is True}
    for group in map(set, unique):
        if schema.id in group or group & left_out:
            continue
        if not group & nullable:
            names = ", ".join(sorted(group))
            raise SeedingRefused(f"table {schema.table}: {names} must be unique and not null")
        left_out.add(min(group & nullable))
    return [name for name in names if name not in left_out | {schema.id, schema.created}]


class Seeder:
    """Seeded rows in one database, named by an SQLAlchemy URL."""

    def __init__(self, url, schema):
        try:
            import sqlalchemy
        except ImportError as error:
            raise SeedingRefused(f"{error}: run tools/bench with a Python that has SQLAlchemy and the "
                                 f"database's driver") from error
        self._sa = sqlalchemy
        self._schema = schema
        self._next = 0
        with self._reported():
            self._engine = sqlalchemy.create_engine(url)
            inspector = sqlalchemy.inspect(self._engine)
            columns = inspector.get_columns(schema.table)
            unique = [entry["column_names"] for entry in inspector.get_unique_constraints(schema.table)]
            unique += [entry["column_names"] for entry in inspector.get_indexes(schema.table)
                       if entry["unique"]]
        self._copied = copied_columns(columns, unique, schema)
        types = {column["name"]: column["type"] for column in columns}
        self._fresh = sqlalchemy.Table("bench_fresh", sqlalchemy.MetaData(),
                                       sqlalchemy.Column(schema.id, types[schema.id]),
                                       sqlalchemy.Column(schema.created, types[schema.created]))
        self._volumes = sqlalchemy.table(
            schema.table, *(sqlalchemy.column(name, kind) for name, kind in types.items()))

    def fill(self, template_id, count, check=lambda: None):
        """Add ``count`` copies of the row ``template_id``, each a quarter of a second older than the last.

        ``check`` is called between batches and may raise. Statistics of the table are refreshed at the end,
        so that the database's plans are those it would have for rows that grew slowly.
        """
        with self._reported(), self._engine.connect() as connection:
            created = self._template_time(connection, template_id)
            schema, quote = self._schema, self._engine.dialect.identifier_preparer.quote
            connection.execute(self._sa.text(
                f"CREATE TEMPORARY TABLE bench_fresh AS SELECT {quote(schema.id)}, {quote(schema.created)} "
                f"FROM {quote(schema.table)} WHERE 1 = 0"))
            try:
                end = self._next + count
                while self._next < end:
                    check()
                    self._copy(connection, template_id, created, min(BATCH, end - self._next))
                    connection.commit()
            finally:
                connection.rollback()
                connection.execute(self._sa.text("DROP TABLE bench_fresh"))
                connection.commit()
        self._refresh_statistics()

    def clear(self):
        """Remove every seeded row, of this run and of one that was killed; returns how many there were."""
        column = self._volumes.c[self._schema.id]
        with self._reported(), self._engine.begin() as connection:
            gone = connection.execute(self._volumes.delete().where(column.like(f"{ROW_PREFIX}%"))).rowcount
        if gone:
            self._refresh_statistics()
        self._next = 0
        return gone

    def close(self):
        self._engine.dispose()

    @contextlib.contextmanager
    def _reported(self):
        """Whatever the database or its driver objects to, as SeedingRefused."""
        try:
            yield
        except (ImportError, self._sa.exc.SQLAlchemyError) as error:
            raise SeedingRefused(f"{type(error).__name__}: {error}") from error

    def _template_time(self, connection, template_id):
        table, schema = self._volumes, self._schema
        query = self._sa.select(table.c[schema.created]).where(table.c[schema.id] == template_id)
        if schema.dead:
            query = query.where(table.c[schema.dead] == self._sa.false())
        created = connection.execute(query).scalar()
        if not isinstance(created, datetime.datetime):
            raise SeedingRefused(f"no row {template_id} in {schema.table}, or no time in its "
                                 f"{schema.created}: is this the database of that server?")
        return created

    def _copy(self, connection, template_id, created, count):
        table, fresh, schema = self._volumes, self._fresh, self._schema
        step = datetime.timedelta(milliseconds=250)
        connection.execute(fresh.delete())
        connection.execute(fresh.insert(), [
            {schema.id: row_id(serial), schema.created: created - serial * step}
            for serial in range(self._next, self._next + count)])
        rows = self._sa.select(
            fresh.c[schema.id], fresh.c[schema.created], *(table.c[name] for name in self._copied),
        ).select_from(fresh.join(table, table.c[schema.id] == template_id))
        connection.execute(table.insert().from_select([schema.id, schema.created, *self._copied], rows))
        self._next += count

    def _refresh_statistics(self):
        words = {"mysql": "ANALYZE TABLE", "mariadb": "ANALYZE TABLE", "postgresql": "ANALYZE"}
        word = words.get(self._engine.dialect.name)
        if word:
            with self._engine.begin() as connection:
                connection.execute(self._sa.text(
                    f"{word} {self._engine.dialect.identifier_preparer.quote(self._schema.table)}"))

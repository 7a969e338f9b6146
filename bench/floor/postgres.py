"""The tables of the floor in PostgreSQL: one JSON document per row, beside the columns it is searched by.

A page and its total are of one snapshot, a parent is held while a child is stored, and what is
changed or deleted is locked first: what SQLite, with one writer at a time, gives by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from psycopg import Connection
from psycopg.types.string import ByteaBinaryLoader
from psycopg_pool import ConnectionPool

from bench.floor.kinds import Kind
from bench.floor.listing import Dialect, Listing
from bench.floor.store import Page
from bench.model import Values
from bench.places import Place

Link: TypeAlias = Connection[tuple[Any, ...]]

_CONNECTIONS = 4  # as many as the server has threads
_TABLES = """
CREATE TABLE IF NOT EXISTS sites (
    _id text COLLATE "C" PRIMARY KEY,
    _rev bigint NOT NULL,
    _schema text NOT NULL,
    _document json NOT NULL
);
CREATE TABLE IF NOT EXISTS people (
    _id text COLLATE "C" PRIMARY KEY,
    _rev bigint NOT NULL,
    _schema text NOT NULL,
    name text COLLATE "C",
    age bigint,
    site text COLLATE "C",
    _document json NOT NULL
);
CREATE INDEX IF NOT EXISTS people_name ON people (name, _id);
CREATE INDEX IF NOT EXISTS people_age ON people (age, _id);
CREATE INDEX IF NOT EXISTS people_site ON people (site, _id);
"""
_COLUMNS = {"sites": ("_id",), "people": ("_id", "name", "age", "site")}
_INSERT = {
    "sites": b"INSERT INTO sites (_id, _rev, _schema, _document) VALUES (%(_id)s, 1, '1', %(doc)s)",
    "people": (
        b"INSERT INTO people (_id, _rev, _schema, name, age, site, _document) "
        b"VALUES (%(_id)s, 1, '1', %(name)s, %(age)s, %(site)s, %(doc)s)"
    ),
}
_UPDATE = {
    "sites": b"UPDATE sites SET _rev = _rev + 1, _document = %(doc)s WHERE _id = %(_id)s",
    "people": (
        b"UPDATE people SET _rev = _rev + 1, name = %(name)s, age = %(age)s, site = %(site)s, _document = %(doc)s "
        b"WHERE _id = %(_id)s"
    ),
}


class Store:
    """One schema of a server, durable at each commit, with a pool of connections."""

    dialect = Dialect(value="%s", differs="IS DISTINCT FROM")

    def __init__(self, place: Place) -> None:
        self._pool: ConnectionPool[Link] = ConnectionPool(
            place.url(),
            min_size=_CONNECTIONS,
            kwargs={"autocommit": True},
            configure=_pass_documents_on,
            open=True,
        )
        with self._pool.connection() as connection:
            connection.execute(_TABLES)

    def one(self, kind: Kind, item_id: str) -> bytes | None:
        """Return the document of an item."""
        with self._pool.connection() as connection:
            return _one(connection, f"SELECT _document FROM {kind.name} WHERE _id = %s", item_id)

    def page(self, kind: Kind, asked: Listing) -> Page:
        """Return one page with its total, of one snapshot."""
        tail = f"FROM {kind.name}{asked.where}"
        with self._pool.connection() as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")  # the pool ends it
            ((total,),) = connection.execute(f"SELECT count(*) {tail}".encode(), asked.values, binary=True)
            rows = connection.execute(
                f"SELECT _document {tail} ORDER BY {asked.order} LIMIT %s OFFSET %s".encode(),
                (*asked.values, asked.page, asked.skip),
                binary=True,
            ).fetchall()
        return Page(total, len(rows), b",".join([document for (document,) in rows]))

    @contextmanager
    def changing(self) -> Iterator[Change]:
        """Begin a transaction; the pool commits it at the end, or rolls it back when something was raised."""
        with self._pool.connection() as connection:
            connection.execute("BEGIN")
            yield Change(connection)

    def fill(self, kind: Kind, rows: Iterable[Values]) -> None:
        """Store many items in one transaction."""
        columns = _COLUMNS[kind.name]
        copy_from = f"COPY {kind.name} (_rev, _schema, {', '.join(columns)}, _document) FROM STDIN"
        with self._pool.connection() as connection, connection.cursor().copy(copy_from.encode()) as copy:
            for row in rows:
                copy.write_row((1, "1", *(row[column] for column in columns), row["doc"]))

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()


class Change:
    """One transaction that writes."""

    def __init__(self, connection: Link) -> None:
        self._connection = connection

    def held(self, kind: Kind, item_id: str) -> bytes | None:
        """Return the document of an item, and lock it."""
        return _one(self._connection, f"SELECT _document FROM {kind.name} WHERE _id = %s FOR UPDATE", item_id)

    def has_site(self, site_id: str) -> bool:
        """Tell whether there is a site; it cannot be deleted before the end."""
        return self._finds("SELECT 1 FROM sites WHERE _id = %s FOR KEY SHARE", site_id)

    def has_people(self, site_id: str) -> bool:
        """Tell whether anybody refers to a site, which is locked."""
        return self._finds("SELECT 1 FROM people WHERE site = %s LIMIT 1", site_id)

    def insert(self, kind: Kind, row: Values) -> None:
        """Store a new item."""
        self._connection.execute(_INSERT[kind.name], row)

    def update(self, kind: Kind, row: Values) -> None:
        """Replace an item."""
        self._connection.execute(_UPDATE[kind.name], row)

    def delete(self, kind: Kind, item_id: str) -> None:
        """Remove an item."""
        self._connection.execute(f"DELETE FROM {kind.name} WHERE _id = %s".encode(), (item_id,))

    def _finds(self, statement: str, value: str) -> bool:
        return self._connection.execute(statement.encode(), (value,)).fetchone() is not None


def _pass_documents_on(connection: Link) -> None:
    """Let documents, of which the binary form is their text, come as bytes."""
    connection.adapters.register_loader("json", ByteaBinaryLoader)


def _one(connection: Link, statement: str, item_id: str) -> bytes | None:
    row = connection.execute(statement.encode(), (item_id,), binary=True).fetchone()
    return None if row is None else row[0]

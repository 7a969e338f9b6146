"""The tables of the floor in SQLite: one JSON document per row, beside the columns it is searched by."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from bench.floor.kinds import Kind
from bench.floor.listing import Dialect, Listing
from bench.floor.store import Page
from bench.model import Values
from bench.places import Place

_FILE = "floor.sqlite"
_TABLES = """
CREATE TABLE IF NOT EXISTS sites (
    _id TEXT PRIMARY KEY,
    doc TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS people (
    _id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    age INTEGER,
    site TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS people_name ON people (name);
CREATE INDEX IF NOT EXISTS people_age ON people (age);
CREATE INDEX IF NOT EXISTS people_site ON people (site);
"""
_INSERT = {
    "sites": "INSERT INTO sites (_id, doc) VALUES (:_id, :doc)",
    "people": "INSERT INTO people (_id, name, age, site, doc) VALUES (:_id, :name, :age, :site, :doc)",
}
_UPDATE = {
    "sites": "UPDATE sites SET doc = :doc WHERE _id = :_id",
    "people": "UPDATE people SET name = :name, age = :age, site = :site, doc = :doc WHERE _id = :_id",
}


class Store:
    """One SQLite file, durable at each commit, with a connection for each thread."""

    dialect = Dialect(value="?", differs="IS NOT")

    def __init__(self, place: Place) -> None:
        self._path = place.folder / _FILE
        self._local = threading.local()
        self._connection.executescript(_TABLES)

    @property
    def _connection(self) -> sqlite3.Connection:
        """Return the connection of this thread, opened when it is first asked for."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._local.connection = connection
        return connection

    def one(self, kind: Kind, item_id: str) -> bytes | None:
        """Return the document of an item."""
        return _one(self._connection, kind, item_id)

    def page(self, kind: Kind, asked: Listing) -> Page:
        """Return one page with its total."""
        tail = f"FROM {kind.name}{asked.where}"
        connection = self._connection
        (total,) = connection.execute(f"SELECT count(*) {tail}", asked.values).fetchone()
        rows = connection.execute(
            f"SELECT doc {tail} ORDER BY {asked.order} LIMIT ? OFFSET ?",
            (*asked.values, asked.page, asked.skip),
        ).fetchall()
        return Page(total, len(rows), ",".join([doc for (doc,) in rows]).encode())

    @contextmanager
    def changing(self) -> Iterator[Change]:
        """Hold the write lock; commit at the end, roll back when something was raised."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield Change(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def fill(self, kind: Kind, rows: Iterable[Values]) -> None:
        """Store many items in one transaction."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT[kind.name], rows)
        connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection of this thread, which leaves one file when it is the last."""
        self._connection.close()
        del self._local.connection


class Change:
    """One transaction that writes, alone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def held(self, kind: Kind, item_id: str) -> bytes | None:
        """Return the document of an item; nobody else writes meanwhile."""
        return _one(self._connection, kind, item_id)

    def has_site(self, site_id: str) -> bool:
        """Tell whether there is a site."""
        return self._finds("SELECT 1 FROM sites WHERE _id = ?", site_id)

    def has_people(self, site_id: str) -> bool:
        """Tell whether anybody refers to a site."""
        return self._finds("SELECT 1 FROM people WHERE site = ? LIMIT 1", site_id)

    def insert(self, kind: Kind, row: Values) -> None:
        """Store a new item."""
        self._connection.execute(_INSERT[kind.name], row)

    def update(self, kind: Kind, row: Values) -> None:
        """Replace an item."""
        self._connection.execute(_UPDATE[kind.name], row)

    def delete(self, kind: Kind, item_id: str) -> None:
        """Remove an item."""
        self._connection.execute(f"DELETE FROM {kind.name} WHERE _id = ?", (item_id,))

    def _finds(self, statement: str, value: str) -> bool:
        return self._connection.execute(statement, (value,)).fetchone() is not None


def _one(connection: sqlite3.Connection, kind: Kind, item_id: str) -> bytes | None:
    row = connection.execute(f"SELECT doc FROM {kind.name} WHERE _id = ?", (item_id,)).fetchone()
    return None if row is None else row[0].encode()

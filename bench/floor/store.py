"""The tables of the floor: one JSON document per row, beside the columns it is searched by."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


class Store:
    """One SQLite file, durable at each commit, with a connection for each thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self.connection.executescript(_TABLES)

    @property
    def connection(self) -> sqlite3.Connection:
        """Return the connection of this thread, opened when it is first asked for."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._local.connection = connection
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; commit at the end, roll back when something was raised."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection of this thread, which leaves one file when it is the last."""
        self.connection.close()
        del self._local.connection

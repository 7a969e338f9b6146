"""Run the statements of one unit of work in one database file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from backo.connectors.base import Session
from backo.connectors.sql.dialect import Collision, Row
from backo.connectors.sql.layout import insert_into
from backo.connectors.sqlite import units
from backo.connectors.sqlite.failures import failure
from backo.errors import DBError, SessionError

if TYPE_CHECKING:
    from backo.connectors.sqlite.database import SqliteDatabase
    from backo.connectors.sqlite.handles import Handle

_CHUNK = 200  # rows that a stream holds


class SqliteSession(Session):
    """One transaction of one connection, used by one thread.

    A reading session takes its connection at its first statement; all its statements see the state
    of that moment. A writing session is begun at once, and alone.
    """

    __slots__ = ("_cursor", "_decides", "_ended", "_handle", "_streams", "_version", "database", "writing")

    def __init__(self, database: SqliteDatabase, *, writing: bool) -> None:
        self.database = database
        self.writing = writing
        self._handle: Handle | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._streams: list[sqlite3.Cursor] = []
        self._version: int | None = None
        self._ended = False
        self._decides = False
        if writing:
            self._begin()

    def _begin(self) -> sqlite3.Cursor:
        """Take a connection and begin."""
        if self._ended:
            message = "this session has ended"
            raise SessionError(message)
        self._handle = self.database.take(self)
        self._cursor = self._handle.cursor
        if not self.writing:
            self.change("BEGIN")
        return self._cursor

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a query; give all its rows."""
        cursor = self._cursor or self._begin()
        try:
            return cursor.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise failure(error, self.database.path) from error

    def stream(self, statement: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Run a query; give its rows as they are asked for, until the session ends.

        The session may write meanwhile; whether the rows still to come show that is not said.
        """
        if self._handle is None:
            self._begin()
        assert self._handle is not None  # noqa: S101  # `_begin` took one
        cursor = self._handle.connection.cursor()
        self._streams.append(cursor)
        try:
            cursor.execute(statement, values)
            while chunk := cursor.fetchmany(_CHUNK):
                yield from chunk
                if self._ended:
                    message = "this session has ended before all rows were read"
                    raise SessionError(message)
        except sqlite3.Error as error:
            raise failure(error, self.database.path) from error
        finally:
            if cursor in self._streams:  # the end of the session has closed it otherwise
                self._streams.remove(cursor)
                cursor.close()

    def change(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement that gives no rows.

        Raises:
            Collision: a value is taken.
        """
        cursor = self._cursor or self._begin()
        try:
            cursor.execute(statement, values)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def tried(self, statement: str, values: Sequence[Any] = ()) -> bool:
        """Run a statement; tell whether no unique index stood in its way: then it alone is undone."""
        try:
            self.change(statement, values)
        except Collision:
            return False
        return True

    def change_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of values."""
        cursor = self._cursor or self._begin()
        try:
            cursor.executemany(statement, rows)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add rows to a table.

        Raises:
            Collision: one has a value that is taken.
        """
        self.change_many(insert_into(table, tuple(columns)), rows)

    def _failure(self, error: sqlite3.Error) -> Collision | DBError:
        code = getattr(error, "sqlite_errorcode", 0)
        if code in {sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE}:
            return Collision(str(error))
        return failure(error, self.database.path)

    @property
    def version(self) -> int:
        """The schema version of the file, which changes with its tables and indexes (asked for once)."""
        if self._version is None:
            self._version = schema_version(self)
        return self._version

    def decide(self, unit: str, over: Sequence[str] = ()) -> None:
        """Write down, as a part of what this session commits, that a unit of work is committed."""
        units.decide(self, unit, over)
        self._decides = True

    def commit(self) -> None:
        """Make everything written durable, at once and whole."""
        if self._ended:
            message = "this session has ended"
            raise SessionError(message)
        self._end("COMMIT")
        if self._decides and self.database.synchronous != "FULL":
            units.sync_log(self.database.path)  # others will go on from here, durably

    def rollback(self) -> None:
        """Forget everything written; does nothing after the end."""
        if not self._ended:
            self._end("ROLLBACK")

    def abandon(self) -> None:
        """Let go of a connection that belongs to the parent of this process."""
        self._ended = True
        self._handle = self._cursor = None
        self._streams = []

    def _end(self, statement: str) -> None:
        self._ended = True
        handle, self._handle, self._cursor = self._handle, None, None
        if handle is None:
            return
        try:
            while self._streams:
                self._streams.pop().close()
            handle.cursor.execute(statement)
        except sqlite3.Error as error:
            if statement == "COMMIT":
                raise failure(error, self.database.path) from error
        finally:
            self.database.give(handle)

    def __del__(self) -> None:
        """Let no session that was forgotten keep its lock."""
        self.rollback()


def schema_version(session: SqliteSession) -> int:
    """Ask for the schema version of the file."""
    return int(session.rows("PRAGMA schema_version")[0][0])

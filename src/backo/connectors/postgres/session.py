"""Run the statements of one unit of work in one PostgreSQL database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import Connection, Cursor, ServerCursor
from psycopg.pq import ExecStatus, TransactionStatus

from backo.connectors.base import Session
from backo.connectors.postgres import units
from backo.connectors.postgres.adapters import given
from backo.connectors.postgres.failures import failure, is_lost
from backo.connectors.sql.dialect import Collision, Row
from backo.connectors.sql.layout import BOOKS, insert_into, quoted
from backo.errors import DBError, SessionError, TransientError

if TYPE_CHECKING:
    from backo.connectors.postgres.database import PostgresDatabase

VERSION = f"SELECT value FROM {BOOKS} WHERE key = 'version'"  # noqa: S608  # ours

_READING = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITING = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {VERSION}".encode()
_ALONE = (
    f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; LOCK TABLE {BOOKS} IN ACCESS EXCLUSIVE MODE; {VERSION}"
).encode()  # waits for all who write, who have read the version, and lets nobody begin
_SOON = b"; SET LOCAL lock_timeout = 1000; LOCK"  # milliseconds for which the others wait behind it
_ALONE_SOON = _ALONE.replace(b"; LOCK", _SOON)

_CHUNK = 200  # rows that a stream holds
_SHORT = 4_000  # characters of a statement that is kept; a client may send any number of filters that make longer ones
_COPY = 20  # rows from which on they are copied instead of inserted


class PostgresSession(Session):
    """One transaction of one connection, used by one thread.

    A reading session takes its connection at its first statement; all its statements see the state
    of that moment. A writing session sees what others commit meanwhile: what it relies on, it locks.

    Args:
        database: where it works.
        writing: whether it may write.
        alone: whether no other session may write in this database until it ends.
        soon: whether one that is alone gives up at once where it would have to wait for long.
        once: whether it is going to run one statement only, which then needs no transaction.
    """

    __slots__ = (
        "_connection",
        "_cursor",
        "_ended",
        "_failed",
        "_in_transaction",
        "_names",
        "_once",
        "_reached",
        "_streams",
        "_version",
    )
    database: PostgresDatabase
    writing: bool

    def __init__(
        self,
        database: PostgresDatabase,
        *,
        writing: bool,
        alone: bool = False,
        soon: bool = False,
        once: bool = False,
    ) -> None:
        self.database = database
        self.writing = writing
        self._once = once
        self._connection: Connection[Row] | None = None
        self._cursor: Cursor[Row] | None = None
        self._in_transaction = False
        self._version: int | None = None
        self._ended = False
        self._failed: DBError | Collision | None = None
        self._names = count(1)
        self._reached = ("", "")  # table and id of the last document that is held
        self._streams: list[ServerCursor[Row]] = []
        if writing:
            self._take((_ALONE_SOON if soon else _ALONE) if alone else _WRITING)

    def _take(self, begin: bytes | None) -> Cursor[Row]:
        """Take a connection, and begin a transaction on it; one that died in the pool is replaced."""
        if self._ended:
            message = "this session has ended"
            raise SessionError(message)
        while True:
            connection, is_fresh = self.database.take()
            self._connection = connection
            self._cursor = connection.cursor()
            if begin is None:
                return self._cursor
            try:
                self._begin(begin)
            except psycopg.Error as error:
                self._undo()
                self._give()
                if is_lost(error) and not is_fresh:
                    continue
                raise self._failure(error) from error
            return self._cursor

    def _begin(self, begin: bytes) -> None:
        assert self._connection is not None  # noqa: S101  # it has been taken
        self._in_transaction = True
        result = _executed(self._connection, begin)
        if self.writing:
            value = result.get_value(0, 0) if result.ntuples else None
            self._version = int(value or b"0")

    def _ready(self) -> Cursor[Row]:
        """Give the cursor of a connection on which a statement can be run."""
        if self._cursor is None:
            return self._take(None if self._once else _READING)
        if not self._in_transaction and self._failed is None:
            # A second statement after all: from here on it is one state.
            try:
                self._begin(_READING)
            except psycopg.Error as error:
                raise self._failure(error) from error
        return self._cursor

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a query; give all its rows."""
        text = _translated(statement)
        while True:
            is_first = self._cursor is None
            cursor = self._ready()
            try:
                return given(cursor.execute(text, values, binary=True).fetchall())
            except psycopg.Error as error:
                if is_first and self._once and is_lost(error) and not self.database.is_fresh(self._connection):
                    self._give()  # it died in the pool
                    continue
                raise self._failure(error) from error

    def stream(self, statement: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Run a query; give its rows as they are asked for, until the session ends.

        Rows that the session writes meanwhile are not among them.
        """
        self._once = False
        self._ready()
        assert self._connection is not None  # noqa: S101  # `_ready` has seen to it
        cursor: ServerCursor[Row] = self._connection.cursor(f"rows{next(self._names)}")
        self._streams.append(cursor)
        try:
            cursor.execute(_translated(statement), values, binary=True)
            while chunk := cursor.fetchmany(_CHUNK):
                yield from given(chunk)
                if self._ended:
                    message = "this session has ended before all rows were read"
                    raise SessionError(message)
        except psycopg.Error as error:
            raise self._failure(error) from error
        finally:
            if cursor in self._streams:  # the end of the session has closed it otherwise
                self._streams.remove(cursor)
                _close(cursor)

    def change(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement that gives no rows.

        Raises:
            Collision: a value is taken.
        """
        cursor = self._to_write()
        try:
            cursor.execute(_translated(statement), values)
        except psycopg.Error as error:
            raise self._failure(error) from error

    def tried(self, statement: str, values: Sequence[Any] = ()) -> bool:
        """Run a statement; tell whether no unique index stood in its way: then it alone is undone."""
        cursor = self._ready()
        try:
            cursor.execute("SAVEPOINT tried")
            try:
                cursor.execute(_translated(statement), values)
            except psycopg.errors.UniqueViolation:
                cursor.execute("ROLLBACK TO SAVEPOINT tried")
                return False
            cursor.execute("RELEASE SAVEPOINT tried")
        except psycopg.Error as error:
            raise self._failure(error) from error
        return True

    def change_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of values, all in one go."""
        each = list(rows)
        if len(each) == 1:
            self.change(statement, each[0])
            return
        cursor = self._to_write()
        try:
            cursor.executemany(_translated(statement), each)
        except psycopg.Error as error:
            raise self._failure(error) from error

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add rows to a table; many are copied.

        Raises:
            Collision: one has a value that is taken.
        """
        each = list(rows)
        if len(each) < _COPY:
            self.change_many(insert_into(table, tuple(columns)), each)
            return
        cursor = self._to_write()
        try:
            with cursor.copy(_copy(table, tuple(columns))) as copy:
                for row in each:
                    copy.write_row(row)
        except psycopg.Error as error:
            raise self._failure(error) from error

    @property
    def version(self) -> int:
        """The version of the tables, which each change of them raises."""
        if self._version is None:
            found = self.rows(VERSION)
            self._version = int(found[0][0]) if found else 0
        return self._version

    def may_wait(self, table: str, ids: Sequence[str]) -> bool:
        """Tell whether documents that are to be held come after all that are; they count as held from now on."""
        if not ids:
            return True
        is_in_order = (table, min(ids)) > self._reached
        self._reached = max(self._reached, (table, max(ids)))
        return is_in_order

    def decide(self, unit: str, over: Sequence[str] = ()) -> None:
        """Write down, as a part of what this session commits, that a unit of work is committed."""
        units.decide(self, unit, over)

    def commit(self) -> None:
        """Make everything written durable, at once and whole.

        Raises:
            TransientError: another session was faster.
            DBError: it could not be done; or the connection was lost, and nobody knows whether it was.
        """
        if self._ended:
            message = "this session has ended"
            raise SessionError(message)
        self._refuse_failed()
        self._close_streams()
        try:
            if self._in_transaction and self._connection is not None:
                result = _executed(self._connection, b"COMMIT")
                if self.writing and result.command_status != b"COMMIT":
                    message = f"the database {self.database.name!r} has rolled the transaction back"
                    raise DBError(message)
        except psycopg.Error as error:
            if is_lost(error) and self.writing:
                message = f"the connection to the database {self.database.name!r} was lost while it committed"
                raise DBError(message, hint="look whether the change is there before you send it again") from error
            raise self._failure(error) from error
        finally:
            self._in_transaction = False
            self.rollback()

    def rollback(self) -> None:
        """Forget everything written; does nothing after the end."""
        if self._ended:
            return
        self._ended = True
        self._close_streams()
        self._undo()
        self._give()

    def _close_streams(self) -> None:
        while self._streams:
            _close(self._streams.pop())

    def _failure(self, error: psycopg.Error) -> DBError | Collision:
        """Make the error for one of the driver; what was done is undone at once, so that one may still look around."""
        self._undo()
        found = self._failed = failure(error, self.database.name)
        if isinstance(found, TransientError) and not self.writing and not is_lost(error):
            return DBError(found.message)
        return found

    def given_up(self, message: str) -> TransientError:
        """Undo what was done for somebody else's sake; give the error to raise, which nobody can make undone."""
        self._undo()
        hint = "do it again; backoffice.run() does so by itself"
        self._failed = error = TransientError(message, hint=hint)
        return error

    def _refuse_failed(self) -> None:
        """Let nothing be kept of a session in which a statement failed, also when somebody caught its error.

        Raises:
            TransientError: the whole may be done again.
            SessionError: it may not.
        """
        if isinstance(self._failed, TransientError):
            raise TransientError(self._failed.message) from self._failed
        if self._failed is not None:
            message = "a statement of this session has failed; it can only be rolled back"
            raise SessionError(message) from self._failed

    def _to_write(self) -> Cursor[Row]:
        """Give the cursor for a statement that writes: only in a transaction."""
        self._refuse_failed()
        return self._ready()

    def _undo(self) -> None:
        if self._in_transaction and self._connection is not None and self._is_sound():
            self._connection.pgconn.exec_(b"ROLLBACK")
        self._in_transaction = False

    def _is_sound(self) -> bool:
        return (
            self._connection is not None
            and not self._connection.closed
            and self._connection.info.transaction_status is not TransactionStatus.UNKNOWN
        )

    def _give(self) -> None:
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            self.database.give(connection)

    def __del__(self) -> None:
        """Let no session that was forgotten keep its locks."""
        self.rollback()


def _close(cursor: ServerCursor[Row]) -> None:
    with contextlib.suppress(psycopg.Error):  # of a transaction, or a connection, that is gone
        cursor.close()


def _executed(connection: Connection[Row], command: bytes) -> psycopg.pq.abc.PGresult:
    """Run commands without parameters, in one journey to the server; give the last result.

    Raises:
        psycopg.Error: one failed.
    """
    result = connection.pgconn.exec_(command)
    if result.status in {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}:
        return result
    error = psycopg.errors.error_from_result(result, encoding="utf-8")
    if connection.closed and error.sqlstate is None:  # the server has said nothing, so these are libpq's own words
        raise psycopg.OperationalError(str(error))
    raise error


def _translated(statement: str) -> str:
    """Write the marks of bound values as the driver reads them; no name has a `?` in it."""
    return _kept(statement) if len(statement) <= _SHORT else _written(statement)


def _written(statement: str) -> str:
    return statement.replace("%", "%%").replace("?", "%s")


_kept = lru_cache(maxsize=4096)(_written)


@lru_cache(maxsize=1024)
def _copy(table: str, columns: tuple[str, ...]) -> str:
    return f"COPY {quoted(table)} ({', '.join(map(quoted, columns))}) FROM STDIN"

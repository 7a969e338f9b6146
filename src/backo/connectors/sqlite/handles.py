"""Open one connection to a database file, in the state that every session relies on."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from backo.connectors.sqlite.failures import failure, is_busy
from backo.connectors.sqlite.functions import install
from backo.errors import DBError

if TYPE_CHECKING:
    from backo.connectors.sqlite.session import SqliteSession

T = TypeVar("T")

_JOURNAL = "PRAGMA journal_mode = WAL"
_PAGE_SIZE = 8192  # bytes: to count a range of an index takes half as many reads as with the usual 4096
_CACHE = {False: 1536, True: 2048}  # KiB of pages, to read and to write; the system caches the whole file
_LONGEST_WAL = 16 * 1024 * 1024  # bytes to which a write-ahead log is cut back when it has been copied
_STATEMENTS = 128  # prepared ones that a connection keeps
_POLL = (0.0002, 0.003)  # seconds between two attempts to become the writer: from, to


class Handle:
    """One connection to a database file.

    Attributes:
        cursor: for statements whose rows are fetched at once.
        writer: whether it is the one that writes.
        thread: the thread whose session has it.
        session: the session that has it.
        generation: of the pool that opened it.
    """

    __slots__ = ("connection", "cursor", "generation", "session", "thread", "writer")

    connection: sqlite3.Connection
    cursor: sqlite3.Cursor

    def __init__(self, generation: int, *, writer: bool) -> None:
        self.generation = generation
        self.writer = writer
        self.thread = threading.get_ident()
        self.session: weakref.ref[SqliteSession] | None = None

    def open(self, path: Path, synchronous: str, patience: float) -> None:
        """Open the file, making it when it is missing.

        Raises:
            DBError: it cannot be opened, or is no database.
        """
        try:
            _make_file(path)
            # The writer polls by itself (`begin_writing`), sooner and more evenly than SQLite does.
            self.connection = sqlite3.connect(
                path,
                timeout=0 if self.writer else patience,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_STATEMENTS,
            )
        except OSError as error:
            message = f"the database {path.name!r} cannot be opened: {error.strerror}"
            raise DBError(message) from error
        except sqlite3.Error as error:
            raise failure(error, path) from error
        self.cursor = self.connection.cursor()
        try:
            patiently(lambda: self._prepare(path, synchronous), patience)
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.Error):
                raise failure(error, path) from error
            raise

    def _prepare(self, path: Path, synchronous: str) -> None:
        execute = self.cursor.execute
        execute(f"PRAGMA page_size = {_PAGE_SIZE}")  # of a file that is still empty
        mode = execute(_JOURNAL).fetchone()[0]
        if mode != "wal":
            message = f"the database {path.name!r} cannot use a write-ahead log where it is (a network folder?)"
            raise DBError(message)
        execute(f"PRAGMA synchronous = {synchronous}")
        execute(f"PRAGMA cache_size = -{_CACHE[self.writer]}")
        execute(f"PRAGMA journal_size_limit = {_LONGEST_WAL}")
        execute("PRAGMA trusted_schema = OFF")
        execute("PRAGMA legacy_alter_table = ON")  # a view of somebody's own does not keep a table from being renamed
        install(self.connection)

    def begin_writing(self, patience: float) -> None:
        """Become the writer, waiting at most `patience` seconds; the error is the driver's."""
        patiently(lambda: self.cursor.execute("BEGIN IMMEDIATE"), patience)

    def settle(self) -> bool:
        """Undo a transaction that has not been ended; tell whether the connection can be used again."""
        with contextlib.suppress(sqlite3.Error):
            if self.connection.in_transaction:
                self.connection.rollback()
        return not self.connection.in_transaction

    def close(self) -> None:
        """Close the connection, and its transaction with it; what goes wrong has been shown before."""
        # A cursor that somebody still has (the traceback of an error) would keep the transaction open.
        for step in (self.cursor.close, self.connection.rollback, self.connection.close):
            with contextlib.suppress(sqlite3.Error):
                step()


def patiently(attempt: Callable[[], T], patience: float) -> T:
    """Repeat what fails because somebody else holds a lock, for at most `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(*_POLL))  # noqa: S311  # so that processes do not poll in step


def _make_file(path: Path) -> None:
    """Make a missing file, and missing folders, such that they survive a power cut.

    An existing file is not touched: closing it would drop every lock that this process has on it.
    """
    if path.exists():
        return
    missing = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o644))
    for folder in [path.parent, *(folder.parent for folder in missing)]:
        _sync(folder)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Share one database file between stores and threads: a pool of connections, and a queue of writers.

SQLite's locks belong to the process, and it remembers them in memory that a fork copies. A child
that inherits open connections would believe in locks that only its parent has. So all idle
connections are closed before a fork, sessions of other threads are waited for, and a child that
was forked inside a session still open is refused this file: nothing it did there would be safe.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from pathlib import Path
from typing import ClassVar

from backo.connectors.base import Database, Rank
from backo.connectors.preparing import Preparable, Preparation
from backo.connectors.sqlite import units
from backo.connectors.sqlite.failures import failure
from backo.connectors.sqlite.handles import Handle
from backo.connectors.sqlite.queueing import FairLock
from backo.connectors.sqlite.session import SqliteSession
from backo.errors import DBError

PATIENCE = 30.0  # seconds to wait for other writers
_FORK_PATIENCE = 5.0  # seconds a fork waits for the sessions of other threads
_MOST_IDLE = 8  # reading connections kept open


class SqliteDatabase(Database):
    """One database file, for all connectors of this process that name it.

    Attributes:
        path: the file, absolute.
        synchronous: `"FULL"` or `"NORMAL"`; the stricter one that a connector asked for.
        patience: seconds to wait for other writers.
    """

    rank: ClassVar[Rank] = Rank.ALONE

    def __init__(self, path: Path) -> None:
        self.path = path
        self.synchronous = "NORMAL"
        self.patience = PATIENCE
        self._preparation = Preparation()
        self._generation = 0
        self._fresh()

    def _fresh(self) -> None:
        """Start with nothing open."""
        self._preparation.renew()
        self._gate = threading.Condition()  # re-entrant: a session may be collected anywhere
        self._paused = False
        self._idle: list[Handle] = []
        self._idle_writer: Handle | None = None
        self._out: set[Handle] = set()
        self._writing = FairLock()
        self._refused = False

    def register(self, store: Preparable, synchronous: str) -> None:
        """Learn of a store, or that its structure is another one now."""
        self._preparation.register(store)
        if synchronous == "FULL" and self.synchronous != "FULL":
            self.synchronous = "FULL"
            self._drop_connections()

    @property
    def key(self) -> str:
        """What names the place: the path of the file."""
        return f"sqlite:{self.path}"

    def key_from(self, folder: Path) -> str:
        """Give the key with the path from a folder to the file: the two may move together."""
        return f"sqlite:{os.path.relpath(self.path, folder)}"

    def begin(self, *, writing: bool, once: bool = False) -> SqliteSession:
        """Open a session; a writing one waits in a queue of threads, then for other processes."""
        if not self._preparation.is_done:
            self._preparation.run()
        return SqliteSession(self, writing=writing)

    def settle(self, unit: str) -> bool:
        """Make sure that a unit of work is decided for ever, and tell whether it was committed."""
        if not self.path.exists():  # to make it anew would be to forget what it decided
            message = f"the database {self.path.name!r}, which knows what became of a unit of work, is not there"
            raise DBError(message, hint=f"bring back {self.path}")
        mine = self._mine()  # with it nobody else writes, and no transaction of a dead process is under way
        session = mine or SqliteSession(self, writing=True)
        try:
            was_committed = units.settle(session, unit)
            if session is not mine:
                session.commit()
        finally:
            if session is not mine:
                session.rollback()
        units.sync_log(self.path)
        return was_committed

    def _mine(self) -> SqliteSession | None:
        """Give the writing session that this thread has open, if it has one."""
        if not self._writing.is_mine():
            return None
        with self._gate:
            found = [handle.session for handle in self._out if handle.writer and handle.session]
        return found[0]() if found else None

    def close(self) -> None:
        """Close what is idle now, and the rest as it is given back; the next `begin` opens anew."""
        self._preparation.forget()
        self._drop_connections()

    def take(self, session: SqliteSession) -> Handle:
        """Lend a connection to a session; for a writing one, a transaction is begun on it.

        Raises:
            DBError: the file cannot be opened, or stayed locked.
        """
        if self._refused:
            message = f"the database {self.path.name!r} cannot be used in a process forked inside one of its sessions"
            raise DBError(message, hint="fork when no session is open, or start the process anew (spawn)")
        if not session.writing:
            return self._lend(session)
        self._queue()
        try:
            handle = self._lend(session)
        except BaseException:
            self._writing.release()
            raise
        try:
            handle.begin_writing(self.patience)
        except BaseException as error:
            self.give(handle)
            if isinstance(error, sqlite3.Error):
                raise failure(error, self.path) from error
            raise
        return handle

    def _queue(self) -> None:
        """Wait until no other thread of this process writes."""
        if self._writing.is_mine():
            message = "this thread has a writing session in this database already"
            raise DBError(message)
        if not self._writing.acquire(self.patience):
            message = f"the database {self.path.name!r} stayed locked by other threads for {self.patience:g} seconds"
            raise DBError(message)

    def _lend(self, session: SqliteSession) -> Handle:
        writer = session.writing
        thread = threading.get_ident()
        with self._gate:
            if self._paused:
                # Whoever has a session already must get on, or the fork would wait for it in vain.
                self._gate.wait_for(lambda: not self._paused or any(handle.thread == thread for handle in self._out))
            handle = self._idle_writer if writer else self._idle.pop() if self._idle else None
            if writer:
                self._idle_writer = None
            is_new = handle is None
            if handle is None:
                handle = Handle(self._generation, writer=writer)
            handle.thread = thread
            handle.session = weakref.ref(session)
            self._out.add(handle)
        if is_new:
            try:
                handle.open(self.path, self.synchronous, self.patience)
            except BaseException:
                self._forget(handle)
                raise
        return handle

    def give(self, handle: Handle) -> None:
        """Take back a connection; a transaction that could not be ended is undone."""
        is_usable = handle.settle()
        with self._gate:
            self._out.discard(handle)
            kept = is_usable and handle.generation == self._generation and len(self._idle) < _MOST_IDLE
            if kept and handle.writer:
                self._idle_writer = handle
            elif kept:
                self._idle.append(handle)
            if self._paused:
                self._gate.notify_all()
        if not kept:
            handle.close()
        if handle.writer:
            self._writing.release()

    def _forget(self, handle: Handle) -> None:
        with self._gate:
            self._out.discard(handle)
            if self._paused:
                self._gate.notify_all()

    def _drop_connections(self) -> None:
        """Close the idle connections now, the others when they are given back."""
        with self._gate:
            self._generation += 1
            self._close_idle()

    def _close_idle(self) -> None:
        handles = [*self._idle, *([self._idle_writer] if self._idle_writer else [])]
        self._idle, self._idle_writer = [], None
        for handle in handles:
            handle.close()

    def before_fork(self) -> None:
        """Let nobody begin, wait for the sessions of other threads, close what is idle."""
        thread = threading.get_ident()
        with self._gate:
            self._paused = True
            self._gate.wait_for(lambda: all(handle.thread == thread for handle in self._out), _FORK_PATIENCE)
            self._close_idle()

    def after_fork_in_parent(self) -> None:
        """Let sessions begin again."""
        with self._gate:
            self._paused = False
            self._gate.notify_all()

    def after_fork_in_child(self) -> None:
        """Start anew; where a session of the parent was open, never use the file in this process."""
        inherited = self._out
        if not inherited:
            # There are idle ones only if whoever forked did not call `before_fork`. With no
            # transaction open, and the parent's locks in place, closing them is safe at this moment.
            self._close_idle()
        self._fresh()
        self._refused = bool(inherited)
        for handle in inherited:
            _keep_for_ever(handle)

    def __del__(self) -> None:
        """Close what is idle: nobody is left who could ask for it."""
        self._close_idle()


def _keep_for_ever(handle: Handle) -> None:
    """Keep a connection of the parent from being closed, which would undo, in shared memory, what it is at."""
    import ctypes  # noqa: PLC0415  # in this rare case alone

    session = handle.session() if handle.session else None
    if session is not None:
        session.abandon()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(handle))


_databases: weakref.WeakValueDictionary[str, SqliteDatabase] = weakref.WeakValueDictionary()
_registry = threading.Lock()


def database_at(path: str | os.PathLike[str]) -> SqliteDatabase:
    """Give the database of this process for a file; the same for every name of the same file. No I/O on the file."""
    absolute = os.path.realpath(path)
    with _registry:
        database = _databases.get(absolute)
        if database is None:
            database = _databases[absolute] = SqliteDatabase(Path(absolute))
        return database


def _before_fork() -> None:
    _registry.acquire()
    for database in list(_databases.values()):
        database.before_fork()


def _after_fork_in_parent() -> None:
    for database in list(_databases.values()):
        database.after_fork_in_parent()
    _registry.release()


def _after_fork_in_child() -> None:
    global _registry  # noqa: PLW0603  # the inherited lock may belong to a thread that is not here
    _registry = threading.Lock()
    for database in list(_databases.values()):
        database.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )

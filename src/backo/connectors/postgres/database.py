"""Share one PostgreSQL database between stores and threads: the pool of connections, and what a fork does to it.

A connection belongs to the process that opened it: two that speak through one socket would read one
another's answers. A forked child therefore lets go of what it inherits without a word to the server.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Iterator
from typing import Any, ClassVar

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from backo.connectors.base import Database, Rank
from backo.connectors.postgres import units
from backo.connectors.postgres.adapters import install
from backo.connectors.postgres.failures import failure
from backo.connectors.postgres.session import PostgresSession
from backo.connectors.preparing import Preparable, Preparation
from backo.connectors.sql.dialect import Row
from backo.connectors.sql.evolution import LAYOUT_VERSION, VERSION_KEY
from backo.connectors.sql.layout import BOOKS
from backo.errors import DBError, DefinitionError

PATIENCE = 30.0  # seconds to wait for a lock
LONG_PATIENCE = 3600.0  # seconds to wait until all older transactions have ended
MOST = 20  # connections of a process
_TURN = 5.0  # seconds to wait for a connection
_GLANCE = 1.0  # seconds to wait for a connection to a server that is known to be away
_ATTEMPTS = 2.0  # seconds for which a connection is tried again before somebody else may try

_HAS_NOTES = "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = %s"
_NOTES = f"CREATE TABLE IF NOT EXISTS {BOOKS} (key text PRIMARY KEY, value text NOT NULL)"
_FIRST = f"INSERT INTO {BOOKS} VALUES ('{VERSION_KEY}', '{LAYOUT_VERSION}'), ('version', '0') ON CONFLICT DO NOTHING"  # noqa: S608  # ours


class PostgresDatabase(Database):
    """One database, for all connectors of this process that name it in the same way.

    Attributes:
        name: what it is called in texts; without a password.
    """

    rank: ClassVar[Rank] = Rank.SHARED

    def __init__(self, conninfo: str, name: str) -> None:
        self._conninfo = conninfo
        self.name = name
        self.most = 0
        self._preparation = Preparation()
        self._fresh()

    def _fresh(self) -> None:
        """Start with nothing open."""
        self._preparation.renew()
        self._gate = threading.RLock()
        self._pool: ConnectionPool[Connection[Row]] | None = None
        self._opened: weakref.WeakSet[Connection[Row]] = weakref.WeakSet()
        self._used: weakref.WeakSet[Connection[Row]] = weakref.WeakSet()
        self._homes: weakref.WeakKeyDictionary[Connection[Row], ConnectionPool[Connection[Row]]]
        self._homes = weakref.WeakKeyDictionary()
        self._is_away = False

    def register(self, store: Preparable, most: int) -> None:
        """Learn of a store, or that its structure is another one now."""
        self._preparation.register(store)
        self.most = max(self.most, most)

    def begin(self, *, writing: bool, once: bool = False) -> PostgresSession:
        """Open a session."""
        if not self._preparation.is_done:
            self._preparation.run(self.start_notes)
        return PostgresSession(self, writing=writing, once=once)

    @property
    def key(self) -> str:
        """What names the place: server, database and schema."""
        return f"postgres:{self.name}"

    def settle(self, unit: str) -> bool:
        """Make sure that a unit of work is decided for ever, and tell whether it was committed."""
        self.start_notes()
        session = PostgresSession(self, writing=True)
        try:
            was_committed = units.settle(session, unit)
            session.commit()
        finally:
            session.rollback()
        return was_committed

    def close(self) -> None:
        """Close the connections, those in use as they are given back; the next `begin` opens anew."""
        self._preparation.forget()
        with self._gate:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def start_notes(self) -> None:
        """Make the table of notes; another process may be at it too."""
        with self.connection() as connection:
            for attempt in range(3):
                try:
                    if connection.execute(_HAS_NOTES, (BOOKS,)).fetchone() is None:
                        connection.execute(f"{units.CREATE}; {_NOTES}; {_FIRST}".encode())  # all or nothing
                    return
                except psycopg.errors.UniqueViolation as error:  # of PostgreSQL's own tables
                    if attempt == 2:
                        raise failure(error, self.name) from error
                except psycopg.Error as error:
                    raise failure(error, self.name) from error

    # Connections.

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection[Row]]:
        """Lend a connection outside of any transaction."""
        connection, _ = self.take()
        try:
            yield connection
        finally:
            self.give(connection)

    @contextlib.contextmanager
    def apart(self) -> Iterator[Connection[Row]]:
        """Open a connection that is not of the pool, outside of any transaction, for what takes very long."""
        try:
            connection = Connection.connect(self._conninfo, autocommit=True)
        except psycopg.Error as error:
            message = f"the database {self.name!r} cannot be reached"
            raise DBError(message) from error
        try:
            self._configure(connection)
            connection.execute(f"SET lock_timeout = {int(LONG_PATIENCE * 1000)}")
            connection.execute("SET statement_timeout = 0")
            yield connection
        except psycopg.Error as error:
            raise failure(error, self.name) from error
        finally:
            connection.close()

    def take(self) -> tuple[Connection[Row], bool]:
        """Lend a connection; tell whether nobody has used it before, so that it cannot have died in the pool.

        Raises:
            DBError: the server is away, or all connections stayed in use.
        """
        try:
            pool = self._open_pool()
            connection = pool.getconn(_GLANCE if self._is_away else _TURN)
        except PoolTimeout as error:
            if self._is_away:
                message = f"the database {self.name!r} cannot be reached"
            else:
                message = f"the database {self.name!r} was asked for more than {self.most} connections at a time"
            raise DBError(message) from error
        except PoolClosed as error:
            message = f"the database {self.name!r} is being closed"
            raise DBError(message) from error
        self._homes[connection] = pool
        return connection, self.is_fresh(connection)

    def is_fresh(self, connection: Connection[Row] | None) -> bool:
        """Tell whether a connection has not been given back yet."""
        return connection is None or connection not in self._used

    def give(self, connection: Connection[Row]) -> None:
        """Take back a connection; one that is broken is replaced."""
        home = self._homes.get(connection)
        if home is None:  # of the parent of this process
            return
        self._used.add(connection)
        home.putconn(connection)

    def _open_pool(self) -> ConnectionPool[Connection[Row]]:
        pool = self._pool
        if pool is not None:
            return pool
        with self._gate:
            if self._pool is None:
                self._pool = ConnectionPool(
                    self._conninfo,
                    kwargs={"autocommit": True},
                    min_size=0,
                    max_size=self.most or MOST,
                    open=True,
                    configure=self._configure,
                    reconnect_timeout=_ATTEMPTS,
                    reconnect_failed=self._miss,
                    name="backo",
                )
            return self._pool

    def _configure(self, connection: Connection[Any]) -> None:
        """Bring a new connection into the state that every session relies on."""
        if connection.info.parameter_status("server_encoding") != "UTF8":
            message = f"the database {self.name!r} is not encoded in UTF-8"
            raise DBError(message, hint="create it with ENCODING 'UTF8'")
        install(connection)
        connection.execute(f"SET lock_timeout = {int(PATIENCE * 1000)}")
        self._opened.add(connection)
        self._is_away = False

    def _miss(self, pool: ConnectionPool[Any]) -> None:
        """Learn that the server cannot be reached."""
        self._is_away = True

    # Forks.

    def after_fork_in_child(self) -> None:
        """Start anew, and let go of what belongs to the parent."""
        for connection in list(self._opened):
            _silence(connection)
        if self._pool is not None:
            _inherited.append(self._pool)
        self._fresh()


def _silence(connection: Connection[Row]) -> None:
    """Put nothing in the place of an inherited socket: whatever is said through it now is lost."""
    with contextlib.suppress(psycopg.Error, OSError):
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            os.dup2(nothing, connection.fileno())
        finally:
            os.close(nothing)


_databases: weakref.WeakValueDictionary[str, PostgresDatabase] = weakref.WeakValueDictionary()
_registry = threading.Lock()
_inherited: list[Any] = []  # pools of the parent, whose threads are not here: nobody may end them


def database_at(connection_string: str) -> PostgresDatabase:
    """Give the database of this process for a connection string; the same for the same settings. No I/O.

    Raises:
        DefinitionError: it is no connection string.
    """
    try:
        settings: dict[str, Any] = dict(conninfo_to_dict(connection_string))
    except psycopg.Error:
        message = "connection_string is no connection string of PostgreSQL"
        hint = "postgresql://user:password@host:5432/name, or host=… dbname=…"
        raise DefinitionError(message, hint=hint) from None
    defaults: dict[str, Any] = {"connect_timeout": 5, "application_name": "backo"}
    settings = defaults | settings | {"client_encoding": "utf8"}
    conninfo = make_conninfo(**settings)
    with _registry:
        database = _databases.get(conninfo)
        if database is None:
            database = _databases[conninfo] = PostgresDatabase(conninfo, place_of(settings))
        return database


def place_of(settings: dict[str, Any]) -> str:
    """Name a database by where it is, without a password."""
    host, port = settings.get("host", "local"), settings.get("port", 5432)
    place = f"{host}:{port}/{settings.get('dbname') or settings.get('user', '')}"
    return f"{place}?{settings['options']}" if "options" in settings else place


def _after_fork_in_child() -> None:
    global _registry  # noqa: PLW0603  # the inherited lock may belong to a thread that is not here
    _registry = threading.Lock()
    for database in list(_databases.values()):
        database.after_fork_in_child()


os.register_at_fork(after_in_child=_after_fork_in_child)

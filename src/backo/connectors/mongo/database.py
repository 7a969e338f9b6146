"""Share one database of a server between stores and threads: its client, and what is known of the server.

A client of the driver must not be used on both sides of a fork: a child opens one of its own, and
leaves that of its parent as it is.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database as DriverDatabase
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from backo.connectors.base import Database, Rank
from backo.connectors.mongo import units
from backo.connectors.mongo.addresses import Address
from backo.connectors.mongo.failures import DRIVER_ERRORS, failure, is_transient
from backo.connectors.mongo.session import MongoSession, Raw
from backo.connectors.preparing import Preparable, Preparation

_log = logging.getLogger("backo.mongo")

_PATIENCE = 10.0  # seconds to wait for a transaction that is just deciding a unit of work
_POLL = 0.01  # seconds between two looks at it
_CODEC: CodecOptions[Raw] = CodecOptions(
    tz_aware=True,
    tzinfo=UTC,
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)


def has_transactions(hello: Mapping[str, Any]) -> bool:
    """Tell from what a server says of itself whether it has transactions of several documents.

    >>> has_transactions({"setName": "rs0"}), has_transactions({"msg": "isdbgrid"}), has_transactions({})
    (True, True, False)
    """
    return "setName" in hello or hello.get("msg") == "isdbgrid"


class MongoDatabase(Database):
    """One database of a server, for all connectors of this process that name it alike."""

    rank: ClassVar[Rank] = Rank.SHARED

    def __init__(self, address: Address) -> None:
        self.address = address
        self._preparation = Preparation()
        self._client: MongoClient[Raw] | None = None
        self._driver: DriverDatabase[Raw] | None = None
        self._fresh()

    def _fresh(self) -> None:
        """Start with nothing open."""
        self._gate = threading.RLock()
        self._preparation.renew()
        self._know_nothing()

    def _know_nothing(self) -> None:
        """Forget what the server said, and which collections are looked after."""
        self._preparation.forget()
        self._has_transactions: bool | None = None
        self._forgotten: deque[ClientSession] = deque()

    @property
    def name(self) -> str:
        """The name of the database."""
        return self.address.database

    @property
    def key(self) -> str:
        """What names the place: the servers and the database."""
        return f"mongo:{self.address.hosts}/{self.name}"

    def settle(self, unit: str) -> bool:
        """Make sure that a unit of work is decided for ever, and tell whether it was committed.

        Raises:
            DBError: the server is away, or a transaction that decides the unit does not end.
        """
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return units.settle(self.driver, unit, is_transaction=self.has_transactions)
            except DRIVER_ERRORS as error:
                if not is_transient(error) or time.monotonic() > deadline:
                    raise failure(error, self.name) from error
            time.sleep(_POLL)

    @property
    def client(self) -> MongoClient[Raw]:
        """The client of this process, which connects by itself; made at the first use.

        Raises:
            DBError: the connection string cannot be used.
        """
        client = self._client
        if client is None:
            with self._gate:
                client = self._client
                if client is None:
                    client = self._client = self._opened()
        return client

    def _opened(self) -> MongoClient[Raw]:
        try:
            return MongoClient(self.address.url, appname="backo", **self.address.settings())
        except (*DRIVER_ERRORS, ValueError) as error:
            raise failure(error, self.name) from None  # its text may show the connection string

    @property
    def driver(self) -> DriverDatabase[Raw]:
        """The database as the driver knows it."""
        client = self.client
        driver = self._driver
        if driver is None or driver.client is not client:
            driver = self._driver = client.get_database(
                self.name,
                codec_options=_CODEC,
                read_preference=ReadPreference.PRIMARY,
                write_concern=WriteConcern("majority"),
            )
        return driver

    @property
    def has_transactions(self) -> bool:
        """Whether the server has transactions of several documents; asked for once.

        Raises:
            DBError: the server is away.
        """
        if self._has_transactions is None:
            with self._gate:
                return self._ask()
        return self._has_transactions

    def _ask(self) -> bool:
        """Ask the server what it is, and warn where it has no transactions."""
        found = has_transactions(self._hello())
        if not found and self._has_transactions is None:
            _log.warning(
                "the MongoDB server of %r stands alone: each document is written whole, but that references "
                "never dangle and that a request happens whole or not at all needs a replica set (P1, P3)",
                self.name,
            )
        self._has_transactions = found
        return found

    def _hello(self) -> Mapping[str, Any]:
        """Let the server say what it is."""
        try:
            return self.client.admin.command("hello")
        except DRIVER_ERRORS as error:
            raise failure(error, self.name) from error

    def register(self, store: Preparable) -> None:
        """Learn of a store, or that its structure is another one now."""
        self._preparation.register(store)

    def begin(self, *, writing: bool, once: bool = False) -> MongoSession:
        """Open a session."""
        if not self._preparation.is_done:
            self._preparation.run(self._ask)
        while self._forgotten:
            with contextlib.suppress(IndexError, *DRIVER_ERRORS):
                self._forgotten.popleft().end_session()
        return MongoSession(self, writing=writing)

    def forget(self, handle: ClientSession) -> None:
        """End a session that nobody has any more, at the next opportunity."""
        self._forgotten.append(handle)

    def close(self) -> None:
        """Close the connections; the next `begin` opens anew."""
        with self._gate:
            client, self._client, self._driver = self._client, None, None
            self._know_nothing()
        if client is not None:
            client.close()

    def after_fork_in_child(self) -> None:
        """Start anew; the client of the parent is kept for ever, for closing it would say good-bye in its name."""
        if self._client is not None:
            _inherited.append(self._client)
            self._client = self._driver = None
        self._fresh()

    def __del__(self) -> None:
        """Close what is open: nobody is left who could ask for it (the end of the process closes by itself)."""
        if self._client is not None and not sys.is_finalizing():
            self._client.close()


_inherited: list[MongoClient[Raw]] = []
_databases: weakref.WeakValueDictionary[tuple[str, str], MongoDatabase] = weakref.WeakValueDictionary()
_registry = threading.Lock()


def database_at(address: Address) -> MongoDatabase:
    """Give the database of this process for a connection string. No I/O."""
    key = address.url, address.database
    with _registry:
        database = _databases.get(key)
        if database is None:
            database = _databases[key] = MongoDatabase(address)
        return database


def _after_fork_in_child() -> None:
    global _registry  # noqa: PLW0603  # the inherited lock may belong to a thread that is not here
    _registry = threading.Lock()
    for database in list(_databases.values()):
        database.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

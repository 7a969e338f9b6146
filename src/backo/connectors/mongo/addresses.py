"""Read a connection string, as far as it matters here, without any I/O (the driver would ask a name server)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from backo.errors import DefinitionError, shown

_SCHEMES = ("mongodb://", "mongodb+srv://")
_NOT_IN_A_NAME = frozenset('/\\. "$*<>:|?\0')
_LONGEST_NAME = 63  # bytes of the name of a database

_TIMES = {
    "serverSelectionTimeoutMS": 3_000,  # a server that is away is told within seconds
    "connectTimeoutMS": 3_000,
    "socketTimeoutMS": 60_000,  # one that says nothing any more, within a minute
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is.

    Attributes:
        url: the connection string; it may hold a password, so it is neither shown nor logged.
        hosts: the servers, without user and password.
        database: the name of the database.
    """

    url: str
    hosts: str
    database: str

    def __repr__(self) -> str:
        return f"Address({self.hosts}/{self.database})"

    def settings(self) -> dict[str, Any]:
        """Give the times that a client of this address gets, where the connection string says nothing of them."""
        said = {name.lower() for name, _ in parse_qsl(self.url.partition("?")[2], keep_blank_values=True)}
        return {name: time for name, time in _TIMES.items() if name.lower() not in said}


def address(connection_string: Any) -> Address:
    """Read a connection string.

    Raises:
        DefinitionError: it is none, or names no database. The text does not show it.
    """
    scheme = next(
        (one for one in _SCHEMES if isinstance(connection_string, str) and connection_string.startswith(one)), ""
    )
    if not scheme:
        message = "connection_string is one of MongoDB"
        raise DefinitionError(message, hint="mongodb://host:27017/database?replicaSet=name")
    place = connection_string[len(scheme) :].partition("?")[0]
    authority, _, path = place.partition("/")
    name, hosts = unquote(path), authority.rpartition("@")[2]
    if not hosts:
        message = "connection_string names no server"
        raise DefinitionError(message, hint="mongodb://host:27017/database?replicaSet=name")
    if not name or len(name.encode()) > _LONGEST_NAME or not _NOT_IN_A_NAME.isdisjoint(name):
        message = f"connection_string names the database after the servers; {shown(name)} cannot be its name"
        raise DefinitionError(message, hint="mongodb://host:27017/database?replicaSet=name")
    return Address(connection_string, hosts.lower(), name)

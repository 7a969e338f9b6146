"""Where a side keeps its data: a folder, or a schema of the bench's own PostgreSQL server that stands for it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cores import servers_core
from tests.servers import Postgres, place_name

STORES = ("sqlite", "postgres")

SERVER = "BACKO_BENCH_POSTGRES"
"""The variable that holds the connection string of the server; set it to measure on one of your own."""

_DURABLE = {  # as a server that keeps what it acknowledged; the rest is that of an untuned one
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
}
_LOGGED = {  # so that `bench.plans` can read what `auto_explain` says of its own sessions
    "logging_collector": "on",
    "log_line_prefix": "",
    "log_rotation_size": "0",
    "lc_messages": "C",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one side keeps its data.

    Attributes:
        store: one of `STORES`.
        folder: where it is, or what its schema stands for.
        settings: of each session in a server.
    """

    store: str
    folder: Path
    settings: tuple[tuple[str, str], ...] = ()

    def url(self) -> str:
        """Return the connection string of the schema that stands for the folder."""
        asked = (("search_path", place_name(self.folder)), *self.settings)
        options = "%20".join(f"-c{name}%3D{value}" for name, value in asked)
        return f"{os.environ[SERVER]}?options={options}"

    def within(self, name: str) -> Place:
        """Return a place in a folder of this one."""
        return Place(self.store, self.folder / name)

    def make(self) -> None:
        """Make the folder, and the schema where the store is a server."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._run(f'CREATE SCHEMA IF NOT EXISTS "{place_name(self.folder)}"')

    def settle(self) -> None:
        """Let a server do now, after the data came, what it would do of itself while we measure."""
        self._run("VACUUM (ANALYZE)", "CHECKPOINT")

    def remove(self) -> None:
        """Remove the schema; a folder goes with the temporary one it lies in."""
        self._run(f'DROP SCHEMA IF EXISTS "{place_name(self.folder)}" CASCADE')

    def _run(self, *statements: str) -> None:
        if self.store == "postgres":
            for statement in statements:
                run(self.url(), statement)


def run(url: str, statement: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one statement on a connection of its own; return its rows, if it has any."""
    import psycopg  # noqa: PLC0415  # SQLite is measured without the driver

    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), tuple(values))
        return cursor.fetchall() if cursor.description else []


def server_version() -> str:
    """Return the version of the server."""
    ((version,),) = run(os.environ[SERVER], "SHOW server_version")
    return str(version).split()[0]


@contextmanager
def database_server(stores: Iterable[str]) -> Iterator[None]:
    """Have PostgreSQL up where it is measured: one server for both sides, as durable as SQLite is on both.

    It has the core of the servers. While it works, they wait. On the core of the client, each of its
    answers had to wake another core: a page took half as long again, and the floor against itself came
    out between 0.90 and 1.26, not between 0.96 and 1.03.
    """
    if "postgres" not in stores or SERVER in os.environ:
        yield
        return
    server = Postgres(**_DURABLE, **_LOGGED)
    try:
        with servers_core():
            os.environ[SERVER] = server.start()
        yield
    finally:
        os.environ.pop(SERVER, None)
        server.remove()

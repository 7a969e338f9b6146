"""The sides of `bench.imports`: this library over each store, and each driver alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

import backo
from backo import Backoffice, Bool, Collection, FillStrategy, Float, Int, Item, Ref, RefsList, String
from backo.connectors.base import Store
from bench.floor.app import uuid7
from bench.goods import SHOPS, goods, shop

_encode = msgspec.json.Encoder().encode
_OURS = "ours.sqlite"
_WHO = {"_id": "000", "login": "ANONYMOUS"}
_SCHEMA = "0" * 32  # as long as the fingerprint of a schema


class Side(Protocol):
    """One of two that import the same."""

    def load(self, start: int, end: int, batch: int) -> None:
        """Import the goods from `start` on, before `end`."""

    def close(self) -> None:
        """Let go of the database."""


class Ours:
    """This library: `create_many` of a generator."""

    def __init__(self, connector: Callable[[str], Store]) -> None:
        self._backoffice = Backoffice("imports")
        shops = {"name": String(required=True), "goods": RefsList(coll="goods", field="$.shop", ofs=_NOT_FILL)}
        item = {
            "code": String(required=True, unique=True),
            "shop": Ref(coll="shops", field="$.goods", required=True),
            "price": Int(min=0, index=True),
            "name": String(required=True),
            "active": Bool(default=True),
            "weight": Float(min=0),
        }
        for name, fields in (("shops", shops), ("goods", item)):
            self._backoffice.register_collection(Collection(name, Item(fields), connector(name)))
        self._shops: list[str] = []
        self._backoffice.shops.create_many(map(shop, range(SHOPS)), on_batch=self._shops.extend)

    def load(self, start: int, end: int, batch: int) -> None:
        """Import the goods from `start` on, before `end`."""
        self._backoffice.goods.create_many(goods(start, end, self._shops), batch_size=batch)

    def close(self) -> None:
        """Let go of the database."""
        self._backoffice.close()


_NOT_FILL = FillStrategy.NOT_FILL


def rows(start: int, end: int, shops: list[str], columns: list[str]) -> Iterator[list[Any]]:
    """Yield the rows of goods, with the same documents that this library makes."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    meta = {"ctime": now, "mtime": now, "created_by": _WHO, "modified_by": _WHO}
    for values in goods(start, end, shops):
        document = {**values, "_id": uuid7(), "_meta": meta}
        fixed = {"_rev": 1, "_schema": _SCHEMA, "_document": _encode(document).decode()}
        row = {**document, **fixed}
        yield [row.get(column) for column in columns]


class RawSqlite:
    """`sqlite3` alone, into tables that are made as this library made its own."""

    def __init__(self, folder: str) -> None:
        with closing(sqlite3.connect(Path(folder) / _OURS)) as ours:
            made = [
                sql for (sql,) in ours.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'goods' AND sql > ''")
            ]
            self._shops = [id_ for (id_,) in ours.execute("SELECT _id FROM shops")]
        self._database = sqlite3.connect(Path(folder) / "raw.sqlite", isolation_level=None)
        for pragma in ("page_size = 8192", "journal_mode = WAL", "synchronous = FULL", "cache_size = -2048"):
            self._database.execute(f"PRAGMA {pragma}")
        for statement in made:
            self._database.execute(statement)
        self._columns = [row[1] for row in self._database.execute("PRAGMA table_info('goods')")]
        self._insert = f"INSERT INTO goods VALUES ({', '.join('?' * len(self._columns))})"

    def load(self, start: int, end: int, batch: int) -> None:
        """Import the goods from `start` on, before `end`."""
        execute = self._database.execute
        for first in range(start, end, batch):
            execute("BEGIN IMMEDIATE")
            last = min(end, first + batch)
            self._database.executemany(self._insert, rows(first, last, self._shops, self._columns))
            execute("COMMIT")

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


class RawPostgres:
    """`psycopg` alone: COPY into a table like the one that this library made."""

    def __init__(self, url: str) -> None:
        import psycopg  # noqa: PLC0415  # an optional driver

        self._database = psycopg.connect(url)
        self._database.execute("CREATE TABLE raw_goods (LIKE goods INCLUDING ALL)")
        self._shops = [str(id_) for (id_,) in self._database.execute("SELECT _id FROM shops")]
        self._columns = [one.name for one in self._database.execute("SELECT * FROM goods LIMIT 0").description or ()]
        self._database.commit()

    def load(self, start: int, end: int, batch: int) -> None:
        """Import the goods from `start` on, before `end`."""
        names = ", ".join(f'"{column}"' for column in self._columns)
        for first in range(start, end, batch):
            with self._database.cursor() as cursor, cursor.copy(f"COPY raw_goods ({names}) FROM STDIN") as copy:
                for row in rows(first, min(end, first + batch), self._shops, self._columns):
                    copy.write_row(row)
            self._database.commit()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _ours_in_sqlite(folder: str) -> Side:
    return Ours(lambda name: backo.DBSqliteConnector(path=Path(folder) / _OURS, table=name))


def _ours_in_postgres(url: str) -> Side:
    connector = backo.DBPostgresConnector
    return Ours(lambda name: connector(connection_string=url, table=name))


SIDES: Mapping[tuple[str, str], Callable[[str], Side]] = {
    ("sqlite", "ours"): _ours_in_sqlite,
    ("sqlite", "raw"): RawSqlite,
    ("postgres", "ours"): _ours_in_postgres,
    ("postgres", "raw"): RawPostgres,
}

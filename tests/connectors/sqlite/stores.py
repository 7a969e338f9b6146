"""Stores of the small collection that the query tests use, with and without columns."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from backo.connectors.base import Column, Structure
from backo.connectors.sqlite import DBSqliteConnector
from backo.schema.kinds import Kind
from tests.query.strategies import MANY, SINGLE

COLUMNS = {
    "none": (),
    "all": (
        *(Column(path, kind, index=True) for path, kind in SINGLE.items()),
        *(Column(path, kind, many=True, index=True) for path, kind in MANY.items()),
    ),
    "some": (
        Column(("name",), Kind.TEXT, index=True),
        Column(("height",), Kind.REAL),
        Column(("age",), Kind.TEXT, index=True),  # once declared as another kind
        Column(("free",), Kind.JSON, index=True),
        Column(("lines", "marks"), Kind.INTEGER, many=True),
    ),
}
"""Columns by how many of the fields have one."""


def text(*path: str, **options: bool) -> Column:
    """Declare a column of text."""
    return Column(path, Kind.TEXT, **options)


def integer(*path: str, **options: bool) -> Column:
    """Declare a column of integers."""
    return Column(path, Kind.INTEGER, **options)


def store_at(path: Path, *columns: Column, collection: str = "things", **options: Any) -> DBSqliteConnector:
    """Make a store and tell it its structure."""
    store = DBSqliteConnector(path=path, **options)
    store.declare(Structure(collection, columns))
    return store


def sql(path: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement on a file behind the back of its stores."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


def names_in(path: Path, type_: str) -> set[str]:
    """Give the names of the tables or the indexes of a file that were made by a statement."""
    return {name for (name,) in sql(path, "SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL", type_)}


def column_names(path: Path, table: str = "things") -> list[str]:
    """Give the columns of a table, in their order."""
    return [name for (name,) in sql(path, "SELECT name FROM pragma_table_info(?)", table)]

"""The functions of ours that SQL statements call: what SQLite itself would not do exactly."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import Any

from backo import jsontext
from backo.connectors.base import Document
from backo.connectors.sql.dialect import CellValue, Reader
from backo.paths import FieldPath
from backo.query.patterns import searcher
from backo.query.reading import one_value
from backo.schema.kinds import Comparable, Kind

KEY = "backo_key"
"""`backo_key(document, place)`: the comparable of a field, read from the JSON text of a document."""

REAL = "backo_real"
"""`backo_real(text)`: the float that a JSON number means (SQLite's own reading is not exact)."""

FOUND = "backo_found"
"""`backo_found(pattern, text)`: 1 when a pattern is found in a text, else 0."""

_LEAST, _MOST = -(2**63), 2**63 - 1


def bound(value: Comparable) -> CellValue:
    """Give the form in which a comparable is bound to a statement.

    SQLite's integers end at 64 bits; a larger one compares with each of them as infinity does.
    """
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        return float("inf") if value > 0 else float("-inf")
    return value


def reader(path: FieldPath, kind: Kind) -> Reader:
    """Make the function that reads the cell of a scalar field from a document.

    A value that does not fit its kind (the document was written under another schema) counts as absent.
    """
    read = one_value(path, kind)
    if kind is not Kind.INTEGER:
        return read

    def read_integer(document: Document) -> CellValue:
        value = read(document)
        return None if value is None else bound(value)

    return read_integer


def install(connection: sqlite3.Connection) -> None:
    """Make the functions known to a connection."""
    connection.create_function(KEY, 2, _key, deterministic=True)
    connection.create_function(REAL, 1, float, deterministic=True)
    connection.create_function(FOUND, 2, _found, deterministic=True)


def place(path: FieldPath, kind: Kind) -> str:
    """Write a field and its kind as the text that `backo_key` takes."""
    return jsontext.encode([kind.value, *path]).decode()


def _key(document: str, place_: str) -> Any:
    return _reader_at(place_)(jsontext.decode(document))


@lru_cache(maxsize=1024)
def _reader_at(place_: str) -> Any:
    kind, *path = jsontext.decode(place_)
    return reader(tuple(path), Kind(kind))


def _found(pattern: str, text: str | None) -> int:
    return 0 if text is None else int(searcher(pattern)(text))

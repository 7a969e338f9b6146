"""Read from a document what is kept beside it, in the form in which SQLite keeps it.

A cell holds the comparable of a field, as `backo.query.reading` reads it: a value that does not fit
its kind (the document was written under another schema) counts as absent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from backo.connectors.base import Document
from backo.paths import FieldPath
from backo.query.reading import all_values, one_value
from backo.schema.kinds import Comparable, Kind

CellValue: TypeAlias = str | int | float | None
Reader: TypeAlias = Callable[[Document], CellValue]
ListReader: TypeAlias = Callable[[Document], set[CellValue]]

_LEAST, _MOST = -(2**63), 2**63 - 1

AFFINITY: dict[Kind, str] = {
    Kind.TEXT: "TEXT",
    Kind.INTEGER: "INTEGER",
    Kind.REAL: "REAL",
    Kind.BOOLEAN: "INTEGER",
    Kind.INSTANT: "INTEGER",
    Kind.DECIMAL: "TEXT",
    Kind.JSON: "TEXT",
}
"""The SQL type of a cell: it never changes what a comparable compares with."""


def bound(value: Comparable) -> CellValue:
    """Give the form in which a comparable is bound to a statement.

    SQLite's integers end at 64 bits; a larger one compares with each of them as infinity does.
    """
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        return float("inf") if value > 0 else float("-inf")
    return value


def is_storable(text: str) -> bool:
    """Tell whether a text from outside can be in a database at all: it has no lone surrogate."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def reader(path: FieldPath, kind: Kind) -> Reader:
    """Make the function that reads the cell of a scalar field from a document."""
    read = one_value(path, kind)
    if kind is not Kind.INTEGER:
        return read

    def read_integer(document: Document) -> CellValue:
        value = read(document)
        return None if value is None else bound(value)

    return read_integer


def list_reader(path: FieldPath, kind: Kind) -> ListReader:
    """Make the function that reads the different values of a list field, without absent ones."""
    read = all_values(path, kind)

    def read_all(document: Document) -> set[CellValue]:
        return {bound(value) for value in read(document) if value is not None}

    return read_all

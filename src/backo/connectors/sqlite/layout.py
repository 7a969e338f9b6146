"""Describe the tables in which one collection is kept, as values: names, cells, statements.

A collection `users` has a table `users` with one row for each document:

    _id, _rev, _schema (fingerprint), one cell for each scalar column, _document (JSON text)

The document comes last, so that reading cells does not touch it. A list column has a table of its
own, `users/tags`, with a row (value, _id) for each different value of each document. The scalar
indexes end with `_id`, which makes pages, cursors and referrers a walk along one index.

Cells can be rebuilt from the documents, which stay the source of truth.
"""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

from backo.connectors.base import Document, Write
from backo.connectors.sqlite.cells import AFFINITY, CellValue, ListReader, Reader, list_reader, reader
from backo.paths import FieldPath
from backo.schema.kinds import Kind

Values: TypeAlias = tuple[CellValue, ...]

FIXED = ("_id", "_rev", "_schema", "_document")
BOOKS = "_backo"
UNITS = "_backo_units"
SHOWN = "t._id, t._rev, t._schema, CAST(t._document AS BLOB)"
"""What is selected to make a `StoredDocument`; the cast gives the UTF-8 bytes as they are."""


def quoted(name: str) -> str:
    """Quote an identifier.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def folded(name: str) -> str:
    """Write a name as SQLite compares it: it does not tell the ASCII letters of names by their case.

    >>> folded("Log"), folded("É")
    ('log', 'É')
    """
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a table (or the table of one list), and how to fill it.

    Attributes:
        name: of the column; of a list, the last part of the name of its table.
        path: the field.
        kind: how it compares.
        many: whether it is a list.
    """

    name: str
    path: FieldPath
    kind: Kind
    many: bool = False


@dataclass(frozen=True)
class Layout:
    """The tables of one collection as they are in the file.

    Attributes:
        table: the name of its table.
        cells: everything that is kept beside the documents, in the order of the columns; also what
            is not declared any more, for another process may still rely on it.
        indexes: names of the indexes that exist.
        version: the schema version of the file for which this was read.
    """

    table: str
    cells: tuple[Cell, ...] = ()
    indexes: frozenset[str] = frozenset()
    version: int = 0

    @cached_property
    def scalars(self) -> tuple[Cell, ...]:
        """The cells that are columns of the table."""
        return tuple(cell for cell in self.cells if not cell.many)

    @cached_property
    def lists(self) -> tuple[ListTable, ...]:
        """The cells that are tables of their own."""
        return tuple(ListTable(self.table, cell) for cell in self.cells if cell.many)

    @cached_property
    def scalar_of(self) -> dict[tuple[FieldPath, Kind], Cell]:
        """Scalar cells by path and kind."""
        return {(cell.path, cell.kind): cell for cell in self.scalars}

    @cached_property
    def list_of(self) -> dict[tuple[FieldPath, Kind], ListTable]:
        """Tables of lists by path and kind."""
        return {(list_.cell.path, list_.cell.kind): list_ for list_ in self.lists}

    @cached_property
    def unique(self) -> tuple[Cell, ...]:
        """The cells that a unique index guards."""
        return tuple(cell for cell in self.scalars if unique_index(self.table, cell) in self.indexes)

    def is_indexed(self, cell: Cell) -> bool:
        """Tell whether rows can be walked in the order of a cell."""
        return not self.indexes.isdisjoint({plain_index(self.table, cell), unique_index(self.table, cell)})

    @cached_property
    def select_one(self) -> str:
        """Read a document: (_id)."""
        return f"{self.select_all} WHERE t._id = ?"

    @cached_property
    def select_all(self) -> str:
        """Read documents; to be followed by a condition."""
        return f"SELECT {SHOWN} FROM {quoted(self.table)} AS t"

    @cached_property
    def insert(self) -> str:
        """Add a row: `_id`, `_rev`, `_schema`, the cells, `_document`."""
        names = ", ".join(map(quoted, self.columns))
        return f"INSERT INTO {quoted(self.table)} ({names}) VALUES ({', '.join('?' * len(self.columns))})"

    @cached_property
    def select_cells(self) -> str:
        """Read what a write compares with: `_id`, `_rev`, the scalar cells; to be followed by a condition."""
        names = ", ".join(quoted(name) for name in ("_id", "_rev", *(cell.name for cell in self.scalars)))
        return f"SELECT {names} FROM {quoted(self.table)}"

    @cached_property
    def delete(self) -> str:
        """Remove a row: (_id)."""
        return f"DELETE FROM {quoted(self.table)} WHERE _id = ?"

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, in their order."""
        *first, document = FIXED
        return (*first, *(cell.name for cell in self.scalars), document)

    def row(self, write: Write, text: str) -> Values:
        """Give the values of a row for `insert`."""
        return (write.id, write.rev, write.fingerprint, *self.cell_values(write.document), text)

    def cell_values(self, document: Document) -> list[CellValue]:
        """Give the values of the scalar cells for a document, in their order."""
        return [read(document) for read in self._readers]

    @cached_property
    def _readers(self) -> tuple[Reader, ...]:
        return tuple(reader(cell.path, cell.kind) for cell in self.scalars)

    def update(self, changed: tuple[int, ...]) -> str:
        """Replace a document, and those cells that change (SQLite rewrites the index of each cell it is told to set).

        The values are `_rev`, `_schema`, those cells, `_document`, `_id`.
        """
        return _update(self.table, tuple([self.scalars[position].name for position in changed]))

    def clear(self, changed: tuple[int, ...]) -> str:
        """Make some cells absent for a while: (_id)."""
        cells = ", ".join(f"{quoted(self.scalars[position].name)} = NULL" for position in changed)
        return f"UPDATE {quoted(self.table)} SET {cells} WHERE _id = ?"


@lru_cache(maxsize=1024)
def _update(table: str, cells: tuple[str, ...]) -> str:
    changes = "".join(f"{quoted(cell)} = ?, " for cell in cells)
    return f"UPDATE {quoted(table)} SET _rev = ?, _schema = ?, {changes}_document = ? WHERE _id = ?"


@dataclass(frozen=True)
class ListTable:
    """The table of one list: a row for each different value of each document."""

    table: str
    cell: Cell

    @cached_property
    def name(self) -> str:
        """The name of this table."""
        return f"{self.table}/{self.cell.name}"

    @cached_property
    def read(self) -> ListReader:
        """The function that reads the values from a document."""
        return list_reader(self.cell.path, self.cell.kind)

    @cached_property
    def select(self) -> str:
        """Read rows `_id`, `value`; to be followed by a condition."""
        return f"SELECT _id, value FROM {quoted(self.name)}"

    @cached_property
    def insert(self) -> str:
        """Add a value: (value, _id)."""
        return f"INSERT INTO {quoted(self.name)} (value, _id) VALUES (?, ?)"

    @cached_property
    def delete(self) -> str:
        """Remove a value: (value, _id)."""
        return f"DELETE FROM {quoted(self.name)} WHERE value = ? AND _id = ?"

    @cached_property
    def delete_all(self) -> str:
        """Remove the values of a document: (_id)."""
        return f"DELETE FROM {quoted(self.name)} WHERE _id = ?"


def plain_index(table: str, cell: Cell) -> str:
    """Give the name of the index on (cell, _id)."""
    return f"{table}/{cell.name}#index"


def unique_index(table: str, cell: Cell) -> str:
    """Give the name of the unique index on the values of a cell that are not absent."""
    return f"{table}/{cell.name}#unique"


def holder_index(table: str, cell: Cell) -> str:
    """Give the name of the index that finds the values of one document in the table of a list."""
    return f"{table}/{cell.name}#holder"


def rows_index(table: str) -> str:
    """Give the name of the index that counts the rows of a table."""
    return f"{table}/#rows"


def create_rows_index(table: str) -> str:
    """Write the statement that makes an index of nothing: it only has an entry for each row.

    `count(*)` walks the smallest index. All others hold `_id` too; of this one a hundred rows take a
    kilobyte, and a new row is added at its end.
    """
    return f"CREATE INDEX {quoted(rows_index(table))} ON {quoted(table)} (1)"


def create_table(name: str, layout: Layout) -> str:
    """Write the statement that makes the table of a layout under a name."""
    cells = "".join(f", {quoted(cell.name)} {AFFINITY[cell.kind]}" for cell in layout.scalars)
    return (
        f"CREATE TABLE {quoted(name)} (_id TEXT PRIMARY KEY NOT NULL, _rev INTEGER NOT NULL, "
        f"_schema TEXT NOT NULL{cells}, _document TEXT NOT NULL)"
    )


def create_list_table(list_: ListTable) -> tuple[str, str]:
    """Write the statements that make the table of a list, and the index that finds its holders."""
    name = quoted(list_.name)
    index = quoted(holder_index(list_.table, list_.cell))
    columns = f"value {AFFINITY[list_.cell.kind]} NOT NULL, _id TEXT NOT NULL, PRIMARY KEY (value, _id)"
    return f"CREATE TABLE {name} ({columns}) WITHOUT ROWID", f"CREATE INDEX {index} ON {name} (_id)"


def create_index(table: str, cell: Cell, *, unique: bool) -> str:
    """Write the statement that makes an index of a scalar cell."""
    column = quoted(cell.name)
    if unique:
        name = quoted(unique_index(table, cell))
        return f"CREATE UNIQUE INDEX {name} ON {quoted(table)} ({column}) WHERE {column} IS NOT NULL"
    return f"CREATE INDEX {quoted(plain_index(table, cell))} ON {quoted(table)} ({column}, _id)"

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

from backo.connectors.base import Document, Write
from backo.connectors.sql.dialect import CellValue, Dialect, ListReader, Reader, Values
from backo.paths import FieldPath
from backo.schema.kinds import Kind

FIXED = ("_id", "_rev", "_schema", "_document")
BOOKS = "_backo"
UNITS = "_backo_units"


def quoted(name: str) -> str:
    """Quote an identifier.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


@lru_cache(maxsize=1024)
def insert_into(table: str, columns: tuple[str, ...]) -> str:
    """Write the statement that adds a row to a table."""
    names = ", ".join(map(quoted, columns))
    return f"INSERT INTO {quoted(table)} ({names}) VALUES ({', '.join('?' * len(columns))})"


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
    """The tables of one collection as they are in the database.

    Attributes:
        table: the name of its table.
        dialect: of its database.
        cells: everything that is kept beside the documents, in the order of the columns; also what
            is not declared any more, for another process may still rely on it.
        pending: names of the cells that nobody may read by, for they are still being filled.
        indexes: names of the indexes that exist.
        version: of the tables of the database, for which this was read.
    """

    table: str
    dialect: Dialect
    cells: tuple[Cell, ...] = ()
    pending: frozenset[str] = frozenset()
    indexes: frozenset[str] = frozenset()
    version: int = 0

    @cached_property
    def scalars(self) -> tuple[Cell, ...]:
        """The cells that are columns of the table."""
        return tuple(cell for cell in self.cells if not cell.many)

    @cached_property
    def lists(self) -> tuple[ListTable, ...]:
        """The cells that are tables of their own."""
        return tuple(ListTable(self.table, cell, self.dialect) for cell in self.cells if cell.many)

    @cached_property
    def scalar_of(self) -> dict[tuple[FieldPath, Kind], Cell]:
        """Scalar cells by path and kind, as far as they can be read by."""
        return {(cell.path, cell.kind): cell for cell in self.scalars if cell.name not in self.pending}

    @cached_property
    def list_of(self) -> dict[tuple[FieldPath, Kind], ListTable]:
        """Tables of lists by path and kind, as far as they can be read by."""
        return {
            (list_.cell.path, list_.cell.kind): list_ for list_ in self.lists if list_.cell.name not in self.pending
        }

    @cached_property
    def unique(self) -> tuple[Cell, ...]:
        """The cells that a unique index guards."""
        return tuple(cell for cell in self.scalars if unique_index(self, cell) in self.indexes)

    def guard(self, cell: Cell) -> str:
        """Give what a session says of a collision on the unique index of a cell."""
        return self.dialect.guard(self.table, cell.name, unique_index(self, cell))

    @property
    def id_guard(self) -> str:
        """What a session says of a collision on `_id`."""
        return self.dialect.guard(self.table, "_id", id_index(self))

    def is_indexed(self, cell: Cell) -> bool:
        """Tell whether rows can be walked in the order of a cell."""
        return not self.indexes.isdisjoint({plain_index(self, cell), unique_index(self, cell)})

    @cached_property
    def select_one(self) -> str:
        """Read a document: (_id)."""
        return f"{self.select_all} WHERE t._id = ?"

    @cached_property
    def select_all(self) -> str:
        """Read documents; to be followed by a condition."""
        return f"SELECT {self.dialect.shown} FROM {quoted(self.table)} AS t"

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
        return tuple(self.dialect.reader(cell.path, cell.kind) for cell in self.scalars)

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
    dialect: Dialect

    @cached_property
    def name(self) -> str:
        """The name of this table."""
        return self.dialect.name(f"{self.table}/{self.cell.name}")

    @cached_property
    def read(self) -> ListReader:
        """The function that reads the values from a document."""
        return self.dialect.list_reader(self.cell.path, self.cell.kind)

    @cached_property
    def select(self) -> str:
        """Read rows `_id`, `value`; to be followed by a condition."""
        return f"SELECT _id, value FROM {quoted(self.name)}"

    @cached_property
    def delete(self) -> str:
        """Remove a value: (value, _id)."""
        return f"DELETE FROM {quoted(self.name)} WHERE value = ? AND _id = ?"

    @cached_property
    def delete_all(self) -> str:
        """Remove the values of a document: (_id)."""
        return f"DELETE FROM {quoted(self.name)} WHERE _id = ?"


def plain_index(layout: Layout, cell: Cell) -> str:
    """Give the name of the index on (cell, _id)."""
    return layout.dialect.name(f"{layout.table}/{cell.name}#index")


def unique_index(layout: Layout, cell: Cell) -> str:
    """Give the name of the unique index on the values of a cell that are not absent."""
    return layout.dialect.name(f"{layout.table}/{cell.name}#unique")


def id_index(layout: Layout) -> str:
    """Give the name of the index on `_id`, where it is ours to give."""
    return layout.dialect.name(f"{layout.table}/#id")


def holder_index(list_: ListTable) -> str:
    """Give the name of the index that finds the values of one document in the table of a list."""
    return list_.dialect.name(f"{list_.table}/{list_.cell.name}#holder")

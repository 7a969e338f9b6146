"""Find out what has to be done to bring the tables of one collection to what is declared.

What is kept in a database is noted in its table `_backo`: the version of our way to lay things out,
and for each table its cells. The rules:

- A cell or an index that is new is added and filled at the first use, in one transaction.
- What is not declared any more is kept up, by each process that writes: another process, with
  an older or a newer declaration, may read by it at the same time. Only a unique index goes at once,
  for it would refuse what is allowed now.
- A cell may be *pending*: it is kept up for what is written, and being filled for the rest, while
  the collection is in use. Nobody reads by it.
- The table of a collection is ours; a table that is not in our notes is somebody else's.
"""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from backo import jsontext
from backo.connectors.base import Column, Structure
from backo.connectors.misfits import MOST_SHOWN
from backo.connectors.sql.dialect import Dialect, SqlSession
from backo.connectors.sql.layout import BOOKS, FIXED, Cell, Layout, plain_index, quoted, unique_index
from backo.errors import DBError
from backo.schema.kinds import Kind

LAYOUT_VERSION = 1
"""The version of this way to lay things out; a database with a higher one is refused."""

VERSION_KEY = "layout"


class Catalogue(Protocol):
    """What a database knows of its own tables.

    Attributes:
        dialect: of the database.
        name: what it is called in texts.
        adds_in_place: whether a column can be added without writing the table anew.
    """

    @property
    def dialect(self) -> Dialect:
        """The dialect of the database."""

    @property
    def name(self) -> str:
        """What the database is called in texts."""

    @property
    def adds_in_place(self) -> bool:
        """Whether a column can be added without writing the table anew."""

    def has_table(self, session: SqlSession, table: str) -> bool:
        """Tell whether there is a table (or a view, an index) of this name."""

    def indexes_of(self, session: SqlSession, table: str) -> frozenset[str]:
        """Give the names of the indexes of a table that can be relied on, without those of keys that have no name."""

    def unfinished_of(self, session: SqlSession, table: str) -> frozenset[str]:
        """Give the names of the indexes of a table that were begun and never finished."""

    def columns_of(self, session: SqlSession, table: str) -> list[str]:
        """Give the names of the columns of a table, in their order; none when there is no such table."""

    def own_indexes(self, table: str) -> tuple[str, ...]:
        """Give the names of the indexes that the table of every collection has, beside that of its key."""


@dataclass(frozen=True, slots=True)
class Evolution:
    """What has to be done to the tables of a collection.

    Attributes:
        is_new: whether there is no table yet.
        cells: to be added.
        pending: that are declared and there, and not filled yet.
        indexes: to be made: (cell, whether unique).
        dropped: names of unique indexes that are not declared any more.
    """

    is_new: bool
    cells: tuple[Cell, ...]
    pending: tuple[Cell, ...]
    indexes: tuple[tuple[Cell, bool], ...]
    dropped: tuple[str, ...]

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.is_new or self.cells or self.pending or self.indexes or self.dropped)


def read_layout(session: SqlSession, table: str, catalogue: Catalogue) -> Layout | None:
    """Read the layout of a table from the notes of its database; None when there is no such table.

    Raises:
        DBError: the database is laid out by a newer version, or the table is not ours.
    """
    notes = _notes(session, table, catalogue) if catalogue.has_table(session, BOOKS) else None
    if notes is None:
        if catalogue.has_table(session, table):
            message = f"the table {table!r} of {catalogue.name!r} was not made by backo"
            raise DBError(message, hint="choose another name with table=")
        return None
    cells = tuple(Cell(name, tuple(path), Kind(kind), many) for name, path, kind, many in notes["cells"])
    name = notes["table"]
    pending = frozenset(notes.get("pending", ()))
    return Layout(name, catalogue.dialect, cells, pending, catalogue.indexes_of(session, name), session.version)


def _notes(session: SqlSession, table: str, catalogue: Catalogue) -> dict[str, Any] | None:
    """Read the note on a table, after a look at the version of the layout."""
    key = _note_key(table, catalogue.dialect)
    noted: dict[str, Any] = dict(
        session.rows(f"SELECT key, value FROM {BOOKS} WHERE key IN (?, ?)", (VERSION_KEY, key))
    )
    version = int(noted.get(VERSION_KEY, 0))
    if version > LAYOUT_VERSION:
        message = (
            f"the database {catalogue.name!r} is laid out in version {version}; "
            f"this backo knows up to version {LAYOUT_VERSION}"
        )
        raise DBError(message, hint="use the newer backo that wrote it")
    return jsontext.decode(noted[key]) if key in noted else None


def note_on(layout: Layout) -> tuple[str, str]:
    """Give the key of the note on a table, and the note."""
    cells = [[cell.name, cell.path, cell.kind, cell.many] for cell in layout.cells]
    note = {"table": layout.table, "cells": cells} | ({"pending": sorted(layout.pending)} if layout.pending else {})
    return _note_key(layout.table, layout.dialect), jsontext.encode(note).decode()


def _note_key(table: str, dialect: Dialect) -> str:
    """Give the key of the note on a table."""
    return f"table {dialect.folded(table)}"


def evolution(layout: Layout, structure: Structure, *, is_new: bool) -> Evolution:
    """Find out what has to be done so that a layout serves a structure."""
    columns = [column for column in structure.columns if column.path != ("_id",)]
    known = {(cell.path, cell.kind, cell.many): cell for cell in layout.cells}
    taken = {name.lower() for name in (*FIXED, *(cell.name for cell in layout.cells))}
    added = []
    for column in columns:
        key = (column.path, column.kind, column.many)
        if key not in known:
            known[key] = cell = Cell(_free_name(column, taken, layout.dialect), *key)
            taken.add(cell.name.lower())
            added.append(cell)
    wanted: dict[str, tuple[Cell, bool]] = {}
    declared = set()
    for column in columns:
        cell = known[column.path, column.kind, column.many]
        declared.add(cell)
        if not column.many and (column.unique or column.index or column.link):
            # A unique index serves every query that the other one would.
            name = (unique_index if column.unique else plain_index)(layout, cell)
            wanted[name] = (cell, column.unique)
    return Evolution(
        is_new=is_new,
        cells=tuple(added),
        pending=tuple(cell for cell in layout.cells if cell.name in layout.pending and cell in declared),
        indexes=tuple(index for name, index in wanted.items() if name not in layout.indexes),
        dropped=tuple(name for cell in layout.unique if (name := unique_index(layout, cell)) not in wanted),
    )


def _free_name(column: Column, taken: set[str], dialect: Dialect) -> str:
    """Name a new cell after its path; a number follows where the same path was kept as another kind."""
    name = ".".join(column.path)
    return next(free for free in map(dialect.name, _numbered(name)) if free.lower() not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}~{number}" for number in count(2))


def repeated(session: SqlSession, layout: Layout, cell: Cell) -> list[str]:
    """Give ids of documents that share one value of a cell."""
    column, table = quoted(cell.name), quoted(layout.table)
    value = f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1"
    those = f"SELECT _id FROM {table} WHERE {column} = ({value} LIMIT 1) ORDER BY _id LIMIT ?"
    return [id_ for (id_,) in session.rows(those, (MOST_SHOWN + 1,))]

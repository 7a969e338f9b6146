"""Bring the tables of one collection from what they are to what is declared.

What is kept in a file is noted in the table `_backo` of that file: the version of our way to lay
things out, and for each table its cells. The rules:

- A cell or an index that is new is added and filled in one transaction; for new scalar cells the
  table is written anew, so that the document stays last.
- What is not declared any more is kept up, by each process that writes: another process, with
  an older or a newer declaration, may read by it at the same time. Only a unique index goes at once,
  for it would refuse what is allowed now.
- The table of a collection is ours; a table that is not in our notes is somebody else's.
"""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from backo import jsontext
from backo.connectors.base import Column, Structure
from backo.connectors.misfits import MOST_SHOWN, repeated_value
from backo.connectors.sqlite.layout import (
    BOOKS,
    FIXED,
    Cell,
    Layout,
    ListTable,
    create_index,
    create_list_table,
    create_rows_index,
    create_table,
    folded,
    plain_index,
    quoted,
    unique_index,
)
from backo.connectors.sqlite.session import Row, SqliteSession
from backo.errors import DBError
from backo.schema.kinds import Kind

LAYOUT_VERSION = 1
"""The version of this way to lay things out; a file with a higher one is refused."""

_VERSION_KEY = "layout"


@dataclass(frozen=True, slots=True)
class Evolution:
    """What has to be done to the tables of a collection.

    Attributes:
        is_new: whether there is no table yet.
        cells: to be added.
        indexes: to be made: (cell, whether unique).
        dropped: names of unique indexes that are not declared any more.
    """

    is_new: bool
    cells: tuple[Cell, ...]
    indexes: tuple[tuple[Cell, bool], ...]
    dropped: tuple[str, ...]

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.is_new or self.cells or self.indexes or self.dropped)


def read_layout(session: SqliteSession, table: str) -> Layout | None:
    """Read the layout of a table from the notes of its file; None when there is no such table.

    Raises:
        DBError: the file is laid out by a newer version, or the table is not ours.
    """
    names = {name for (name,) in session.rows("SELECT name FROM sqlite_master WHERE name = ?", (BOOKS,))}
    notes = _notes(session, table) if names else None
    found = session.rows("SELECT name FROM sqlite_master WHERE name = ? COLLATE NOCASE", (table,))
    if notes is None:
        if found:
            message = f"the table {table!r} of {session.database.path.name!r} was not made by backo"
            raise DBError(message, hint="choose another name with table=")
        return None
    cells = tuple(Cell(name, tuple(path), Kind(kind), many) for name, path, kind, many in notes["cells"])
    name = notes["table"]
    indexes = session.rows("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (name,))
    return Layout(name, cells, frozenset(index for (index,) in indexes), session.version)


def _notes(session: SqliteSession, table: str) -> dict[str, Any] | None:
    """Read the note on a table, after a look at the version of the file."""
    key = _note_key(table)
    noted: dict[str, Any] = dict(
        session.rows(f"SELECT key, value FROM {BOOKS} WHERE key IN (?, ?)", (_VERSION_KEY, key))
    )
    version = int(noted.get(_VERSION_KEY, 0))
    if version > LAYOUT_VERSION:
        message = (
            f"the database {session.database.path.name!r} is laid out in version {version}; "
            f"this backo knows up to version {LAYOUT_VERSION}"
        )
        raise DBError(message, hint="use the newer backo that wrote it")
    return jsontext.decode(noted[key]) if key in noted else None


def _note_key(table: str) -> str:
    """Give the key of the note on a table."""
    return f"table {folded(table)}"


def evolution(layout: Layout, structure: Structure, *, is_new: bool) -> Evolution:
    """Find out what has to be done so that a layout serves a structure."""
    columns = [column for column in structure.columns if column.path != ("_id",)]
    known = {(cell.path, cell.kind, cell.many): cell for cell in layout.cells}
    taken = {name.lower() for name in (*FIXED, *(cell.name for cell in layout.cells))}
    added = []
    for column in columns:
        key = (column.path, column.kind, column.many)
        if key not in known:
            known[key] = cell = Cell(_free_name(column, taken), *key)
            taken.add(cell.name.lower())
            added.append(cell)
    wanted: dict[str, tuple[Cell, bool]] = {}
    for column in columns:
        cell = known[column.path, column.kind, column.many]
        if not column.many and (column.unique or column.index or column.link):
            # A unique index serves every query that the other one would.
            name = (unique_index if column.unique else plain_index)(layout.table, cell)
            wanted[name] = (cell, column.unique)
    return Evolution(
        is_new=is_new,
        cells=tuple(added),
        indexes=tuple(index for name, index in wanted.items() if name not in layout.indexes),
        dropped=tuple(name for cell in layout.unique if (name := unique_index(layout.table, cell)) not in wanted),
    )


def _free_name(column: Column, taken: set[str]) -> str:
    """Name a new cell after its path; a number follows where the same path was kept as another kind."""
    name = ".".join(column.path)
    return next(free for free in _numbered(name) if free.lower() not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}~{number}" for number in count(2))


def evolve(session: SqliteSession, layout: Layout, plan: Evolution, collection: str) -> None:
    """Do what a plan says, in a writing session.

    Raises:
        StoredDataError: a unique index would not hold for what is stored.
    """
    grown = replace(layout, cells=(*layout.cells, *plan.cells))
    indexes = plan.indexes
    if plan.is_new:
        _start_notes(session)
        session.change(create_table(layout.table, grown))
        session.change(create_rows_index(layout.table))
    elif any(not cell.many for cell in plan.cells):
        _write_anew(session, layout, grown)
        indexes += tuple(_indexes_of(layout, plan))
    else:
        for name in plan.dropped:
            session.change(f"DROP INDEX {quoted(name)}")
    for cell, unique in indexes:
        try:
            session.change(create_index(layout.table, cell, unique=unique))
        except sqlite3.IntegrityError as error:
            raise repeated_value(collection, cell.path, _repeated(session, layout.table, cell)) from error
    for list_ in grown.lists:
        if list_.cell in plan.cells:
            _add_list(session, list_)
    _note(session, grown)


def _indexes_of(layout: Layout, plan: Evolution) -> Iterator[tuple[Cell, bool]]:
    """Give the indexes that a table had before it was written anew, without those to be dropped."""
    for cell in layout.scalars:
        for unique, name in ((False, plain_index(layout.table, cell)), (True, unique_index(layout.table, cell))):
            if name in layout.indexes and name not in plan.dropped:
                yield cell, unique


def _start_notes(session: SqliteSession) -> None:
    session.change(f"CREATE TABLE IF NOT EXISTS {BOOKS} (key TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID")
    session.change(f"INSERT OR IGNORE INTO {BOOKS} VALUES (?, ?)", (_VERSION_KEY, LAYOUT_VERSION))


def _note(session: SqliteSession, layout: Layout) -> None:
    cells = [[cell.name, cell.path, cell.kind, cell.many] for cell in layout.cells]
    notes = jsontext.encode({"table": layout.table, "cells": cells}).decode()
    statement = f"INSERT OR REPLACE INTO {BOOKS} VALUES (?, ?)"
    session.change(statement, (_note_key(layout.table), notes))


def _write_anew(session: SqliteSession, present: Layout, grown: Layout) -> None:
    """Write a table anew with more cells, in the order of its rows."""
    aside = f"{present.table}/#new"
    session.change(create_table(aside, grown))
    new = [cell for cell in grown.scalars if cell not in present.scalars]
    reading = Layout(present.table, tuple(new))
    kept = ", ".join(quoted(name) for name in present.columns)

    def rows() -> Iterable[Row]:
        for *row, text in session.stream(f"SELECT {kept} FROM {quoted(present.table)} ORDER BY rowid"):
            yield (*row, *reading.cell_values(jsontext.decode(text)), text)

    session.change_many(replace(grown, table=aside).insert, rows())
    session.change(f"DROP TABLE {quoted(present.table)}")
    session.change(f"ALTER TABLE {quoted(aside)} RENAME TO {quoted(present.table)}")
    session.change(create_rows_index(present.table))


def _add_list(session: SqliteSession, list_: ListTable) -> None:
    for statement in create_list_table(list_):
        session.change(statement)
    documents = session.stream(f"SELECT _id, _document FROM {quoted(list_.table)} ORDER BY rowid")
    session.change_many(
        list_.insert,
        ((value, id_) for id_, text in documents for value in list_.read(jsontext.decode(text))),
    )


def _repeated(session: SqliteSession, table: str, cell: Cell) -> list[str]:
    """Give ids of documents that share one value of a cell."""
    column = quoted(cell.name)
    value = f"SELECT {column} FROM {quoted(table)} WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1"
    those = f"SELECT _id FROM {quoted(table)} WHERE {column} = ({value} LIMIT 1) ORDER BY _id LIMIT ?"
    return [id_ for (id_,) in session.rows(those, (MOST_SHOWN + 1,))]

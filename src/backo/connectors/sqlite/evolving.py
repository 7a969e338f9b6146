"""Bring the tables of one collection in an SQLite file to what is declared."""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from backo import jsontext
from backo.connectors.misfits import repeated_value
from backo.connectors.sql.dialect import Collision, Row, SqlSession
from backo.connectors.sql.evolution import LAYOUT_VERSION, VERSION_KEY, Evolution, note_on, repeated
from backo.connectors.sql.layout import (
    BOOKS,
    Cell,
    Layout,
    ListTable,
    holder_index,
    plain_index,
    quoted,
    unique_index,
)
from backo.connectors.sqlite.dialect import DIALECT, SqliteDialect
from backo.connectors.sqlite.session import SqliteSession


@dataclass(frozen=True, slots=True)
class SqliteCatalogue:
    """What an SQLite file knows of its own tables.

    Attributes:
        name: of the file.
        dialect: SQLite's.
        adds_in_place: no: the document is to stay the last column.
    """

    name: str
    dialect: SqliteDialect = DIALECT
    adds_in_place: bool = False

    def has_table(self, session: SqlSession, table: str) -> bool:
        """Tell whether there is a table (or a view, an index) of this name."""
        return bool(session.rows("SELECT name FROM sqlite_master WHERE name = ? COLLATE NOCASE", (table,)))

    def indexes_of(self, session: SqlSession, table: str) -> frozenset[str]:
        """Give the names of the indexes of a table, without those of keys."""
        statement = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
        return frozenset(name for (name,) in session.rows(statement, (table,)))

    def unfinished_of(self, session: SqlSession, table: str) -> frozenset[str]:
        """Give nothing: an index is made whole or not at all."""
        return frozenset()

    def columns_of(self, session: SqlSession, table: str) -> list[str]:
        """Give the names of the columns of a table, in their order; none when there is no such table."""
        found = session.rows(
            "SELECT c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c"
            " WHERE m.type = 'table' AND m.name = ? COLLATE NOCASE ORDER BY c.cid",
            (table,),
        )
        return [name for (name,) in found]

    def own_indexes(self, table: str) -> tuple[str, ...]:
        """Give the name of the index that counts rows."""
        return (rows_index(table),)


def evolve(session: SqliteSession, layout: Layout, plan: Evolution, collection: str) -> None:
    """Do what a plan says, in a writing session.

    Raises:
        StoredDataError: a unique index would not hold for what is stored.
    """
    grown = replace(layout, cells=(*layout.cells, *plan.cells))
    indexes = plan.indexes
    if plan.is_new:
        _start_notes(session)
        session.change(_create_table(layout.table, grown))
        session.change(create_rows_index(layout.table))
    elif any(not cell.many for cell in plan.cells):
        _write_anew(session, layout, grown)
        indexes += tuple(_indexes_of(layout, plan))
    else:
        for name in plan.dropped:
            session.change(f"DROP INDEX {quoted(name)}")
    for cell, unique in indexes:
        try:
            session.change(_create_index(layout, cell, unique=unique))
        except Collision as error:
            raise repeated_value(collection, cell.path, repeated(session, layout, cell)) from error
    for list_ in grown.lists:
        if list_.cell in plan.cells:
            _add_list(session, list_)
    _note(session, grown)


def _indexes_of(layout: Layout, plan: Evolution) -> Iterator[tuple[Cell, bool]]:
    """Give the indexes that a table had before it was written anew, without those to be dropped."""
    for cell in layout.scalars:
        for unique, name in ((False, plain_index(layout, cell)), (True, unique_index(layout, cell))):
            if name in layout.indexes and name not in plan.dropped:
                yield cell, unique


def _start_notes(session: SqliteSession) -> None:
    session.change(f"CREATE TABLE IF NOT EXISTS {BOOKS} (key TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID")
    session.change(f"INSERT OR IGNORE INTO {BOOKS} VALUES (?, ?)", (VERSION_KEY, LAYOUT_VERSION))


def _note(session: SqliteSession, layout: Layout) -> None:
    session.change(f"INSERT OR REPLACE INTO {BOOKS} VALUES (?, ?)", note_on(layout))


def _write_anew(session: SqliteSession, present: Layout, grown: Layout) -> None:
    """Write a table anew with more cells, in the order of its rows."""
    aside = f"{present.table}/#new"
    session.change(_create_table(aside, grown))
    new = [cell for cell in grown.scalars if cell not in present.scalars]
    reading = Layout(present.table, present.dialect, tuple(new))
    kept = ", ".join(quoted(name) for name in present.columns)

    def rows() -> Iterable[Row]:
        for *row, text in session.stream(f"SELECT {kept} FROM {quoted(present.table)} ORDER BY rowid"):
            yield (*row, *reading.cell_values(jsontext.decode(text)), text)

    session.insert_many(aside, grown.columns, rows())
    session.change(f"DROP TABLE {quoted(present.table)}")
    session.change(f"ALTER TABLE {quoted(aside)} RENAME TO {quoted(present.table)}")
    session.change(create_rows_index(present.table))


def _add_list(session: SqliteSession, list_: ListTable) -> None:
    for statement in create_list_table(list_):
        session.change(statement)
    documents = session.stream(f"SELECT _id, _document FROM {quoted(list_.table)} ORDER BY rowid")
    rows = ((value, id_) for id_, text in documents for value in list_.read(jsontext.decode(text)))
    session.insert_many(list_.name, ("value", "_id"), rows)


def rows_index(table: str) -> str:
    """Give the name of the index that counts the rows of a table."""
    return f"{table}/#rows"


def create_rows_index(table: str) -> str:
    """Write the statement that makes an index of nothing: it only has an entry for each row.

    `count(*)` walks the smallest index. All others hold `_id` too; of this one a hundred rows take a
    kilobyte, and a new row is added at its end.
    """
    return f"CREATE INDEX {quoted(rows_index(table))} ON {quoted(table)} (1)"


def _create_table(name: str, layout: Layout) -> str:
    """Write the statement that makes the table of a layout under a name."""
    cells = "".join(f", {quoted(cell.name)} {DIALECT.types[cell.kind]}" for cell in layout.scalars)
    return (
        f"CREATE TABLE {quoted(name)} (_id TEXT PRIMARY KEY NOT NULL, _rev INTEGER NOT NULL, "
        f"_schema TEXT NOT NULL{cells}, _document TEXT NOT NULL)"
    )


def create_list_table(list_: ListTable) -> tuple[str, str]:
    """Write the statements that make the table of a list, and the index that finds its holders."""
    name = quoted(list_.name)
    index = quoted(holder_index(list_))
    columns = f"value {DIALECT.types[list_.cell.kind]} NOT NULL, _id TEXT NOT NULL, PRIMARY KEY (value, _id)"
    return f"CREATE TABLE {name} ({columns}) WITHOUT ROWID", f"CREATE INDEX {index} ON {name} (_id)"


def _create_index(layout: Layout, cell: Cell, *, unique: bool) -> str:
    """Write the statement that makes an index of a scalar cell."""
    column, table = quoted(cell.name), quoted(layout.table)
    if unique:
        name = quoted(unique_index(layout, cell))
        return f"CREATE UNIQUE INDEX {name} ON {table} ({column}) WHERE {column} IS NOT NULL"
    return f"CREATE INDEX {quoted(plain_index(layout, cell))} ON {table} ({column}, _id)"

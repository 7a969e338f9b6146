"""Bring the tables of one collection in PostgreSQL to what is declared."""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from backo import jsontext
from backo.connectors.misfits import repeated_value
from backo.connectors.postgres.dialect import DIALECT, PostgresDialect
from backo.connectors.postgres.session import PostgresSession
from backo.connectors.sql.dialect import Collision, SqlSession
from backo.connectors.sql.evolution import Evolution, note_on, repeated
from backo.connectors.sql.layout import (
    BOOKS,
    Cell,
    Layout,
    ListTable,
    holder_index,
    id_index,
    plain_index,
    quoted,
    unique_index,
)

_BATCH = 1_000  # documents whose cells are filled at once


@dataclass(frozen=True, slots=True)
class PostgresCatalogue:
    """What a PostgreSQL database knows of its own tables, in the first schema of the search path.

    Attributes:
        name: of the database.
        dialect: PostgreSQL's.
    """

    name: str
    dialect: PostgresDialect = DIALECT

    def has_table(self, session: SqlSession, table: str) -> bool:
        """Tell whether there is a table (or a view, an index) of this name."""
        return bool(
            session.rows(
                "SELECT 1 FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
                " WHERE n.nspname = current_schema() AND c.relname = ?",
                (table,),
            )
        )

    def indexes_of(self, session: SqlSession, table: str) -> frozenset[str]:
        """Give the names of the indexes of a table that are whole."""
        found = session.rows(
            "SELECT i.relname::text FROM pg_catalog.pg_index AS x"
            " JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid"
            " JOIN pg_catalog.pg_class AS c ON c.oid = x.indrelid"
            " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = current_schema() AND c.relname = ? AND x.indisvalid",
            (table,),
        )
        return frozenset(name for (name,) in found)


def evolve(session: PostgresSession, layout: Layout, plan: Evolution, collection: str) -> None:
    """Do what a plan says, in a session that writes alone.

    Raises:
        StoredDataError: a unique index would not hold for what is stored.
    """
    grown = replace(layout, cells=(*layout.cells, *plan.cells), pending=frozenset())
    for statement in _changes(layout, grown, plan):
        session.change(statement)
    new = (*plan.cells, *plan.pending)
    if new and not plan.is_new:
        _fill(session, grown, new)
    for cell, unique in plan.indexes:
        try:
            session.change(create_index(grown, cell, unique=unique))
        except Collision as error:
            raise repeated_value(collection, cell.path, repeated(session, grown, cell)) from error
    if not plan.is_new:
        session.change(f"ANALYZE {quoted(layout.table)}")
    note(session, grown)


def _changes(layout: Layout, grown: Layout, plan: Evolution) -> Iterator[str]:
    """Write the statements that bring tables and columns to what is planned, without their contents."""
    if plan.is_new:
        yield create_table(grown)
    else:
        yield from (add_cell(layout, cell) for cell in plan.cells if not cell.many)
        yield from (f"DROP INDEX {quoted(name)}" for name in plan.dropped)
    for list_ in grown.lists:
        if list_.cell in plan.cells:
            yield from create_list_table(list_)


def note(session: PostgresSession, layout: Layout) -> None:
    """Write down the layout of a table, and let every process that writes look at it."""
    key, text = note_on(layout)
    session.change(f"DELETE FROM {BOOKS} WHERE key = ?", (key,))
    session.change(f"INSERT INTO {BOOKS} VALUES (?, ?)", (key, text))
    session.change(f"UPDATE {BOOKS} SET value = (value::bigint + 1)::text WHERE key = 'version'")


def create_table(layout: Layout) -> str:
    """Write the statement that makes the table of a layout."""
    cells = "".join(f", {quoted(cell.name)} {DIALECT.types[cell.kind]}" for cell in layout.scalars)
    return (
        f'CREATE TABLE {quoted(layout.table)} (_id text COLLATE "C" NOT NULL, _rev bigint NOT NULL, '
        f"_schema text NOT NULL{cells}, _document json NOT NULL, "
        f"CONSTRAINT {quoted(id_index(layout))} PRIMARY KEY (_id))"
    )


def add_cell(layout: Layout, cell: Cell) -> str:
    """Write the statement that adds the column of a cell; no row is touched."""
    return f"ALTER TABLE {quoted(layout.table)} ADD COLUMN {quoted(cell.name)} {DIALECT.types[cell.kind]}"


def create_list_table(list_: ListTable) -> tuple[str, str]:
    """Write the statements that make the table of a list, and the index that finds its holders."""
    name = quoted(list_.name)
    columns = f'value {DIALECT.types[list_.cell.kind]} NOT NULL, _id text COLLATE "C" NOT NULL'
    key = quoted(DIALECT.name(f"{list_.table}/{list_.cell.name}#key"))
    return (
        f"CREATE TABLE {name} ({columns}, CONSTRAINT {key} PRIMARY KEY (value, _id))",
        f"CREATE INDEX {quoted(holder_index(list_))} ON {name} (_id)",
    )


def create_index(layout: Layout, cell: Cell, *, unique: bool, online: bool = False) -> str:
    """Write the statement that makes an index of a scalar cell; absent values do not collide."""
    column, table = quoted(cell.name), quoted(layout.table)
    how = " CONCURRENTLY" if online else ""
    if unique:
        return f"CREATE UNIQUE INDEX{how} {quoted(unique_index(layout, cell))} ON {table} ({column})"
    return f"CREATE INDEX{how} {quoted(plain_index(layout, cell))} ON {table} ({column}, _id)"


def _fill(session: PostgresSession, layout: Layout, new: Sequence[Cell]) -> None:
    """Fill cells of all documents."""
    rows = session.stream(f"SELECT _id, _document FROM {quoted(layout.table)}")
    while batch := list(islice(rows, _BATCH)):
        fill(session, layout, new, batch)


def fill(session: PostgresSession, layout: Layout, new: Sequence[Cell], batch: Sequence[tuple[str, bytes]]) -> None:
    """Fill cells of some documents, given as `_id` and JSON text, whatever they held before."""
    documents = [(id_, jsontext.decode(text)) for id_, text in batch]
    scalars = [cell for cell in new if not cell.many]
    if scalars:
        reading = Layout(layout.table, DIALECT, tuple(scalars))
        changes = ", ".join(f"{quoted(cell.name)} = ?" for cell in scalars)
        statement = f"UPDATE {quoted(layout.table)} SET {changes} WHERE _id = ?"
        session.change_many(statement, [(*reading.cell_values(document), id_) for id_, document in documents])
    for list_ in layout.lists:
        if list_.cell in new:
            session.change_many(list_.delete_all, [(id_,) for id_, _ in documents])
            values: Iterator[tuple[object, str]] = (
                (value, id_) for id_, document in documents for value in list_.read(document)
            )
            session.insert_many(list_.name, ("value", "_id"), list(values))

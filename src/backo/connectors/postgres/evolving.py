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
from backo.connectors.sql.dialect import SqlSession
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
from backo.errors import DBError

TURN = "SELECT pg_try_advisory_xact_lock(hashtext('backo'), hashtext(current_schema() || '/' || ?))"
"""Take the turn to change a table, until the end of the transaction: (table)."""

BATCH = 1_000  # documents whose cells are filled at once

_CONCURRENTLY = {False: "", True: " CONCURRENTLY"}


@dataclass(frozen=True, slots=True)
class PostgresCatalogue:
    """What a PostgreSQL database knows of its own tables, in the first schema of the search path.

    Attributes:
        name: of the database.
        dialect: PostgreSQL's.
        adds_in_place: yes.
    """

    name: str
    dialect: PostgresDialect = DIALECT
    adds_in_place: bool = True

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
        return _indexes_of(session, table, valid=True)

    def unfinished_of(self, session: SqlSession, table: str) -> frozenset[str]:
        """Give the names of the indexes that `CREATE INDEX CONCURRENTLY` has begun and not finished, or not yet."""
        return _indexes_of(session, table, valid=False)

    def columns_of(self, session: SqlSession, table: str) -> list[str]:
        """Give the names of the columns of a table, in their order; none when there is no such table."""
        found = session.rows(
            "SELECT a.attname::text FROM pg_catalog.pg_attribute AS a"
            " JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid"
            " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = current_schema() AND c.relname = ? AND c.relkind IN ('r', 'p')"
            " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            (table,),
        )
        return [name for (name,) in found]

    def own_indexes(self, table: str) -> tuple[str, ...]:
        """Give nothing: the key is all that every table has."""
        return ()


def _indexes_of(session: SqlSession, table: str, *, valid: bool) -> frozenset[str]:
    found = session.rows(
        "SELECT i.relname::text FROM pg_catalog.pg_index AS x"
        " JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid"
        " JOIN pg_catalog.pg_class AS c ON c.oid = x.indrelid"
        " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = current_schema() AND c.relname = ? AND x.indisvalid = ?",
        (table, valid),
    )
    return frozenset(name for (name,) in found)


def evolve(session: PostgresSession, layout: Layout, plan: Evolution, collection: str) -> None:
    """Do what a plan says, in a session that writes alone.

    Raises:
        StoredDataError: a unique index would not hold for what is stored.
        DBError: somebody mends the structure of the table just now, which takes its time.
    """
    if not plan.is_new and not take_turn(session, layout.table):
        message = f"the table {layout.table!r} of {session.database.name!r} is just being brought to a declaration"
        raise DBError(message, hint="it is looked at again as soon as check_structure(apply=True) is done")
    filled = {cell.name for cell in plan.pending}
    grown = replace(layout, cells=(*layout.cells, *plan.cells), pending=layout.pending - filled)
    unfinished = _indexes_of(session, layout.table, valid=False)
    for name in unfinished.intersection(index_name(grown, cell, unique=unique) for cell, unique in plan.indexes):
        session.change(f"DROP INDEX {quoted(name)}")
    for statement in _changes(layout, grown, plan):
        session.change(statement)
    new = (*plan.cells, *plan.pending)
    if new and not plan.is_new:
        _fill(session, grown, new)
    for cell, unique in plan.indexes:
        if not session.tried(create_index(grown, cell, unique=unique)):
            raise repeated_value(collection, cell.path, repeated(session, grown, cell))
    if not plan.is_new:
        session.change(f"ANALYZE {quoted(layout.table)}")
    note(session, grown)


def take_turn(session: PostgresSession, table: str) -> bool:
    """Take the turn to change a table until the session ends; tell whether nobody else has it.

    One must not wait for it in a statement: whoever makes an index meanwhile would wait for that one.
    """
    return bool(session.rows(TURN, (table,))[0][0])


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
    raise_version(session)


def raise_version(session: PostgresSession) -> None:
    """Let every process that writes look at the layout."""
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
        create_holder_index(list_),
    )


def create_holder_index(list_: ListTable, *, online: bool = False) -> str:
    """Write the statement that makes the index that finds the values of one document."""
    return f"CREATE INDEX{_CONCURRENTLY[online]} {quoted(holder_index(list_))} ON {quoted(list_.name)} (_id)"


def create_index(layout: Layout, cell: Cell, *, unique: bool, online: bool = False) -> str:
    """Write the statement that makes an index of a scalar cell; absent values do not collide."""
    column, table = quoted(cell.name), quoted(layout.table)
    how = _CONCURRENTLY[online]
    name = quoted(index_name(layout, cell, unique=unique))
    if unique:
        return f"CREATE UNIQUE INDEX{how} {name} ON {table} ({column})"
    return f"CREATE INDEX{how} {name} ON {table} ({column}, _id)"


def index_name(layout: Layout, cell: Cell, *, unique: bool) -> str:
    """Give the name of an index of a scalar cell."""
    return (unique_index if unique else plain_index)(layout, cell)


def _fill(session: PostgresSession, layout: Layout, new: Sequence[Cell]) -> None:
    """Fill cells of all documents."""
    rows = session.stream(f"SELECT _id, _document FROM {quoted(layout.table)}")
    while batch := list(islice(rows, BATCH)):
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

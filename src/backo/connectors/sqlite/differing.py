"""Tell how the tables of a collection differ from what is declared, and make what is missing.

What our notes say is compared with what is in the file: another program may have dropped some of it.
"""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace

from backo import jsontext
from backo.connectors.base import Structure
from backo.connectors.findings import MOST_NAMED, Difference, DifferenceKind, named
from backo.connectors.repeats import Repeats
from backo.connectors.sql.evolution import Evolution, evolution, read_layout
from backo.connectors.sql.layout import FIXED, Cell, Layout, holder_index, plain_index, quoted, unique_index
from backo.connectors.sqlite.dialect import DIALECT
from backo.connectors.sqlite.evolving import (
    SqliteCatalogue,
    create_list_table,
    create_rows_index,
    evolve,
    rows_index,
)
from backo.connectors.sqlite.session import SqliteSession
from backo.errors import ValidationError
from backo.paths import to_text

_OWN_INDEX = "sqlite_autoindex_"  # of a primary key


def layout_in_file(session: SqliteSession, table: str, catalogue: SqliteCatalogue) -> Layout | None:
    """Read the layout of a table, without the cells that are noted and not there; None when there is no table.

    Raises:
        DBError: the file is laid out by a newer version, or the table is not ours.
    """
    noted = read_layout(session, table, catalogue)
    if noted is None:
        return None
    columns = {DIALECT.folded(name) for name in _columns(session, noted.table)}
    tables = {DIALECT.folded(name) for (name,) in session.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if DIALECT.folded(noted.table) not in tables:
        return None
    lists = {list_.cell for list_ in noted.lists if DIALECT.folded(list_.name) in tables}
    there = [cell for cell in noted.cells if (cell in lists if cell.many else DIALECT.folded(cell.name) in columns)]
    return replace(noted, cells=tuple(there))


def _columns(session: SqliteSession, table: str) -> list[str]:
    return [name for _, name, *_ in session.rows(f"PRAGMA table_info({quoted(table)})")]


def differences(
    session: SqliteSession, table: str, structure: Structure, catalogue: SqliteCatalogue
) -> Iterator[Difference]:
    """Compare the tables of a collection with its structure; reads every document where a unique index is missing."""
    collection = structure.collection
    layout = layout_in_file(session, table, catalogue)
    if layout is None:
        yield Difference(collection, table, "$", DifferenceKind.TABLE, f"the table {table!r} is missing", mendable=True)
        return
    plan = evolution(layout, structure, is_new=False)
    foreign = _foreign_columns(session, layout)
    for cell in plan.cells:
        yield _missing_cell(collection, layout, cell, foreign)
    repeated = dict(_repeated(session, layout, [cell for cell, unique in plan.indexes if unique]))
    for cell, unique in plan.indexes:
        yield _missing_index(collection, layout, cell, repeated.get(cell, ()), unique=unique)
    for name in _missing_own_indexes(session, layout):
        text = f"the index {name!r} is missing"
        yield Difference(collection, name, "$", DifferenceKind.INDEX, text, mendable=True)
    yield from _kept(layout, structure, plan, foreign)


def _missing_cell(collection: str, layout: Layout, cell: Cell, foreign: list[str]) -> Difference:
    others = [one for one in layout.cells if one.path == cell.path]
    what = "the table of the list" if cell.many else "the column"
    if others:
        kind, text = DifferenceKind.TYPE, f"{what} {cell.name!r} is missing; {others[0].name!r} is of another type"
    else:
        kind, text = DifferenceKind.COLUMN, f"{what} {cell.name!r} is missing"
    mendable = cell.many or not foreign
    if not mendable:
        text += f"; adding it would drop what another program added: {named(tuple(foreign))}"
    return Difference(collection, cell.name, to_text(cell.path), kind, text, mendable=mendable)


def _missing_index(collection: str, layout: Layout, cell: Cell, ids: tuple[str, ...], *, unique: bool) -> Difference:
    name = (unique_index if unique else plain_index)(layout, cell)
    kind = DifferenceKind.UNIQUE if unique else DifferenceKind.INDEX
    text = f"the {'unique ' if unique else ''}index {name!r} is missing"
    if ids:
        text += f"; it cannot be made while items share a value: {named(ids)}"
    return Difference(collection, name, to_text(cell.path), kind, text, mendable=not ids, ids=ids)


def _repeated(session: SqliteSession, layout: Layout, cells: list[Cell]) -> Iterator[tuple[Cell, tuple[str, ...]]]:
    """Find, for cells that are to be unique, documents that share a value: those of the first such value."""
    for cell in cells:
        read = DIALECT.reader(cell.path, cell.kind)
        with closing(Repeats()) as repeats:
            for id_, text in session.stream(f"SELECT _id, CAST(_document AS BLOB) FROM {quoted(layout.table)}"):
                with suppress(ValidationError):  # one that cannot be read is for a check of the data
                    value = read(jsontext.decode_untrusted(text, max_depth=sys.maxsize))
                    repeats.add(() if value is None else (value,), id_)
            ids = next(repeats.groups(MOST_NAMED), [])
        if ids:
            yield cell, tuple(ids)


def _missing_own_indexes(session: SqliteSession, layout: Layout) -> list[str]:
    """Name the indexes that every table has, and every table of a list, and that are not there."""
    there = {name for (name,) in session.rows("SELECT name FROM sqlite_master WHERE type = 'index'")}
    wanted = [rows_index(layout.table), *(holder_index(list_) for list_ in layout.lists)]
    return [name for name in wanted if name not in there]


def _foreign_columns(session: SqliteSession, layout: Layout) -> list[str]:
    """Name the columns that are not ours."""
    known = {DIALECT.folded(name) for name in (*FIXED, *(cell.name for cell in layout.scalars))}
    return [name for name in _columns(session, layout.table) if DIALECT.folded(name) not in known]


def _kept(layout: Layout, structure: Structure, plan: Evolution, foreign: Iterable[str]) -> Iterator[Difference]:
    collection = structure.collection
    declared = {(column.path, column.kind, column.many): column for column in structure.columns}
    used = {rows_index(layout.table)}
    for cell in layout.cells:
        column = declared.get((cell.path, cell.kind, cell.many))
        if column is None:
            text = f"{cell.name!r} is not declared; it is kept up"
            yield Difference(collection, cell.name, to_text(cell.path), DifferenceKind.KEPT, text)
        else:
            used.add((unique_index if column.unique else plain_index)(layout, cell))
    for name in foreign:
        text = f"the column {name!r} is not declared; it is kept"
        yield Difference(collection, name, "$", DifferenceKind.KEPT, text)
    for name in sorted(layout.indexes - used):
        if not name.startswith(_OWN_INDEX):
            text = f"the index {name!r} is not declared; it is kept"
            if name in plan.dropped:
                text = f"the unique index {name!r} is not declared; it is kept until a process uses the collection"
            yield Difference(collection, name, "$", DifferenceKind.KEPT, text)


def mend(session: SqliteSession, table: str, structure: Structure, catalogue: SqliteCatalogue) -> None:
    """Make, in a writing session, what is missing and can be made; drop nothing."""
    present = layout_in_file(session, table, catalogue)
    layout = present or Layout(table, DIALECT)
    plan = replace(evolution(layout, structure, is_new=present is None), dropped=())
    if present is not None:
        if _foreign_columns(session, layout):
            plan = replace(plan, cells=tuple(cell for cell in plan.cells if cell.many))
        repeated = dict(_repeated(session, layout, [cell for cell, unique in plan.indexes if unique]))
        there = {*layout.cells, *plan.cells}
        plan = replace(plan, indexes=tuple(one for one in plan.indexes if one[0] in there and one[0] not in repeated))
    others = session.rows(
        "SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND tbl_name = ? AND sql IS NOT NULL",
        (layout.table,),
    )
    if plan:
        evolve(session, layout, plan, structure.collection)
    there_now = {name for (name,) in session.rows("SELECT name FROM sqlite_master")}
    for name, statement in others:  # a table that was written anew has lost those that are not ours
        if name not in there_now:
            session.change(statement)
    grown = layout_in_file(session, table, catalogue)
    if grown is not None:
        missing = _missing_own_indexes(session, grown)
        if rows_index(grown.table) in missing:
            session.change(create_rows_index(grown.table))
        for list_ in grown.lists:
            if holder_index(list_) in missing:
                session.change(create_list_table(list_)[1])

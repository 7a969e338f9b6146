"""Tell how the tables of a collection differ from what is declared.

What our notes say is compared with what is in the database: another program may have dropped some of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace

from backo import jsontext
from backo.connectors.base import Structure
from backo.connectors.findings import MOST_NAMED, Difference, DifferenceKind, named
from backo.connectors.repeats import Repeats
from backo.connectors.sql.dialect import SqlSession
from backo.connectors.sql.evolution import Catalogue, Evolution, evolution, read_layout
from backo.connectors.sql.layout import (
    FIXED,
    Cell,
    Layout,
    ListTable,
    holder_index,
    id_index,
    plain_index,
    unique_index,
)
from backo.errors import ValidationError
from backo.paths import to_text


def layout_there(session: SqlSession, table: str, catalogue: Catalogue) -> Layout | None:
    """Read the layout of a table, without the cells that are noted and not there; None when there is no table.

    Raises:
        DBError: the database is laid out by a newer version, or the table is not ours.
    """
    noted = read_layout(session, table, catalogue)
    if noted is None:
        return None
    folded = catalogue.dialect.folded
    columns = {folded(name) for name in catalogue.columns_of(session, noted.table)}
    if not columns:
        return None
    lists = {list_.cell for list_ in noted.lists if catalogue.columns_of(session, list_.name)}
    there = [cell for cell in noted.cells if (cell in lists if cell.many else folded(cell.name) in columns)]
    return replace(noted, cells=tuple(there))


def differences(session: SqlSession, table: str, structure: Structure, catalogue: Catalogue) -> Iterator[Difference]:
    """Compare the tables of a collection with its structure; reads every document where a unique index is missing."""
    collection = structure.collection
    layout = layout_there(session, table, catalogue)
    if layout is None:
        yield Difference(collection, table, "$", DifferenceKind.TABLE, f"the table {table!r} is missing", mendable=True)
        return
    plan = evolution(layout, structure, is_new=False)
    foreign = foreign_columns(session, layout, catalogue)
    for cell in plan.cells:
        in_the_way = [name for name in foreign if name == cell.name or not catalogue.adds_in_place]
        yield _missing_cell(collection, layout, cell, in_the_way)
    for cell in plan.pending:
        text = f"{cell.name!r} is not filled yet"
        yield Difference(collection, cell.name, to_text(cell.path), DifferenceKind.COLUMN, text, mendable=True)
    unfinished = catalogue.unfinished_of(session, layout.table)
    repeated = dict(repeated_among(session, layout, [cell for cell, unique in plan.indexes if unique]))
    for cell, unique in plan.indexes:
        yield _missing_index(collection, layout, cell, unfinished, repeated.get(cell, ()), unique=unique)
    missing = (*missing_own_indexes(layout, catalogue), *map(holder_index, unheld(session, layout, catalogue)))
    for name in missing:
        text = f"the index {name!r} is missing"
        yield Difference(collection, name, "$", DifferenceKind.INDEX, text, mendable=True)
    yield from _kept(layout, structure, plan, foreign, catalogue.own_indexes(layout.table))
    for cell, name in useless(layout, plan, unfinished):
        text = f"the index {name!r} is not declared, and was never finished; it only costs, and is dropped"
        yield Difference(collection, name, to_text(cell.path), DifferenceKind.INDEX, text, mendable=True)


def _missing_cell(collection: str, layout: Layout, cell: Cell, in_the_way: Sequence[str]) -> Difference:
    others = [one for one in layout.cells if one.path == cell.path]
    what = "the table of the list" if cell.many else "the column"
    if others:
        kind, text = DifferenceKind.TYPE, f"{what} {cell.name!r} is missing; {others[0].name!r} is of another type"
    else:
        kind, text = DifferenceKind.COLUMN, f"{what} {cell.name!r} is missing"
    mendable = cell.many or not in_the_way
    if not mendable:
        text += f"; what another program added is in the way: {named(tuple(in_the_way))}"
    return Difference(collection, cell.name, to_text(cell.path), kind, text, mendable=mendable)


def _missing_index(
    collection: str, layout: Layout, cell: Cell, unfinished: frozenset[str], ids: tuple[str, ...], *, unique: bool
) -> Difference:
    name = (unique_index if unique else plain_index)(layout, cell)
    kind = DifferenceKind.UNIQUE if unique else DifferenceKind.INDEX
    state = "was never finished" if name in unfinished else "is missing"
    text = f"the {'unique ' if unique else ''}index {name!r} {state}"
    if ids:
        text += f"; it cannot be made while items share a value: {named(ids)}"
    return Difference(collection, name, to_text(cell.path), kind, text, mendable=not ids, ids=ids)


def repeated_among(
    session: SqlSession, layout: Layout, cells: Iterable[Cell]
) -> Iterator[tuple[Cell, tuple[str, ...]]]:
    """Find, for cells that are to be unique, documents that share a value: those of the first such value."""
    for cell in cells:
        read = layout.dialect.reader(cell.path, cell.kind)
        with closing(Repeats()) as repeats:
            for id_, _, _, text in session.stream(layout.select_all):
                with suppress(ValidationError):  # one that cannot be read is for a check of the data
                    value = read(jsontext.decode_untrusted(text, max_depth=sys.maxsize))
                    repeats.add(() if value is None else (value,), id_)
            ids = next(repeats.groups(MOST_NAMED), [])
        if ids:
            yield cell, tuple(ids)


def missing_own_indexes(layout: Layout, catalogue: Catalogue) -> list[str]:
    """Name the indexes that every table has, and that are not there."""
    return [name for name in catalogue.own_indexes(layout.table) if name not in layout.indexes]


def unheld(session: SqlSession, layout: Layout, catalogue: Catalogue) -> list[ListTable]:
    """Give the tables of lists without the index that finds the values of one document."""
    return [list_ for list_ in layout.lists if holder_index(list_) not in catalogue.indexes_of(session, list_.name)]


def foreign_columns(session: SqlSession, layout: Layout, catalogue: Catalogue) -> list[str]:
    """Name the columns that are not ours."""
    folded = catalogue.dialect.folded
    known = {folded(name) for name in (*FIXED, *(cell.name for cell in layout.scalars))}
    return [name for name in catalogue.columns_of(session, layout.table) if folded(name) not in known]


def useless(layout: Layout, plan: Evolution, unfinished: frozenset[str]) -> Iterator[tuple[Cell, str]]:
    """Name our indexes that were never finished, and that nobody wants any more."""
    for cell in layout.scalars:
        for unique, name in ((False, plain_index(layout, cell)), (True, unique_index(layout, cell))):
            if name in unfinished and (cell, unique) not in plan.indexes:
                yield cell, name


def _kept(
    layout: Layout, structure: Structure, plan: Evolution, foreign: Iterable[str], own: Iterable[str]
) -> Iterator[Difference]:
    collection = structure.collection
    declared = {(column.path, column.kind, column.many): column for column in structure.columns}
    used = {id_index(layout), *own}
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
        text = f"the index {name!r} is not declared; it is kept"
        if name in plan.dropped:
            text = f"the unique index {name!r} is not declared; it is kept until a process uses the collection"
        yield Difference(collection, name, "$", DifferenceKind.KEPT, text)

"""Make what is missing in the tables of a collection in an SQLite file, in one transaction."""

from __future__ import annotations

from dataclasses import replace

from backo.connectors.base import Structure
from backo.connectors.sql.differing import (
    foreign_columns,
    layout_there,
    missing_own_indexes,
    repeated_among,
    unheld,
)
from backo.connectors.sql.evolution import evolution
from backo.connectors.sql.layout import Layout
from backo.connectors.sqlite.dialect import DIALECT
from backo.connectors.sqlite.evolving import SqliteCatalogue, create_list_table, create_rows_index, evolve
from backo.connectors.sqlite.session import SqliteSession


def mend(session: SqliteSession, table: str, structure: Structure, catalogue: SqliteCatalogue) -> None:
    """Make, in a writing session, what is missing and can be made; drop nothing."""
    present = layout_there(session, table, catalogue)
    layout = present or Layout(table, DIALECT)
    plan = replace(evolution(layout, structure, is_new=present is None), dropped=())
    if present is not None:
        if foreign_columns(session, layout, catalogue):
            plan = replace(plan, cells=tuple(cell for cell in plan.cells if cell.many))
        repeated = dict(repeated_among(session, layout, [cell for cell, unique in plan.indexes if unique]))
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
    grown = layout_there(session, table, catalogue)
    if grown is not None:
        if missing_own_indexes(grown, catalogue):
            session.change(create_rows_index(grown.table))
        for list_ in unheld(session, grown, catalogue):
            session.change(create_list_table(list_)[1])

"""Write a batch of documents with the cells kept beside them.

What is stored is read first, in one statement: it tells whether each document is at its expected
revision and which of its cells change. Then come the deletions, then the changes, then the new
documents, so a unique value that one document gives up is free for another.
"""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backo import jsontext
from backo.connectors.base import Operation, Write
from backo.connectors.sql.dialect import CellValue, Collision, Condition, Row, SqlSession, Values
from backo.connectors.sql.layout import Cell, Layout, ListTable, quoted
from backo.errors import ConflictError, DBError, Problem
from backo.paths import to_text
from backo.schema.kinds import Kind

_OF_LIST = ("value", "_id")


def write(session: SqlSession, layout: Layout, writes: Sequence[Write], held: str = "") -> None:
    """Do a batch of writes in a session.

    Args:
        session: the session.
        layout: of the table.
        writes: the batch.
        held: what a statement says to hold what it reads, where a writing session is not alone.

    Raises:
        ConflictError: a document is not at its expected revision, an inserted id exists, or a unique
            value is taken.
    """
    of = {operation: [one for one in writes if one.operation is operation] for operation in Operation}
    inserts, updates, deletes = of[Operation.INSERT], of[Operation.UPDATE], of[Operation.DELETE]
    try:
        if updates or deletes:
            stored = _stored(session, layout, [*updates, *deletes], held)
            _delete(session, layout, deletes)
            _update(session, layout, updates, stored)
        if inserts:
            _insert(session, layout, inserts)
    except Collision as collision:
        raise _refusal(collision, layout, session, writes) from collision


def _stored(session: SqlSession, layout: Layout, writes: Sequence[Write], held: str) -> Mapping[str, Row]:
    """Read the cells of documents, by id, after a look at their revisions, which stay as they are."""
    order = " ORDER BY _id" if held else ""
    found = {row[0]: row for row in _rows_of(session, layout, layout.select_cells, writes, order + held)}
    for one in writes:
        row = found.get(one.id)
        if row is None or row[1] != one.expected_rev:
            message = f"the item {one.id} has been {'deleted' if row is None else 'changed'}"
            raise ConflictError(message)
    return {id_: row[2:] for id_, row in found.items()}


def _rows_of(
    session: SqlSession, layout: Layout | ListTable, select: str, writes: Sequence[Write], end: str = ""
) -> list[Row]:
    those = layout.dialect.is_one_of(Condition("_id"), [one.id for one in writes], Kind.TEXT)
    return session.rows(f"{select} WHERE {those.text}{end}", those.values)


def _delete(session: SqlSession, layout: Layout, deletes: Sequence[Write]) -> None:
    if not deletes:
        return
    ids = [(one.id,) for one in deletes]
    session.change_many(layout.delete, ids)
    for list_ in layout.lists:
        session.change_many(list_.delete_all, ids)


@dataclass(frozen=True, slots=True)
class _Change:
    """A document to replace: its id, which cells change, the values for the statement."""

    id: str
    changed: tuple[int, ...]
    values: Values


def _update(session: SqlSession, layout: Layout, updates: Sequence[Write], stored: Mapping[str, Row]) -> None:
    if not updates:
        return
    changes = [_change(layout, one, stored[one.id]) for one in updates]
    _give_up_unique_values(session, layout, changes)
    by_cells: dict[tuple[int, ...], list[Values]] = defaultdict(list)
    for change in changes:
        by_cells[change.changed].append(change.values)
    for changed, rows in by_cells.items():
        session.change_many(layout.update(changed), rows)
    for list_ in layout.lists:
        _update_list(session, list_, updates)


def _change(layout: Layout, one: Write, old: Row) -> _Change:
    new = layout.cell_values(one.document)
    changed = tuple(position for position, value in enumerate(new) if value != old[position])
    text = jsontext.encode(one.document).decode()
    values = (one.rev, one.fingerprint, *(new[position] for position in changed), text, one.id)
    return _Change(one.id, changed, values)


def _give_up_unique_values(session: SqlSession, layout: Layout, changes: Sequence[_Change]) -> None:
    """Clear the unique cells that several documents change, so that these may swap their values."""
    guarded = {position for position, cell in enumerate(layout.scalars) if cell in layout.unique}
    by_cells: dict[tuple[int, ...], list[tuple[str]]] = defaultdict(list)
    for change in changes:
        cells = tuple(position for position in change.changed if position in guarded)
        if cells:
            by_cells[cells].append((change.id,))
    if sum(map(len, by_cells.values())) > 1:
        for cells, ids in by_cells.items():
            session.change_many(layout.clear(cells), ids)


def _update_list(session: SqlSession, list_: ListTable, updates: Sequence[Write]) -> None:
    """Remove the values that are not in a list any more, and add the new ones."""
    old: dict[str, set[CellValue]] = defaultdict(set)
    for id_, value in _rows_of(session, list_, list_.select, updates):
        old[id_].add(value)
    new = {one.id: list_.read(one.document) for one in updates}
    removed = [(value, id_) for id_ in new for value in old[id_] - new[id_]]
    added = [(value, id_) for id_ in new for value in new[id_] - old[id_]]
    if removed:
        session.change_many(list_.delete, removed)
    if added:
        session.insert_many(list_.name, _OF_LIST, added)


def _insert(session: SqlSession, layout: Layout, inserts: Sequence[Write]) -> None:
    rows = (layout.row(one, jsontext.encode(one.document).decode()) for one in inserts)
    session.insert_many(layout.table, layout.columns, rows)
    for list_ in layout.lists:
        added = [(value, one.id) for one in inserts for value in list_.read(one.document)]
        if added:
            session.insert_many(list_.name, _OF_LIST, added)


def _refusal(
    collision: Collision, layout: Layout, session: SqlSession, writes: Sequence[Write]
) -> ConflictError | DBError:
    """Say which rules a batch broke, by their paths, and nothing of the items that were there first."""
    if collision.guard == layout.id_guard:
        return ConflictError("there is an item with this _id already")
    # Not only of those that are known to be unique: another process may just be making the index.
    broken = [cell for cell in layout.scalars if collision.guard == layout.guard(cell)]
    if not broken:
        return DBError(f"the table {layout.table!r} has a rule that is not ours: {collision.guard!r} refuses a value")
    taken = _taken(session, layout, writes)
    if not taken and any(one.operation is Operation.INSERT for one in writes) and _is_there(session, layout, writes):
        return ConflictError("there is an item with this _id already")
    taken = taken or broken  # what collided has been given up since, or was written by this very session
    problems = [Problem(to_text(cell.path), "unique", "this value is taken") for cell in taken]
    return ConflictError("another item has a value that must be unique", problems=problems)


def _is_there(session: SqlSession, layout: Layout, writes: Sequence[Write]) -> bool:
    """Tell whether an item that is to be inserted is there already: its values are its own."""
    inserts = [one for one in writes if one.operation is Operation.INSERT]
    return bool(_rows_of(session, layout, layout.select_cells, inserts))


def _taken(session: SqlSession, layout: Layout, writes: Sequence[Write]) -> list[Cell]:
    """Find the unique cells of which a batch gives one value to two documents, or one that another document has."""
    ids = {one.id for one in writes}
    rows = [layout.cell_values(one.document) for one in writes if one.operation is not Operation.DELETE]
    taken = []
    for position, cell in enumerate(layout.scalars):
        values = [row[position] for row in rows if row[position] is not None]
        if cell not in layout.unique or not values:
            continue
        those = layout.dialect.is_one_of(Condition(quoted(cell.name)), values, cell.kind)
        holders = session.rows(f"SELECT _id FROM {quoted(layout.table)} WHERE {those.text}", those.values)
        if len(set(values)) < len(values) or any(id_ not in ids for (id_,) in holders):
            taken.append(cell)
    return taken

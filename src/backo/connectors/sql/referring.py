"""Find who holds a link, by a walk along the index of its column."""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

from collections.abc import Sequence

from backo.connectors.misfits import MOST_SHOWN
from backo.connectors.sql.dialect import Condition, SqlSession
from backo.connectors.sql.layout import Layout, quoted
from backo.connectors.texts import is_storable
from backo.errors import StateError
from backo.paths import FieldPath, to_text
from backo.schema.kinds import Kind


def referrers(
    session: SqlSession, layout: Layout, path: FieldPath, ids: Sequence[str], limit: int
) -> list[tuple[str, str]]:
    """Find pairs (target id, id of the holder), by target as given, then by holder, at most `limit`.

    Raises:
        StateError: the path is no column of links.
    """
    place = _column(layout, path)
    if place is None:
        message = f"{to_text(path)} is no column of links of {layout.table!r}"
        raise StateError(message)
    table, column = place
    targets = [id_ for id_ in dict.fromkeys(ids) if is_storable(id_)]
    if len(targets) > 1:
        those = layout.dialect.is_one_of(Condition(column), targets, Kind.TEXT)
        of_many = f"SELECT {column}, _id FROM {table} WHERE {those.text} ORDER BY {column}, _id LIMIT ?"
        found = session.rows(of_many, (*those.values, limit))
        if len(found) < limit:
            position = {target: number for number, target in enumerate(targets)}
            return sorted(((target, holder) for target, holder in found), key=lambda pair: position[pair[0]])
    # Cut off, the walk has gone by targets in the order of the index: go by them as given.
    of_one = f"SELECT {column}, _id FROM {table} WHERE {column} = ? ORDER BY _id LIMIT ?"
    pairs: list[tuple[str, str]] = []
    for target in targets:
        pairs += [(target, holder) for _, holder in session.rows(of_one, (target, limit - len(pairs)))]
        if len(pairs) >= limit:
            break
    return pairs


def link_holders(session: SqlSession, layout: Layout, path: FieldPath) -> list[str]:
    """Find documents that hold a link at a path; none where none was ever stored, for it has no column."""
    place = _column(layout, path)
    if place is None:
        return []
    table, column = place
    statement = f"SELECT DISTINCT _id FROM {table} WHERE {column} >= '' LIMIT ?"
    return [id_ for (id_,) in session.rows(statement, (MOST_SHOWN + 1,))]


def _column(layout: Layout, path: FieldPath) -> tuple[str, str] | None:
    """Give the table and the column that hold a link, quoted; None where there is no such column."""
    cell = layout.scalar_of.get((path, Kind.TEXT))
    if cell is not None:
        return quoted(layout.table), quoted(cell.name)
    list_ = layout.list_of.get((path, Kind.TEXT))
    return None if list_ is None else (quoted(list_.name), "value")

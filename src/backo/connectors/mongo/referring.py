"""Find who holds a link, by a walk along the index of its cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backo.connectors.misfits import MOST_SHOWN
from backo.connectors.mongo.layout import ID_CELL, Cell, Layout
from backo.connectors.mongo.session import MongoSession, Raw
from backo.connectors.mongo.values import CELLS
from backo.connectors.texts import is_storable
from backo.errors import StateError
from backo.paths import FieldPath, to_text
from backo.schema.kinds import Kind


def referrers(
    session: MongoSession, layout: Layout, path: FieldPath, ids: Sequence[str], limit: int
) -> list[tuple[str, str]]:
    """Find pairs (target id, id of the holder), by target as given, then by holder, at most `limit`.

    Raises:
        StateError: the path is no column of links.
    """
    cell = _cell(layout, path)
    if cell is None:
        message = f"{to_text(path)} is no column of links of {layout.collection!r}"
        raise StateError(message)
    targets = [id_ for id_ in dict.fromkeys(ids) if is_storable(id_)]
    if not targets or limit <= 0:
        return []
    if len(targets) > 1:
        found = _holders(session, layout, cell, {"$in": targets}, limit)
        if len(found) < limit:
            position = {target: number for number, target in enumerate(targets)}
            pairs = [
                (target, _id(raw, layout)) for raw in found for target in _targets(raw, cell) if target in position
            ]
            return sorted(pairs, key=lambda pair: (position[pair[0]], pair[1]))[:limit]
    # Cut off, the walk has gone by targets in the order of the index: go by them as given.
    pairs = []
    for target in targets:
        found = _holders(session, layout, cell, {"$eq": target}, limit - len(pairs))
        pairs += [(target, _id(raw, layout)) for raw in found]
        if len(pairs) >= limit:
            break
    return pairs


def link_holders(session: MongoSession, layout: Layout, path: FieldPath) -> list[str]:
    """Find documents that hold a link at a path; none where none was ever stored, for it has no cell."""
    cell = _cell(layout, path)
    if cell is None:
        return []
    return [_id(raw, layout) for raw in _holders(session, layout, cell, {"$exists": True}, MOST_SHOWN + 1)]


def _cell(layout: Layout, path: FieldPath) -> Cell | None:
    return layout.scalar_of.get((path, Kind.TEXT)) or layout.list_of.get((path, Kind.TEXT))


def _holders(session: MongoSession, layout: Layout, cell: Cell, test: dict[str, Any], limit: int) -> list[Raw]:
    """Read who holds a link, without their fields, in order of `_id`."""
    collection = session.database.driver[layout.collection]
    wanted = {cell.place: 1, layout.id_place: 1, "_id": 1}

    def find(handle: Any) -> list[Raw]:
        found = collection.find({cell.place: test}, wanted, session=handle)
        return list(found.sort([(layout.id_place, 1)]).limit(limit))

    return session.run(find)


def _id(raw: Raw, layout: Layout) -> str:
    return str(raw[CELLS][ID_CELL] if layout.has_object_ids else raw["_id"])


def _targets(raw: Raw, cell: Cell) -> list[str]:
    value = raw[CELLS][cell.name]
    return value if cell.many else [value]

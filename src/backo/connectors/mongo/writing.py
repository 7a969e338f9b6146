"""Write a batch of documents with the cells kept beside their fields.

First come the deletions, then the changes, then the new documents, so a unique value that one
document gives up is free for another. Several changes first clear the unique cells, so that their
documents may swap them. Each write names the revision that it expects.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from backo.connectors.base import Operation, Write
from backo.connectors.mongo.failures import DRIVER_ERRORS, failure, is_too_large, taken_place
from backo.connectors.mongo.layout import Cell, Condition, Layout
from backo.connectors.mongo.session import MongoSession, Raw
from backo.connectors.mongo.values import CELLS, REV, stored
from backo.errors import ConflictError, Problem, ValidationError
from backo.paths import to_text

Change: TypeAlias = InsertOne[Raw] | ReplaceOne[Raw] | UpdateOne | DeleteOne

_SIZE = "a document of MongoDB has at most 16 MiB; a File keeps large contents elsewhere"


def write(session: MongoSession, layout: Layout, writes: Sequence[Write]) -> None:
    """Do a batch of writes in a session.

    Raises:
        ConflictError: a document is not at its expected revision, an inserted id exists, or a unique
            value is taken.
        ValidationError: a document is too large.
    """
    if not writes:
        return
    collection = session.database.driver[layout.collection]
    try:
        if session.is_transaction:
            session.contend(
                lambda handle: _write(collection, handle, layout, writes),
                lambda _, handle: _write(collection, handle, layout, writes),
            )
        else:
            session.handle()
            _write_one_by_one(session, collection, layout, writes)
    except DRIVER_ERRORS as error:
        if is_too_large(error):
            raise _too_large() from error
        place = taken_place(error)
        if place is None:
            raise failure(error, session.database.name) from error
        raise _taken(session, collection, layout, writes, place) from error
    session.written |= {(layout.collection, one.id) for one in writes}


def changes(layout: Layout, writes: Sequence[Write]) -> list[tuple[Write, Change]]:
    """Say what the driver has to do for a batch, in order, each with the write that it is for."""
    of = {operation: [one for one in writes if one.operation is operation] for operation in Operation}
    updates = of[Operation.UPDATE]
    planned: list[tuple[Write, Change]] = [(one, DeleteOne(expected(layout, one))) for one in of[Operation.DELETE]]
    if len(updates) > 1 and layout.unique:
        planned += [(one, UpdateOne(expected(layout, one), _cleared(layout))) for one in updates]
    planned += [(one, ReplaceOne(expected(layout, one), _replacement(layout, one))) for one in updates]
    planned += [(one, InsertOne(layout.row(one))) for one in of[Operation.INSERT]]
    return planned


def _cleared(layout: Layout) -> dict[str, Any]:
    """Say how the unique cells of a document are made absent for a while."""
    return {"$unset": {cell.place: "" for cell in layout.unique}}


def expected(layout: Layout, one: Write) -> Condition:
    """Ask for the document of a write, at the revision that it expects; 0 is that of other programs."""
    return {
        layout.id_place: {"$eq": one.id},
        REV: {"$eq": one.expected_rev} if one.expected_rev else {"$not": {"$gt": 0}},
    }


def _replacement(layout: Layout, one: Write) -> Raw:
    row = layout.row(one)
    del row["_id"]  # it stays as it is
    return row


def _write(collection: Collection[Raw], handle: ClientSession | None, layout: Layout, writes: Sequence[Write]) -> None:
    planned = changes(layout, writes)
    done = collection.bulk_write([change for _, change in planned], ordered=True, session=handle)
    if done.deleted_count + done.matched_count + done.inserted_count != len(planned):
        raise _conflict(collection, handle, layout, writes)


def _conflict(
    collection: Collection[Raw], handle: ClientSession | None, layout: Layout, writes: Sequence[Write]
) -> ConflictError:
    """Say, after a batch that found a document at another revision, which one it is."""
    ids = [one.id for one in writes if one.operation is not Operation.INSERT]
    revs = _revs(collection, handle, layout, ids)
    for one in writes:
        if one.operation is not Operation.INSERT and revs.get(one.id, one.rev) not in {one.rev, one.expected_rev}:
            return ConflictError(f"the item {one.id} has been changed")
        if one.operation is Operation.UPDATE and one.id not in revs:
            return ConflictError(f"the item {one.id} has been deleted")
    return ConflictError("an item has been deleted")


def _revs(
    collection: Collection[Raw], handle: ClientSession | None, layout: Layout, ids: Sequence[str]
) -> dict[str, int]:
    found = collection.find({layout.id_place: {"$in": ids}}, {REV: 1}, session=handle)
    return {one.id: one.rev for one in map(stored, found)}


def _write_one_by_one(
    session: MongoSession, collection: Collection[Raw], layout: Layout, writes: Sequence[Write]
) -> None:
    """Write without a transaction: after a look at all revisions, and such that it can be taken back."""
    before = _before(collection, layout, writes)
    for one, change in changes(layout, writes):
        done = collection.bulk_write([change])
        if not done.deleted_count + done.matched_count + done.inserted_count:
            raise ConflictError(f"the item {one.id} has been changed")
        if one.operation is Operation.INSERT:
            inserted = {"_id": {"$eq": one.id}, REV: {"$eq": one.rev}}
            session.undo_with(partial(collection.delete_one, inserted), at_once=True)
        elif one.id in before:
            raw = before.pop(one.id)
            same = {"_id": {"$eq": raw["_id"]}}
            if layout.unique:
                session.undo_with(partial(collection.update_one, same, _cleared(layout)), at_once=True)
            session.undo_with(partial(collection.replace_one, same, raw, upsert=True))


def _before(collection: Collection[Raw], layout: Layout, writes: Sequence[Write]) -> dict[str, Raw]:
    """Read the documents that a batch changes.

    Raises:
        ConflictError: one of them is not at its expected revision.
    """
    needed = [one for one in writes if one.operation is not Operation.INSERT]
    found = collection.find({layout.id_place: {"$in": [one.id for one in needed]}})
    before = {str(raw["_id"]): raw for raw in found}
    for one in needed:
        if one.id not in before or stored(before[one.id]).rev != one.expected_rev:
            raise ConflictError(f"the item {one.id} has been {'changed' if one.id in before else 'deleted'}")
    return before


def _too_large() -> ValidationError:
    problem = Problem("$", "size", "Is too large")
    return ValidationError("an item is larger than MongoDB keeps", problems=[problem], hint=_SIZE)


def _taken(
    session: MongoSession, collection: Collection[Raw], layout: Layout, writes: Sequence[Write], place: str
) -> ConflictError:
    """Say which rules a batch broke, by their paths, and nothing of the items that were there first."""
    guarded = {cell.place: cell for cell in layout.cells}
    if place not in guarded:
        return ConflictError("there is an item with this _id already")
    others = [cell for cell in layout.unique if cell.place != place]
    taken = [guarded[place], *(cell for cell in others if _is_taken(session, collection, layout, writes, cell))]
    paths = sorted(to_text(cell.path) for cell in taken)
    problems = [Problem(path, "unique", "this value is taken") for path in paths]
    return ConflictError("another item has a value that must be unique", problems=problems)


def _is_taken(
    session: MongoSession, collection: Collection[Raw], layout: Layout, writes: Sequence[Write], cell: Cell
) -> bool:
    """Tell whether a batch gives one value to two documents, or one that another document has."""
    rows = [layout.cells_of(one.document) for one in writes if one.operation is not Operation.DELETE]
    values = [row[cell.name] for row in rows if cell.name in row]
    if len(set(values)) < len(values):
        return True
    own = {id_ for name, id_ in session.written if name == layout.collection} | {one.id for one in writes}
    try:
        holders = list(collection.find({cell.place: {"$in": values}}, {layout.id_place: 1}))
    except DRIVER_ERRORS:
        return False  # one of the reasons is known
    return any(str(raw[CELLS]["_id"] if layout.has_object_ids else raw["_id"]) not in own for raw in holders)

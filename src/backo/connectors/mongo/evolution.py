"""Bring a collection from what it is to what is declared.

What is kept in a database is noted in its collection `_backo`: the version of our way to lay things
out, and for each collection its cells. The rules:

- A cell that is new is noted first, so that every writer fills it from then on (a note is believed
  for `LEASE` seconds), then filled in the documents that lack it, then relied upon.
- What is not declared any more is kept up, by each process that writes: another process, with an
  older or a newer declaration, may read by it at the same time. Only a unique index goes at once,
  for it would refuse what is allowed now.
- A collection that was there before, with documents of other programs, is taken as it is: their
  fields stay, cells are added beside them.

Each step can be done twice, or by two processes at once; whoever finds one half done goes on with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count, islice
from typing import Any, NamedTuple

from pymongo import IndexModel, InsertOne, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure

from backo.connectors.base import Column, Structure
from backo.connectors.misfits import MOST_SHOWN, repeated_value
from backo.connectors.mongo.failures import DUPLICATE_KEY, code_of
from backo.connectors.mongo.layout import (
    BOOKS,
    COUNT,
    ID_CELL,
    ID_INDEX,
    Cell,
    Condition,
    Layout,
    unique_index,
)
from backo.connectors.mongo.session import Raw
from backo.connectors.mongo.values import CELLS, OURS, REV, is_id, is_json, stored
from backo.errors import DBError
from backo.schema.kinds import Kind

LAYOUT_VERSION = 1
"""The version of this way to lay things out; a database with a higher one is refused."""

LEASE = 0.5
"""Seconds for which a writer believes what he read in a note."""

_VERSION_KEY = "layout"
_BATCH = 1_000  # documents that are filled at once
_ROUNDS = 20  # of filling, while writers of an older declaration go on
_EXISTS = 48  # NamespaceExists


def read_layout(database: Database[Raw], collection: str) -> Layout | None:
    """Read the layout of a collection from its note; None when there is none yet.

    Raises:
        DBError: the database is laid out by a newer version.
    """
    key = note_key(collection)
    notes = {note["_id"]: note for note in database[BOOKS].find({"_id": {"$in": [_VERSION_KEY, key]}})}
    version = notes.get(_VERSION_KEY, {}).get("version", 0)
    if version > LAYOUT_VERSION:
        message = (
            f"the database {database.name!r} is laid out in version {version}; "
            f"this backo knows up to version {LAYOUT_VERSION}"
        )
        raise DBError(message, hint="use the newer backo that wrote it")
    note = notes.get(key)
    if note is None:
        return None
    return Layout(
        collection,
        tuple(Cell(name, tuple(path), Kind(kind), many) for name, path, kind, many in note["cells"]),
        frozenset(database[collection].index_information()),
        note["filled"],
        note["plain"],
        note["object_ids"],
        note.get("adds_ids", False),
    )


def note_key(collection: str) -> str:
    """Give the key of the note on a collection."""
    return f"collection {collection}"


def evolved(database: Database[Raw], collection: str, structure: Structure) -> Layout:
    """Bring a collection to what is declared; give its layout.

    Raises:
        StoredDataError: a unique index would not hold for what is stored.
        DBError: the collection is none that documents can be kept in.
    """
    present = read_layout(database, collection)
    layout = adopted(database, collection, structure) if present is None else present
    if note_cells(database, layout, structure):
        return evolved(database, collection, structure)  # another process may have been faster
    documents = database[collection]
    if layout.filled == len(layout.cells):
        return _make_indexes(documents, layout, structure)
    if present is not None:
        time.sleep(LEASE)
    fill(documents, layout)
    layout = _make_indexes(documents, layout, structure, with_unique=False)  # waits for the transactions that are open
    fill(documents, layout)
    return _make_indexes(documents, note_filled(database, layout), structure)


def note_cells(database: Database[Raw], layout: Layout, structure: Structure) -> bool:
    """Note the cells that a layout lacks; tell whether there were some, so that the note has to be read again."""
    missing = missing_cells(layout, structure)
    if missing:
        database[BOOKS].update_one(
            {"_id": note_key(layout.collection), "cells": {"$size": len(layout.cells)}},
            {"$set": {"cells": _written([*layout.cells, *missing])}},
        )
    return bool(missing)


def note_filled(database: Database[Raw], layout: Layout) -> Layout:
    """Note that every document has all cells; give the layout that says so."""
    database[BOOKS].update_one({"_id": note_key(layout.collection)}, {"$max": {"filled": len(layout.cells)}})
    return replace(layout, filled=len(layout.cells))


def missing_cells(layout: Layout, structure: Structure) -> list[Cell]:
    """Find out which cells a layout lacks for a structure."""
    known = {(cell.path, cell.kind, cell.many) for cell in layout.cells}
    taken = {cell.name for cell in layout.cells}
    added = []
    for column in _columns(structure):
        key = (column.path, column.kind, column.many)
        if key not in known:
            known.add(key)
            cell = Cell(_free_name(column, taken), *key)
            taken.add(cell.name)
            added.append(cell)
    return added


def _columns(structure: Structure) -> list[Column]:
    return [column for column in structure.columns if column.path != ("_id",)]


def _free_name(column: Column, taken: set[str]) -> str:
    """Name a new cell after its path; a number follows where the same path was kept as another kind."""
    name = "/".join(column.path)
    return next(free for free in _numbered(name) if free not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}~{number}" for number in count(2))


def _written(cells: list[Cell]) -> list[list[Any]]:
    return [[cell.name, list(cell.path), cell.kind.value, cell.many] for cell in cells]


def adopted(database: Database[Raw], collection: str, structure: Structure) -> Layout:
    """Make a collection, or take one as it is; give the layout that is noted of it."""
    options = next(iter(database.list_collections(filter={"name": collection})), None)
    plain, object_ids, indexes = True, False, frozenset[str]()
    if options is None:
        try:
            database.create_collection(collection, check_exists=False)
        except OperationFailure as error:
            if error.code != _EXISTS:
                raise
            return adopted(database, collection, structure)  # another process was faster
    else:
        check(collection, options)
        plain, object_ids = _surveyed(database[collection])
        indexes = frozenset(database[collection].index_information())
    cells = missing_cells(Layout(collection), structure)
    filled = len(cells) if options is None else 0
    note = {
        "_id": note_key(collection),
        "cells": _written(cells),
        "filled": filled,
        "plain": plain,
        "object_ids": object_ids,
    }
    version = UpdateOne({"_id": _VERSION_KEY}, {"$setOnInsert": {"version": LAYOUT_VERSION}}, upsert=True)
    try:
        database[BOOKS].bulk_write([version, InsertOne(note)])
    except BulkWriteError as error:
        found = read_layout(database, collection) if code_of(error) == DUPLICATE_KEY else None
        if found is None:
            raise
        return found  # another process was faster
    return Layout(collection, tuple(cells), indexes, filled, plain, object_ids)


def check(collection: str, options: Mapping[str, Any]) -> None:
    """Refuse what is no collection of documents that compare as ours do."""
    if options.get("type", "collection") != "collection":
        message = f"{collection!r} is a {options['type']} of MongoDB, so documents cannot be kept in it"
        raise DBError(message, hint="choose another name with collection=")
    if options.get("options", {}).get("collation", {}).get("locale", "simple") != "simple":
        message = f"the collection {collection!r} has a collation of its own, so its texts compare in another way"
        raise DBError(message, hint="copy its documents into a collection without one")


def _surveyed(collection: Collection[Raw]) -> tuple[bool, bool]:
    """Look at the documents of other programs: whether they hold JSON alone, and whether ids are the server's.

    Raises:
        DBError: an `_id` is neither a text nor an id of the server.
    """
    plain, object_ids = True, False
    for raw in collection.find():
        id_ = raw["_id"]
        if not is_id(id_):
            message = f"the collection {collection.name!r} has an _id that is neither a text nor an ObjectId"
            raise DBError(message, hint="copy its documents into another collection, with texts as _id")
        object_ids = object_ids or not isinstance(id_, str)
        plain = plain and all(is_json(value) for name, value in raw.items() if name != "_id" and name not in OURS)
    return plain, object_ids


def lacking(layout: Layout) -> Condition:
    """Ask for the documents that have not all cells: from before the last of them, or of other programs."""
    place = f"{CELLS}.{COUNT}"
    without: list[Condition] = [{place: {"$lt": len(layout.cells)}}, {place: {"$exists": False}}]
    if layout.has_object_ids or layout.adds_ids:
        without.append({f"{CELLS}.{ID_CELL}": {"$exists": False}})
    return {"$or": without}


def fill(collection: Collection[Raw], layout: Layout) -> None:
    """Add the cells that documents lack, in batches; what is written meanwhile has them.

    A document of another program whose unique value is taken does without that cell.

    Raises:
        DBError: there are always some more.
    """
    for _ in range(_ROUNDS):
        found = collection.find(lacking(layout))
        is_done = True
        while batch := list(islice(found, _BATCH)):
            is_done = False
            _fill_batch(collection, layout, batch)
        if is_done:
            return
    message = f"the collection {collection.name!r} is being written by somebody who does not read our notes"
    raise DBError(message, hint="stop the other program, or an older version of this one, while columns are added")


def _fill_batch(collection: Collection[Raw], layout: Layout, batch: list[Raw]) -> None:
    try:
        collection.bulk_write([_filling(raw, layout.cells_of(stored(raw).document)) for raw in batch], ordered=False)
    except BulkWriteError as error:
        failed = error.details.get("writeErrors", [])
        if any(one.get("code") != DUPLICATE_KEY for one in failed):
            raise
        for one in failed:
            raw, unique = batch[one["index"]], {cell.name for cell in layout.unique}
            cells = layout.cells_of(stored(raw).document)
            free = {name: value for name, value in cells.items() if name not in unique}
            collection.bulk_write([_filling(raw, free)])


def _filling(raw: Raw, cells: Raw) -> UpdateOne:
    """Set the cells of a document, if it is still as it was read."""
    return UpdateOne({"_id": raw["_id"], REV: {"$eq": raw.get(REV)}}, {"$set": {CELLS: cells}})


def with_cells(layout: Layout, structure: Structure) -> Iterator[tuple[Column, Cell]]:
    """Give the columns with their cells."""
    known = {(cell.path, cell.kind, cell.many): cell for cell in layout.cells}
    for column in _columns(structure):
        yield column, known[column.path, column.kind, column.many]


def _make_indexes(
    collection: Collection[Raw], layout: Layout, structure: Structure, *, with_unique: bool = True
) -> Layout:
    """Make the indexes that are declared, the unique ones too or not; drop what is too strict now.

    Returns:
        The layout with them.
    """
    wanted = {index.name: index for index in indexes_of(layout, structure)}
    dropped = {name for name in layout.indexes if name.endswith("#unique") and name not in wanted} - {ID_INDEX}
    for name in dropped:
        collection.drop_index(name)
    made = [
        index for index in wanted.values() if index.name not in layout.indexes and (with_unique or not index.guards)
    ]
    if made:
        try:
            collection.create_indexes([index.model for index in made])
        except OperationFailure as error:
            if error.code != DUPLICATE_KEY:
                raise
            _refuse_repeated(collection, layout, structure, error)
            raise
    return replace(layout, indexes=(layout.indexes - dropped) | {index.name for index in made})


class Index(NamedTuple):
    """One index of a collection.

    Attributes:
        name: its name.
        model: what the driver makes it of.
        cell: on which; None for that of all ids.
        guards: whether it guards values that are declared unique.
    """

    name: str
    model: IndexModel
    cell: Cell | None = None
    guards: bool = False


def id_index() -> Index:
    """Give the index of the texts of all ids."""
    place = f"{CELLS}.{ID_CELL}"
    return Index(
        ID_INDEX, IndexModel([(place, 1)], name=ID_INDEX, unique=True, partialFilterExpression=_present(place))
    )


def indexes_of(layout: Layout, structure: Structure) -> Iterator[Index]:
    """Give the indexes that a collection has under its declaration; its cells are all in the layout."""
    if layout.has_object_ids:
        yield id_index()
    for column, cell in with_cells(layout, structure):
        if column.unique:  # it serves every query that the other one would
            name, present = unique_index(cell), _present(cell.place)
            model = IndexModel([(cell.place, 1)], name=name, unique=True, partialFilterExpression=present)
            yield Index(name, model, cell, guards=True)
        elif column.index or column.link:
            name = layout.plain_index(cell)
            yield Index(name, IndexModel([(cell.place, 1), (layout.id_place, 1)], name=name), cell)


def _refuse_repeated(
    collection: Collection[Raw], layout: Layout, structure: Structure, error: OperationFailure
) -> None:
    """Say which column cannot be unique, and why."""
    for column, cell in with_cells(layout, structure):
        ids = _repeated(collection, layout, cell) if column.unique else []
        if ids:
            raise repeated_value(structure.collection, column.path, ids) from error


def _present(place: str) -> dict[str, Any]:
    return {place: {"$exists": True}}


def _repeated(collection: Collection[Raw], layout: Layout, cell: Cell) -> list[str]:
    """Give ids of documents that share one value of a cell."""
    groups = collection.aggregate(
        [
            {"$match": _present(cell.place)},
            {"$group": {"_id": f"${cell.place}", "times": {"$sum": 1}}},
            {"$match": {"times": {"$gt": 1}}},
            {"$limit": 1},
        ]
    )
    values = [group["_id"] for group in groups]
    found = collection.find({cell.place: {"$in": values}}).sort([(layout.id_place, 1)]).limit(MOST_SHOWN + 1)
    return [stored(raw).id for raw in found]

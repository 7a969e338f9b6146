"""Tell how a collection differs from what is declared, and make what is missing while others use it.

What our notes say is compared with what is in the database: another program may have dropped some of
it, or added documents. Nothing is dropped here, and an index that somebody else made under a name of
ours is left to whoever made it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from backo.connectors.base import Structure
from backo.connectors.findings import MOST_NAMED, Difference, DifferenceKind, named
from backo.connectors.mongo.cells import reader
from backo.connectors.mongo.evolution import (
    LEASE,
    Index,
    adopted,
    check,
    fill,
    id_index,
    indexes_of,
    lacking,
    missing_cells,
    note_cells,
    note_filled,
    note_key,
    read_layout,
    with_cells,
)
from backo.connectors.mongo.failures import DUPLICATE_KEY
from backo.connectors.mongo.layout import BOOKS, ID_CELL, ID_INDEX, Cell, Condition, Layout
from backo.connectors.mongo.session import MongoSession, Raw
from backo.connectors.mongo.values import CELLS, stored
from backo.connectors.repeats import Repeats
from backo.errors import DBError
from backo.paths import to_text

_PRIMARY = "_id_"  # the index that every collection has
_EXISTS = 48  # NamespaceExists


def is_no_id() -> Condition:
    """Ask for the documents whose `_id` can be none of an item."""
    return {"_id": {"$not": {"$type": ["string", "objectId"]}}}


def of_strangers(layout: Layout) -> Condition:
    """Ask for the documents of other programs that are not found by the text of their ids."""
    if layout.has_object_ids:
        return {f"{CELLS}.{ID_CELL}": {"$exists": False}, "_id": {"$type": ["string", "objectId"]}}
    return {"_id": {"$type": "objectId"}}


def is_known_by_text(session: MongoSession, layout: Layout) -> bool:
    """Tell whether all documents are found by the text of their ids."""
    documents = session.database.driver[layout.collection]
    return session.run(lambda handle: documents.find_one(of_strangers(layout), {"_id": 1}, session=handle)) is None


def bring_in(database: Database[Raw], layout: Layout) -> Layout:
    """Give all documents their cells, those of other programs too; find everything by the text of its id if need be.

    That is noted first, so that every writer adds the text from then on; then it is filled where it
    lacks, guarded by an index, and relied upon. Each step can be done twice.

    Raises:
        DBError: somebody goes on adding documents that lack them.
    """
    documents, mine = database[layout.collection], {"_id": note_key(layout.collection)}
    if not layout.has_object_ids and documents.find_one(of_strangers(layout), {"_id": 1}) is not None:
        database[BOOKS].update_one(mine, {"$set": {"adds_ids": True}})
        layout = replace(layout, adds_ids=True)
        time.sleep(LEASE)
    fill(documents, layout)
    if not layout.adds_ids or layout.has_object_ids:
        return layout
    later = replace(layout, has_object_ids=True)
    documents.create_indexes([id_index().model])
    fill(documents, later)
    database[BOOKS].update_one(mine, {"$set": {"object_ids": True}})
    return replace(later, indexes=later.indexes | {ID_INDEX})


def differences(database: Database[Raw], name: str, structure: Structure) -> Iterator[Difference]:
    """Compare a collection with its structure; reads every document where a unique index is missing."""
    options = next(iter(database.list_collections(filter={"name": name})), None)
    noted = read_layout(database, name)
    if options is None:
        text = f"the collection {name!r} is missing"
        yield Difference(structure.collection, name, "$", DifferenceKind.TABLE, text, mendable=True)
        return
    documents = database[name]
    refusal = _refusal(documents, options)
    if refusal is not None:
        yield Difference(structure.collection, name, "$", DifferenceKind.TABLE, refusal)
        return
    present = documents.index_information()
    layout = noted or Layout(name, indexes=frozenset(present))
    yield from _missing_cells(structure, layout)
    yield from _missing_documents(documents, structure, layout, is_noted=noted is not None)
    whole = replace(layout, cells=(*layout.cells, *missing_cells(layout, structure)))
    yield from _missing_indexes(documents, structure, whole, present)
    yield from _kept(structure, whole, present)


def _refusal(documents: Collection[Raw], options: Mapping[str, Any]) -> str | None:
    """Say why a collection cannot be ours."""
    try:
        check(documents.name, options)
    except DBError as error:
        return error.message
    if documents.find_one(is_no_id(), {"_id": 1}) is not None:
        return f"the collection {documents.name!r} has an _id that is neither a text nor an ObjectId"
    return None


def _missing_cells(structure: Structure, layout: Layout) -> Iterator[Difference]:
    """Tell which cells are not there, or not in all documents yet."""
    for cell in missing_cells(layout, structure):
        others = [one for one in layout.cells if one.path == cell.path]
        kind = DifferenceKind.TYPE if others else DifferenceKind.COLUMN
        text = f"the cell {cell.name!r} is missing" + (f"; {others[0].name!r} is of another type" if others else "")
        yield _differs(structure, cell.name, cell, kind, text, mendable=True)
    for cell in layout.cells[layout.filled :]:
        text = f"the cell {cell.name!r} is not in all documents yet"
        yield _differs(structure, cell.name, cell, DifferenceKind.COLUMN, text, mendable=True)


def _missing_documents(
    documents: Collection[Raw], structure: Structure, layout: Layout, *, is_noted: bool
) -> Iterator[Difference]:
    """Tell of the documents that other programs added since the collection was taken."""
    if not is_noted or layout.filled < len(layout.cells):
        return  # they are filled with the cells that are told anyway
    some = [lacking(layout)] if layout.cells or layout.has_object_ids else []
    if not layout.has_object_ids:
        some.append(of_strangers(layout))
    ids = tuple(str(raw["_id"]) for raw in documents.find({"$or": some}, {"_id": 1}).limit(MOST_NAMED))
    if ids:
        text = f"documents of other programs have no cells: {named(ids)}" + (" …" if len(ids) == MOST_NAMED else "")
        yield _differs(structure, CELLS, None, DifferenceKind.COLUMN, text, mendable=True)


def _missing_indexes(
    documents: Collection[Raw], structure: Structure, layout: Layout, present: Mapping[str, Any]
) -> Iterator[Difference]:
    """Tell which indexes are not there, or not as we would make them."""
    for index in indexes_of(layout, structure):
        kind = DifferenceKind.UNIQUE if index.guards else DifferenceKind.INDEX
        if index.name not in present:
            text = f"the {'unique ' if index.guards else ''}index {index.name!r} is missing"
            ids = _repeated(documents, index.cell) if index.guards and index.cell is not None else ()
            if ids:
                text += f"; it cannot be made while items share a value: {named(ids)}"
            yield _differs(structure, index.name, index.cell, kind, text, mendable=not ids, ids=ids)
        elif not _is_same(index, present[index.name]):
            text = f"the index {index.name!r} is of another definition; drop it, and it is made as declared"
            yield _differs(structure, index.name, index.cell, kind, text)


def _is_same(index: Index, present: Mapping[str, Any]) -> bool:
    """Tell whether an index is what we would make; the server may give directions as floats."""
    wanted = index.model.document
    return list(wanted["key"].items()) == list(present["key"]) and all(
        (wanted.get(option) or None) == (present.get(option) or None)
        for option in ("unique", "partialFilterExpression", "sparse", "hidden", "collation")
    )


def _repeated(documents: Collection[Raw], cell: Cell) -> tuple[str, ...]:
    """Give ids of documents that share one value of a field: of the first such value."""
    read = reader(cell.path, cell.kind, many=False)
    with closing(Repeats()) as repeats:
        for raw in documents.find({}, {cell.path[0]: 1}):
            one = stored(raw)
            value: Any = read(one.document)
            repeats.add(() if value is None else (value,), one.id)
        return tuple(next(repeats.groups(MOST_NAMED), []))


def _kept(structure: Structure, layout: Layout, present: Iterable[str]) -> Iterator[Difference]:
    """Tell what is there and not declared."""
    pairs = list(with_cells(layout, structure))
    declared = {cell for _, cell in pairs}
    used = {_PRIMARY, ID_INDEX, *(index.name for index in indexes_of(layout, structure))}
    for cell in layout.cells:
        if cell not in declared:
            text = f"the cell {cell.name!r} is not declared; it is kept up"
            yield _differs(structure, cell.name, cell, DifferenceKind.KEPT, text)
    for name in sorted(set(present) - used):
        until = " until a process uses the collection" if name.endswith("#unique") else ""
        text = f"the index {name!r} is not declared; it is kept{until}"
        yield Difference(structure.collection, name, "$", DifferenceKind.KEPT, text)


def _differs(
    structure: Structure,
    name: str,
    cell: Cell | None,
    kind: DifferenceKind,
    text: str,
    *,
    mendable: bool = False,
    ids: tuple[str, ...] = (),
) -> Difference:
    path = "$" if cell is None else to_text(cell.path)
    return Difference(structure.collection, name, path, kind, text, mendable=mendable, ids=ids)


def mend(database: Database[Raw], name: str, structure: Structure) -> None:
    """Make what is missing and can be made; drop nothing.

    Raises:
        DBError: the database is of a newer version, or somebody goes on adding documents that lack cells.
    """
    present = read_layout(database, name)
    if present is not None and not database.list_collection_names(filter={"name": name}):
        try:
            database.create_collection(name, check_exists=False)
        except OperationFailure as error:  # another process was faster
            if error.code != _EXISTS:
                raise
    layout = adopted(database, name, structure) if present is None else present
    if note_cells(database, layout, structure):
        mend(database, name, structure)
        return
    if layout.filled < len(layout.cells) and present is not None:
        time.sleep(LEASE)
    layout, documents = bring_in(database, layout), database[name]
    _make(documents, structure, layout, guards=False)  # waits for the transactions that are open
    layout = note_filled(database, bring_in(database, layout))
    _make(documents, structure, layout, guards=True)


def _make(documents: Collection[Raw], structure: Structure, layout: Layout, *, guards: bool) -> None:
    """Make the indexes that are missing; one for which values repeat is left."""
    present = documents.index_information()
    for index in indexes_of(layout, structure):
        if index.name not in present and index.guards is guards:
            try:
                documents.create_indexes([index.model])
            except OperationFailure as error:
                if error.code != DUPLICATE_KEY:
                    raise

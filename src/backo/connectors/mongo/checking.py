"""Look whether what is kept beside the fields of documents agrees with them, and make it anew where it does not.

Other programs may have added documents, which have none of it, or changed fields and left it as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from bson.objectid import ObjectId
from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from backo.connectors.base import StoredDocument
from backo.connectors.findings import Finding, FindingKind
from backo.connectors.mongo.differing import bring_in, is_known_by_text, is_no_id
from backo.connectors.mongo.evolution import note_key
from backo.connectors.mongo.failures import taken_place
from backo.connectors.mongo.layout import BOOKS, COUNT, Cell, Layout
from backo.connectors.mongo.session import MongoSession, Raw
from backo.connectors.mongo.values import CELLS, OURS, REV, SCHEMA, is_json, stored
from backo.errors import ConflictError, DBError
from backo.paths import to_text

_MOST = 1_000  # documents whose `_id` is none that one look tells
_STRANGERS = "strangers"  # what the finding is about that brings all of them in
_STALE = "what is kept to find the item by is not what it says"
_FOREIGN = "holds values that JSON has no word for, and filters take them for plain ones"


def strangers(session: MongoSession, layout: Layout, collection: str) -> Iterator[Finding]:
    """Find documents of other programs that are not found by their ids, and ids that can be none of an item."""
    documents = session.database.driver[layout.collection]
    wrong = session.run(lambda handle: list(documents.find(is_no_id(), {"_id": 1}, session=handle).limit(_MOST)))
    for raw in wrong:
        text = "cannot be read: its _id is neither a text nor an ObjectId"
        yield Finding(collection, str(raw["_id"]), "$", FindingKind.UNREADABLE, text)
    if not is_known_by_text(session, layout):
        text = "documents of other programs are not found by their ids"
        yield Finding(collection, None, "$", FindingKind.COMPANION, text, mendable=True, others=(_STRANGERS,))


def disagreements(
    session: MongoSession, layout: Layout, collection: str, documents: Sequence[StoredDocument]
) -> Iterator[Finding]:
    """Find the documents of a page whose cells, revision or fingerprint are not as they must be."""
    by_id = {one.id: one for one in documents}
    for raw in _raws(session, layout, list(by_id)):
        found = by_id.get(str(raw["_id"]))
        if found is None:
            continue
        for path, text in _wrong(raw, layout, found):
            yield Finding(collection, found.id, path, FindingKind.COMPANION, text, mendable=True)


def _raws(session: MongoSession, layout: Layout, ids: Sequence[str]) -> list[Raw]:
    """Read documents as they are, by their ids, whatever is kept beside them."""
    wanted: list[Any] = [*ids, *(ObjectId(id_) for id_ in ids if ObjectId.is_valid(id_))]
    documents = session.database.driver[layout.collection]
    return session.run(lambda handle: list(documents.find({"_id": {"$in": wanted}}, session=handle)))


def _wrong(raw: Raw, layout: Layout, document: StoredDocument) -> Iterator[tuple[str, str]]:
    """Say what is wrong with what is ours of a document: the path, and a sentence."""
    for name in _odd(raw):
        yield "$", f"its {name} is none of ours"
    if layout.is_plain and not all(is_json(value) for name, value in raw.items() if name not in {"_id", *OURS}):
        yield "$", _FOREIGN
    cells = raw.get(CELLS)
    known: Any = cells.get(COUNT) if isinstance(cells, dict) else None
    if not isinstance(cells, dict) or not _is_count(known):
        if layout.cells:
            yield "$", "has nothing of what is kept to find it by: another program added it"
        return
    wanted = layout.cells_of(document.document)
    for number, cell in enumerate(layout.cells):
        is_due = number < max(known, layout.filled)  # cells that are just being added come with the next fill
        if is_due and not _is_same(cells.get(cell.name), wanted.get(cell.name), cell):
            yield to_text(cell.path), _STALE


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _odd(raw: Raw) -> list[str]:
    """Name what is ours and of a type that we never write; what is absent is that of a document of others."""
    rev: Any = raw.get(REV)
    odd = [REV] if REV in raw and not (_is_count(rev) and rev > 0) else []
    return [*odd, SCHEMA] if SCHEMA in raw and not isinstance(raw[SCHEMA], str) else odd


def _is_same(kept: Any, wanted: Any, cell: Cell) -> bool:
    if cell.many and isinstance(kept, list) and isinstance(wanted, list):
        return Counter(map(_typed, kept)) == Counter(map(_typed, wanted))
    return _typed(kept) == _typed(wanted)


def _typed(value: Any) -> tuple[str, Any]:
    """Tell values of different types apart, but numbers of the server from one another only by what they are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return type(value).__name__, value if isinstance(value, str | bool) else repr(value)
    return "number", value


def mend(session: MongoSession, layout: Layout, faults: Sequence[Finding]) -> list[Finding]:
    """Make anew what is ours of documents; give the findings that are mended with it.

    Raises:
        ConflictError: somebody took a unique value meanwhile.
    """
    are_in = any(fault.others == (_STRANGERS,) for fault in faults)
    if are_in:
        session.let_go()  # an index is not made while a transaction has read the collection
        layout = bring_in(session.database.driver, layout)
    ids = list(dict.fromkeys(fault.id for fault in faults if fault.id is not None and fault.mendable))
    done = _mend_documents(session, layout, _raws(session, layout, ids)) if ids else set()
    return [fault for fault in faults if (are_in if fault.id is None else fault.id in done)]


def _mend_documents(session: MongoSession, layout: Layout, raws: Sequence[Raw]) -> set[str]:
    """Set the cells of documents, but of those with a unique value that is taken; give the ids of the others."""
    collection = session.database.driver[layout.collection]
    cells = {raw["_id"]: layout.cells_of(stored(raw).document) for raw in raws}
    free = _free(session, layout, cells)
    if layout.is_plain and any(not is_json({**raw, **dict.fromkeys(("_id", *OURS))}) for raw in raws):
        session.run(lambda _: _note_plain(session, layout))
    cleared = {"$unset": {cell.place: "" for cell in layout.unique}}
    written = [UpdateOne({"_id": id_}, cleared) for id_ in free if len(free) > 1 and layout.unique]
    for raw in raws:
        if raw["_id"] in free:
            odd = dict.fromkeys(_odd(raw), "")
            change = {"$set": {CELLS: cells[raw["_id"]]}, **({"$unset": odd} if odd else {})}
            written.append(UpdateOne({"_id": raw["_id"]}, change))

    def write(handle: ClientSession | None) -> None:
        if written:
            collection.bulk_write(written, ordered=True, session=handle)

    try:
        session.run(write)
    except DBError as error:
        if error.__cause__ is not None and isinstance(error.__cause__, Exception) and taken_place(error.__cause__):
            message = "another item has a value that must be unique"
            raise ConflictError(message) from error
        raise
    return {str(id_) for id_ in free}


def _free(session: MongoSession, layout: Layout, cells: dict[Any, Raw]) -> set[Any]:
    """Find the documents whose unique values are free once all of these have theirs."""
    free = set(cells)
    while True:
        taken = {id_ for cell in layout.unique for id_ in _taken(session, layout, cell, cells, free)}
        if not taken:
            return free
        free -= taken


def _taken(session: MongoSession, layout: Layout, cell: Cell, cells: dict[Any, Raw], free: set[Any]) -> Iterator[Any]:
    """Find the documents of some whose value another document has, or one of them before."""
    collection = session.database.driver[layout.collection]
    wanted = {id_: cells[id_][cell.name] for id_ in cells if id_ in free and cell.name in cells[id_]}
    if not wanted:
        return
    others = {cell.place: {"$in": list(wanted.values())}, "_id": {"$nin": list(free)}}
    found = session.run(lambda handle: list(collection.find(others, {cell.place: 1}, session=handle)))
    seen = {raw[CELLS][cell.name] for raw in found}
    for id_, value in wanted.items():
        if value in seen:
            yield id_
        seen.add(value)


def _note_plain(session: MongoSession, layout: Layout) -> None:
    """Note that not all documents hold JSON alone; outside of the transaction, for it is true already."""
    notes = session.database.driver[BOOKS]
    notes.update_one({"_id": note_key(layout.collection)}, {"$set": {"plain": False}})

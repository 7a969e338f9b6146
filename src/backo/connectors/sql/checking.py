"""Look whether cells and rows of lists agree with the documents, and make them anew where they do not."""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from backo.connectors.base import StoredDocument
from backo.connectors.findings import Finding, FindingKind
from backo.connectors.sql.dialect import CellValue, Condition, SqlSession
from backo.connectors.sql.layout import Layout, ListTable, quoted
from backo.paths import to_text
from backo.schema.kinds import Kind

_MOST = 1_000  # documents with leftover rows of a list that one look tells


def leftovers(session: SqlSession, layout: Layout, collection: str) -> Iterator[Finding]:
    """Find rows of lists whose document is not there."""
    for list_ in layout.lists:
        rows = session.rows(
            f"SELECT DISTINCT _id FROM {quoted(list_.name)} AS l WHERE NOT EXISTS "
            f"(SELECT 1 FROM {quoted(layout.table)} AS t WHERE t._id = l._id) LIMIT ?",
            (_MOST,),
        )
        for (id_,) in rows:
            yield _disagrees(collection, id_, list_.cell.path, "values are kept for an item that is not there")


def disagreements(
    session: SqlSession, layout: Layout, collection: str, documents: Sequence[StoredDocument]
) -> Iterator[Finding]:
    """Find the cells, and the rows of lists, that are not what the documents say; not those still being filled."""
    by_id = {stored.id: stored for stored in documents}
    those = layout.dialect.is_one_of(Condition("_id"), list(by_id), Kind.TEXT)
    for id_, _, *row in session.rows(f"{layout.select_cells} WHERE {those.text}", those.values):
        for cell, kept, value in zip(layout.scalars, row, layout.cell_values(by_id[id_].document), strict=True):
            if kept != value and cell.name not in layout.pending:
                yield _disagrees(collection, id_, cell.path, "what is kept to find the item by is not what it says")
    for list_ in layout.list_of.values():
        held: dict[str, set[CellValue]] = defaultdict(set)
        for id_, value in session.rows(f"{list_.select} WHERE {those.text}", those.values):
            held[id_].add(value)
        for id_, stored in by_id.items():
            if held[id_] != list_.read(stored.document):
                text = "the values kept to find the item by are not those of its list"
                yield _disagrees(collection, id_, list_.cell.path, text)


def _disagrees(collection: str, id_: str, path: tuple[str, ...], text: str) -> Finding:
    return Finding(collection, id_, to_text(path), FindingKind.COMPANION, text, mendable=True)


def mend(session: SqlSession, layout: Layout, faults: Sequence[Finding], held: str) -> list[Finding]:
    """Make cells and rows of lists anew; give the findings that are mended with it.

    Args:
        session: that writes.
        layout: what there is.
        faults: found in this session.
        held: what a statement says to lock the documents that it reads.
    """
    mended = []
    done: dict[str, bool] = {}
    for fault in faults:
        if fault.kind is FindingKind.COMPANION and fault.id is not None:
            if fault.id not in done:
                done[fault.id] = _mend_item(session, layout, fault.id, held)
            if done[fault.id]:
                mended.append(fault)
    return mended


def _mend_item(session: SqlSession, layout: Layout, id_: str, held: str) -> bool:
    rows = session.rows(layout.select_one + held, (id_,))
    if not rows:
        for list_ in layout.lists:
            _remove_leftovers(session, list_, id_)
        return True
    id_, rev, fingerprint, text = rows[0]
    document = StoredDocument(id_, rev, fingerprint, text).document
    if layout.scalars:
        changes = ", ".join(f"{quoted(cell.name)} = ?" for cell in layout.scalars)
        values = (*layout.cell_values(document), id_)
        if not session.tried(f"UPDATE {quoted(layout.table)} SET {changes} WHERE _id = ?", values):
            return False
    for list_ in layout.lists:
        session.change(list_.delete_all, (id_,))
        session.insert_many(list_.name, ("value", "_id"), [(value, id_) for value in list_.read(document)])
    return True


def _remove_leftovers(session: SqlSession, list_: ListTable, id_: str) -> None:
    """Remove the values of a document that is not there, not even by now."""
    is_gone = f"NOT EXISTS (SELECT 1 FROM {quoted(list_.table)} AS t WHERE t._id = ?)"
    session.change(f"{list_.delete_all} AND {is_gone}", (id_, id_))

"""Look whether a file is sound and its cells agree with the documents, and make them anew where they do not."""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from backo.connectors.base import StoredDocument
from backo.connectors.findings import Finding, FindingKind
from backo.connectors.sql.dialect import CellValue, Collision, Condition
from backo.connectors.sql.layout import Layout, ListTable, quoted
from backo.connectors.sqlite.session import SqliteSession
from backo.errors import DBError
from backo.paths import to_text
from backo.schema.kinds import Kind

_MOST = 1_000  # documents with leftover rows of a list that one look tells
_OF_AN_INDEX = re.compile(r"row \d+ missing from index |wrong # of entries in index ")


def damages(session: SqliteSession, layout: Layout, collection: str) -> Iterator[Finding]:
    """Let SQLite check the pages and the indexes of the tables of a collection."""
    for table in (layout.table, *(list_.name for list_ in layout.lists)):
        try:
            told = [str(text) for (text,) in session.rows(f"PRAGMA integrity_check({quoted(table)})")]
        except DBError as error:
            told = [error.message]
        if told != ["ok"]:
            mendable = all(_OF_AN_INDEX.match(text) for text in told)
            text = f"the indexes of the table {table!r} miss rows" if mendable else f"the table {table!r} is damaged"
            hint = told[0] if len(told) == 1 else f"{told[0]}, and {len(told) - 1} more"
            yield Finding(
                collection, None, "$", FindingKind.DAMAGE, f"{text}: {hint}", mendable=mendable, others=(table,)
            )


def leftovers(session: SqliteSession, layout: Layout, collection: str) -> Iterator[Finding]:
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
    session: SqliteSession, layout: Layout, collection: str, documents: Sequence[StoredDocument]
) -> Iterator[Finding]:
    """Find the cells, and the rows of lists, that are not what the documents say."""
    by_id = {stored.id: stored for stored in documents}
    those = layout.dialect.is_one_of(Condition("_id"), list(by_id), Kind.TEXT)
    for id_, _, *row in session.rows(f"{layout.select_cells} WHERE {those.text}", those.values):
        for cell, kept, value in zip(layout.scalars, row, layout.cell_values(by_id[id_].document), strict=True):
            if kept != value:
                yield _disagrees(collection, id_, cell.path, "what is kept to find the item by is not what it says")
    for list_ in layout.lists:
        held: dict[str, set[CellValue]] = defaultdict(set)
        for id_, value in session.rows(f"{list_.select} WHERE {those.text}", those.values):
            held[id_].add(value)
        for id_, stored in by_id.items():
            if held[id_] != list_.read(stored.document):
                text = "the values kept to find the item by are not those of its list"
                yield _disagrees(collection, id_, list_.cell.path, text)


def _disagrees(collection: str, id_: str, path: tuple[str, ...], text: str) -> Finding:
    return Finding(collection, id_, to_text(path), FindingKind.COMPANION, text, mendable=True)


def mend(session: SqliteSession, layout: Layout, faults: Sequence[Finding]) -> list[Finding]:
    """Make indexes, cells and rows of lists anew; give the findings that are mended with it."""
    mended = []
    done: dict[str, bool] = {}
    for fault in faults:
        match fault:
            case Finding(kind=FindingKind.DAMAGE, mendable=True, others=(table,)):
                is_done = _tried(session, f"REINDEX {quoted(table)}")
            case Finding(kind=FindingKind.COMPANION, id=str(id_)):
                if id_ not in done:
                    done[id_] = _mend_item(session, layout, id_)
                is_done = done[id_]
            case _:
                is_done = False
        if is_done:
            mended.append(fault)
    return mended


def _mend_item(session: SqliteSession, layout: Layout, id_: str) -> bool:
    rows = session.rows(layout.select_one, (id_,))
    stored = StoredDocument(*rows[0]) if rows else None
    if stored is not None and layout.scalars:
        changes = ", ".join(f"{quoted(cell.name)} = ?" for cell in layout.scalars)
        values = (*layout.cell_values(stored.document), id_)
        if not _tried(session, f"UPDATE {quoted(layout.table)} SET {changes} WHERE _id = ?", values):
            return False
    for list_ in layout.lists:
        _mend_list(session, list_, id_, stored)
    return True


def _mend_list(session: SqliteSession, list_: ListTable, id_: str, stored: StoredDocument | None) -> None:
    session.change(list_.delete_all, (id_,))
    if stored is not None:
        session.insert_many(list_.name, ("value", "_id"), [(value, id_) for value in list_.read(stored.document)])


def _tried(session: SqliteSession, statement: str, values: Sequence[CellValue] = ()) -> bool:
    """Run a statement; tell whether no unique index stood in its way (the statement is then undone)."""
    try:
        session.change(statement, values)
    except Collision:
        return False
    return True

"""Let SQLite check its file, and make indexes anew that miss rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from backo.connectors.findings import Finding, FindingKind
from backo.connectors.sql.layout import Layout, quoted
from backo.connectors.sqlite.session import SqliteSession
from backo.errors import DBError

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


def mend_indexes(session: SqliteSession, faults: Sequence[Finding]) -> list[Finding]:
    """Make the indexes of damaged tables anew; give the findings that are mended with it."""
    damaged = [fault for fault in faults if fault.kind is FindingKind.DAMAGE and fault.mendable]
    return [fault for fault in damaged if session.tried(f"REINDEX {quoted(fault.others[0])}")]

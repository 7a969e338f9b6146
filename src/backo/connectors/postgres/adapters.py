r"""Let PostgreSQL keep every text: it has no room for NUL, so that one is written in another way.

`\x00` is kept as `\x01\x01` and `\x01` as `\x01\x02`. Both ways are exact, and texts keep their order.
JSON is handed through as bytes; it has its own way to write such characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from psycopg import Connection
from psycopg.types.string import ByteaBinaryLoader, StrDumperUnknown

from backo.connectors.sql.dialect import Row

_OUT = str.maketrans({"\0": "\1\1", "\1": "\1\2"})
_KEPT = re.compile("\1[\1\2]")


class TextDumper(StrDumperUnknown):
    """Write a text such that it has no NUL."""

    def dump(self, obj: str) -> Any:
        """Give the bytes to send."""
        return super().dump(kept(obj))


def kept(text: str) -> str:
    r"""Write a text as it is kept.

    >>> kept("a\0b\1")
    'a\x01\x01b\x01\x02'
    """
    return text.translate(_OUT) if "\0" in text or "\1" in text else text


def given(rows: list[Row]) -> list[Row]:
    """Give rows with their texts as they were before they were kept; that none is written otherwise is soon seen."""
    if any("\1" in value for row in rows for value in row if type(value) is str):
        return [tuple(_given(row)) for row in rows]
    return rows


def _given(row: Row) -> Iterable[Any]:
    return (_as_was(value) if isinstance(value, str) else value for value in row)


def _as_was(text: str) -> str:
    return _KEPT.sub(lambda found: "\0" if found[0] == "\1\1" else "\1", text)


def install(connection: Connection[Any]) -> None:
    """Make the adapters known to a connection, whose results are binary."""
    connection.adapters.register_dumper(str, TextDumper)
    connection.adapters.register_loader("json", ByteaBinaryLoader)  # the bytes as they are

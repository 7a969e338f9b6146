r"""Let PostgreSQL keep every text: it has no room for NUL, so that one is written in another way.

`\x00` is kept as `\x01\x01` and `\x01` as `\x01\x02`. Both ways are exact, and texts keep their order.
JSON is handed through as bytes; it has its own way to write such characters.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types.string import StrDumperUnknown

_OUT = str.maketrans({"\0": "\1\1", "\1": "\1\2"})


class TextDumper(StrDumperUnknown):
    """Write a text such that it has no NUL."""

    def dump(self, obj: str) -> Any:
        """Give the bytes to send."""
        return super().dump(kept(obj))


class TextLoader(Loader):
    """Read a text as it was before it was kept."""

    format = Format.TEXT

    def load(self, data: Any) -> str:
        """Give the text."""
        text = str(data, "utf-8")
        return text if "\1" not in text else text.replace("\1\1", "\0").replace("\1\2", "\1")


class JsonLoader(Loader):
    """Leave JSON as it is."""

    format = Format.TEXT

    def load(self, data: Any) -> bytes:
        """Give its bytes."""
        return bytes(data)


def kept(text: str) -> str:
    r"""Write a text as it is kept.

    >>> kept("a\0b\1")
    'a\x01\x01b\x01\x02'
    """
    return text.translate(_OUT) if "\0" in text or "\1" in text else text


def install(connection: Connection[Any]) -> None:
    """Make the adapters known to a connection."""
    connection.adapters.register_dumper(str, TextDumper)
    connection.adapters.register_loader("text", TextLoader)
    connection.adapters.register_loader("json", JsonLoader)

"""Write the position of a row as a cursor, the opaque text that `_after` takes, and read it back.

A cursor is base64url of JSON: a mark of the sort that it belongs to, then a position. It comes back
from a client, so nothing in it is believed: each value must be a comparable of its sort key. What a
cursor says is no secret; it holds values that its reader has seen.
"""

from __future__ import annotations

import hashlib
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from backo import jsontext
from backo.errors import Problem, QueryError, ValidationError
from backo.query.filters import SortKey
from backo.query.sorting import Position
from backo.schema.anyjson import INT_MAX, INT_MIN, check_text
from backo.schema.kinds import Comparable, Kind
from backo.schema.problems import Refusal

MAX_CURSOR = 2_000  # characters; some servers cut a request line at 4 094 bytes
_MARKS = 256  # of sorts, that are kept
_MAX_DEPTH = 2  # a list that holds the position, a list

_FIRST_INSTANT, _LAST_INSTANT = -62_135_596_800_000_000, 253_402_300_799_999_999  # the years 1 and 9999
_DECIMAL = re.compile(r"1|2[0-9]{20,}|0[0-9]{20,}~")


def encode_cursor(sort: tuple[SortKey, ...], position: Position) -> str | None:
    """Write a cursor, or give None where the values are too long for one (then skip instead)."""
    text = urlsafe_b64encode(jsontext.encode([_mark(sort), position])).rstrip(b"=").decode("ascii")
    return text if len(text) <= MAX_CURSOR else None


def decode_cursor(sort: tuple[SortKey, ...], text: str) -> Position:
    """Read a cursor that was written for this sort.

    Raises:
        QueryError: it is no cursor, or one of another sort; the path is `_after`.
    """
    match _content(text):
        case [mark, list(values)] if mark == _mark(sort) and len(values) == len(sort) + 1:
            kinds = [*(key.kind for key in sort), Kind.TEXT]
            position = tuple(_checked(kind, value) for kind, value in zip(kinds, values, strict=True))
            if position[-1] is not None:
                return position
        case [str(), list()]:
            raise _refusal("Belongs to another sort")
    raise _refusal("Is not a cursor")


@lru_cache(_MARKS)
def _mark(sort: tuple[SortKey, ...]) -> str:
    """Sum up a sort in a few characters."""
    described = jsontext.encode([[key.path, key.kind, key.descending] for key in sort])
    return hashlib.blake2b(described, digest_size=6).hexdigest()


def _content(text: str) -> Any:
    if len(text) > MAX_CURSOR:
        raise _refusal("Is not a cursor")
    try:
        content = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        return jsontext.decode_untrusted(content, max_depth=_MAX_DEPTH)
    except (ValueError, ValidationError):  # not ASCII, not base64, not JSON
        raise _refusal("Is not a cursor") from None


def _refusal(message: str) -> QueryError:
    return QueryError("the cursor cannot be used", problems=[Problem("_after", "cursor", message)])


def _checked(kind: Kind, value: Any) -> Comparable | None:
    """Give a comparable as it was written; refuse what is none of this kind."""
    if value is None:
        return None
    if kind is Kind.REAL and type(value) is int and INT_MIN <= value <= INT_MAX:
        value = float(value)
    if not _IS_COMPARABLE[kind](value):
        raise _refusal("Is not a cursor")
    return value  # type: ignore[no-any-return]  # checked


def _is_text(value: Any) -> bool:
    try:
        check_text(value)
    except (Refusal, TypeError, AttributeError):
        return False
    return isinstance(value, str)


def _is_integer(value: Any) -> bool:
    return type(value) is int and INT_MIN <= value <= INT_MAX


def _is_real(value: Any) -> bool:
    return type(value) is float and math.isfinite(value)


def _is_instant(value: Any) -> bool:
    return type(value) is int and _FIRST_INSTANT <= value <= _LAST_INSTANT


def _is_decimal(value: Any) -> bool:
    return isinstance(value, str) and _DECIMAL.fullmatch(value) is not None


def _is_json(value: Any) -> bool:
    if not _is_text(value):
        return False
    word, rest = value[:1], value[1:]
    if word == "n":
        return _is_decimal(rest)
    return word in ("t", "j") or value in ("b0", "b1")


_IS_COMPARABLE: Mapping[Kind, Callable[[Any], bool]] = {
    Kind.TEXT: _is_text,
    Kind.INTEGER: _is_integer,
    Kind.REAL: _is_real,
    Kind.BOOLEAN: lambda value: isinstance(value, bool),
    Kind.INSTANT: _is_instant,
    Kind.DECIMAL: _is_decimal,
    Kind.JSON: _is_json,
}

"""Compare stored JSON values, the same way on every store.

Each field type has one *kind*. A kind maps the JSON form of a value to its *comparable*: a `str`,
`int`, `float` or `bool` whose natural order and equality are those of the value. Filters, sorts,
indexes, unique columns and cursors work on comparables, so a store needs to know kinds alone,
never field types. Comparables of one kind are always mutually comparable.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from backo import jsontext

Comparable: TypeAlias = str | int | float | bool

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EXPONENT_BIAS = 10**18


class Kind(StrEnum):
    """How the JSON form of a field compares.

    | Kind | JSON form | comparable |
    |---|---|---|
    | TEXT | text | the text, by code point |
    | INTEGER | 64-bit integer | the integer |
    | REAL | finite number | the float |
    | BOOLEAN | true, false | the bool |
    | INSTANT | RFC 3339 text | int: microseconds since 1970 UTC (a naive time counts as UTC) |
    | DECIMAL | text of a decimal number | text that sorts as the number does |
    | JSON | anything | text: one letter for the JSON type, then a text that sorts as the value does |
    """

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    DECIMAL = "decimal"
    JSON = "json"


def comparable(kind: Kind, value: Any) -> Comparable | None:
    """Map the JSON form of a value to its comparable (None for null)."""
    if value is None:
        return None
    if kind is Kind.INSTANT:
        return instant_key(value)
    if kind is Kind.DECIMAL:
        return decimal_key(value)
    if kind is Kind.REAL:
        return float(value)
    if kind is Kind.JSON:
        return json_key(value)
    return value  # type: ignore[no-any-return]  # TEXT, INTEGER and BOOLEAN are their own


def instant_key(text: str) -> int:
    """Count the microseconds from 1970 UTC to an RFC 3339 time; a naive one counts as UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def decimal_key(text: str) -> str:
    """Write a decimal number as text that sorts as the number does, equal numbers alike.

    The form is sign, biased exponent of the first digit, digits; for negative numbers each digit
    is replaced by its complement to nine, and the text ends with a character above the digits.

    >>> decimal_key("-1") < decimal_key("0") < decimal_key("1.50") == decimal_key("1.5") < decimal_key("10")
    True
    """
    number = Decimal(text)
    sign, digits, _ = number.as_tuple()
    if not number:
        return "1"
    written = "".join(map(str, digits)).lstrip("0").rstrip("0")
    body = f"{number.adjusted() + _EXPONENT_BIAS:019d}{written}"
    if not sign:
        return "2" + body
    return "0" + body.translate(_COMPLEMENT) + "~"


_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def json_key(value: Any) -> str:
    """Write any JSON value as text: `b`, `j`, `n` or `t` for its type, then its own order.

    >>> json_key(2) < json_key(10.5) < json_key("2")
    True
    """
    if isinstance(value, bool):
        return "b1" if value else "b0"
    if isinstance(value, int | float):
        return "n" + decimal_key(repr(value))
    if isinstance(value, str):
        return "t" + value
    return "j" + canonical(value)


def canonical(value: Any) -> str:
    """Write an array or an object as text, equal for equal values whatever the order of keys."""
    return jsontext.encode(_ordered(value)).decode()


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_ordered(element) for element in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value

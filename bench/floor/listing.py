"""The query string of a list, turned into SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

_OPERATORS = {"$eq": "=", "$ne": "", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}


class BadQueryError(ValueError):
    """Raised when a query string asks for what does not exist, with a text for the client."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What databases write differently: the place of a value, and `$ne`, which holds for absent values."""

    value: str
    differs: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a table: the conditions, their values, the order and the window."""

    where: str
    values: tuple[Any, ...]
    order: str
    skip: int
    page: int


def listing(arguments: MultiDict[str, str], columns: dict[str, type], dialect: Dialect) -> Listing:
    """Read `?age.$gte=30&_sort=name&_page=10`, where only `columns` can be named."""
    conditions: list[str] = []
    values: list[Any] = []
    skip, page, order = 0, 100, "_id"
    for key, text in arguments.items():
        if key == "_page":
            page = _whole(key, text, 1, 1_000)
        elif key == "_skip":
            skip = _whole(key, text, 0, 2**31)
        elif key == "_sort":
            order = _order(text, columns)
        else:
            name, _, operator = key.partition(".")
            if name not in columns or (operator or "$eq") not in _OPERATORS:
                raise BadQueryError(f"{key} cannot be filtered.")
            sign = _OPERATORS[operator or "$eq"] or dialect.differs
            conditions.append(f"{name} {sign} {dialect.value}")
            values.append(_value(key, text, columns[name]))
    where = " WHERE " + " AND ".join(conditions) if conditions else ""
    return Listing(where, tuple(values), order, skip, page)


def _whole(key: str, text: str, least: int, most: int) -> int:
    value = _value(key, text, int)
    if not least <= value <= most:
        raise BadQueryError(f"{key} must be a number from {least} to {most}.")
    return int(value)


def _value(key: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise BadQueryError(f"{key} does not fit {text[:100]!r}.") from None


def _order(text: str, columns: dict[str, type]) -> str:
    parts: list[str] = []
    for part in text.split(","):
        name = part.removeprefix("-")
        if name not in columns:
            raise BadQueryError(f"{name[:100]!r} cannot be sorted.")
        parts.append(f"{name}{' DESC' if part != name else ''} NULLS LAST")
    return ", ".join([*parts, "_id"])

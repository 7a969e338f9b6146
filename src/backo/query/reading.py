"""Read comparables out of plain documents.

What is missing, null, or below either is *absent* and reads as None. So is what does not fit the
kind of its field (a document of an older declaration): reading never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from backo.paths import FieldPath
from backo.schema.kinds import Comparable, Kind, decimal_key, instant_key, json_key

Document: TypeAlias = dict[str, Any]  # plain JSON values, with `_id`
ValueReader: TypeAlias = Callable[[Document], Any]


def raw_value(path: FieldPath) -> ValueReader:
    """Build the function that reads the JSON value of a field, None where it is absent."""
    if len(path) == 1:
        (name,) = path
        return lambda document: document.get(name)

    def read(document: Document) -> Any:
        value: Any = document
        for step in path:
            if type(value) is not dict:
                return None
            value = value.get(step)
        return value

    return read


def one_value(path: FieldPath, kind: Kind) -> Callable[[Document], Comparable | None]:
    """Build the function that reads the comparable of a field outside lists."""
    if len(path) == 1 and kind is Kind.TEXT:  # most fields are of this kind, and each new item is read so
        return _text_of(path[0])
    read, convert = raw_value(path), COMPARABLES[kind]
    return lambda document: convert(read(document))


def _text_of(name: str) -> Callable[[Document], str | None]:
    def read(document: Document) -> str | None:
        value = document.get(name)
        return value if isinstance(value, str) else None

    return read


def all_values(
    path: FieldPath, kind: Kind, *, with_lists: bool = True
) -> Callable[[Document], list[Comparable | None]]:
    """Build the function that reads the comparables of a field at the end of, or below, a list.

    Lists at any step are gone through; one without elements gives nothing. On kind JSON a list at
    the end is a value itself, beside its elements, unless `with_lists` says that nobody asks for one.
    """
    convert, with_lists = COMPARABLES[kind], with_lists and kind is Kind.JSON

    def read(document: Document) -> list[Comparable | None]:
        found: list[Any] = []
        _spread(document, path, 0, found, with_lists=with_lists)
        return [convert(value) for value in found]

    return read


def all_lists(path: FieldPath, kind: Kind) -> Callable[[Document], list[tuple[Comparable | None, ...]]]:
    """Build the function that reads the lists at the end of a path, each as a tuple of comparables."""
    convert = COMPARABLES[kind]

    def read(document: Document) -> list[tuple[Comparable | None, ...]]:
        found: list[list[Any]] = []
        _spread_to_lists(document, path, 0, found)
        return [tuple(convert(value) for value in values) for values in found]

    return read


def _spread(value: Any, path: FieldPath, position: int, found: list[Any], *, with_lists: bool) -> None:
    """Collect the values at the end of a path, None where they are absent."""
    while True:
        if type(value) is list:
            if with_lists and position == len(path):
                found.append(value)
            for element in value:
                _spread(element, path, position, found, with_lists=with_lists)
            return
        if position == len(path) or type(value) is not dict:
            found.append(value if position == len(path) else None)
            return
        value = value.get(path[position])
        position += 1


def _spread_to_lists(value: Any, path: FieldPath, position: int, found: list[list[Any]]) -> None:
    """Collect the lists at the end of a path; lists before it are gone through."""
    while position < len(path):
        if type(value) is list:
            for element in value:
                _spread_to_lists(element, path, position, found)
            return
        if type(value) is not dict:
            return
        value = value.get(path[position])
        position += 1
    if type(value) is list:
        found.append(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: Any) -> Comparable | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _real(value: Any) -> float | None:
    if type(value) is float:
        return value
    if type(value) is not int:
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _instant(value: Any) -> int | None:
    try:
        return instant_key(value)
    except (TypeError, ValueError):  # absent, or not a time
        return None


def _decimal(value: Any) -> str | None:
    try:
        return decimal_key(value) if isinstance(value, str) else None
    except ArithmeticError:  # not a number
        return None


def _json(value: Any) -> str | None:
    return None if value is None else json_key(value)


COMPARABLES: Mapping[Kind, Callable[[Any], Comparable | None]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.REAL: _real,
    Kind.BOOLEAN: _boolean,
    Kind.INSTANT: _instant,
    Kind.DECIMAL: _decimal,
    Kind.JSON: _json,
}
"""How the JSON value of each kind becomes its comparable, or None."""

"""Read from a document what is kept beside its fields, in the form in which MongoDB keeps it.

A cell holds the comparable of a field, as `backo.query.reading` reads it: a value that does not fit
its kind (the document was written under another schema) counts as absent, and has no cell.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any, TypeAlias

from backo.connectors.base import Document
from backo.paths import FieldPath
from backo.query.reading import all_values, one_value
from backo.schema.kinds import Kind

CellValue: TypeAlias = str | int | float | list[Any]
Reader: TypeAlias = Callable[[Document], CellValue | None]

_FLOAT, _BITS = Struct(">d"), Struct(">q")
_LEAST, _MOST = -(2**63), 2**63 - 1


def bound(value: Any, kind: Kind) -> Any:
    """Give the form in which a comparable is kept and asked for.

    Integers end at 64 bits; a larger one compares with each of them as infinity does. A float is kept as
    the 64-bit integer that sorts as it does: not every server has an index that is exact for all floats.

    >>> bound(-0.0, Kind.REAL) == bound(0.0, Kind.REAL) < bound(5e-324, Kind.REAL) < bound(1.5, Kind.REAL)
    True
    """
    if kind is Kind.REAL:
        (bits,) = _BITS.unpack(_FLOAT.pack(value))
        return bits if bits >= 0 else _LEAST - bits
    if type(value) is int and not _LEAST <= value <= _MOST:
        return float("inf") if value > 0 else float("-inf")
    return value


def unbound(value: Any, kind: Kind) -> Any:
    """Give the comparable that is kept in a form."""
    if kind is not Kind.REAL:
        return value
    (number,) = _FLOAT.unpack(_BITS.pack(value if value >= 0 else _LEAST - value))
    return number


def reader(path: FieldPath, kind: Kind, *, many: bool) -> Reader:
    """Make the function that reads the cell of a field from a document; of a list, its different values."""
    if many:
        read_all = all_values(path, kind)

        def read_list(document: Document) -> CellValue | None:
            return list(dict.fromkeys(bound(value, kind) for value in read_all(document) if value is not None)) or None

        return read_list
    read = one_value(path, kind)
    if kind not in {Kind.INTEGER, Kind.REAL}:
        return read

    def read_number(document: Document) -> CellValue | None:
        value = read(document)
        return None if value is None else bound(value, kind)

    return read_number

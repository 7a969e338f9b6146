"""Say in PostgreSQL's way what SQL databases have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from backo.connectors.base import Document
from backo.connectors.sql.dialect import CellValue, Condition, ListReader, Reader
from backo.paths import FieldPath
from backo.query.reading import all_values, one_value
from backo.schema.kinds import Comparable, Kind

_LONGEST = 63  # bytes of a name
_DIGEST = 8  # bytes of what stands for the rest of a longer one
_EXACT = 2**53  # integers below it are floats too
_LEAST, _MOST = -(2**63), 2**63 - 1
_TYPES = {Kind.TEXT: "string", Kind.INTEGER: "number", Kind.REAL: "number", Kind.BOOLEAN: "boolean"}
_READ = {
    # As texts are kept (`adapters`), by code point.
    Kind.TEXT: 'replace(t._document #>> ?, chr(1), chr(1) || chr(2)) COLLATE "C"',
    Kind.INTEGER: "(t._document #>> ?)::numeric",
    Kind.REAL: "(t._document #>> ?)::numeric",
    Kind.BOOLEAN: "(t._document #>> ?)::boolean",
}
_SPECIAL = frozenset("\\.^$*+?{}[]|()\0\1\2")  # characters that say more than themselves, in a pattern or as kept


class PostgresDialect:
    """PostgreSQL's dialect."""

    types: dict[Kind, str] = {  # noqa: RUF012  # never changed
        Kind.TEXT: 'text COLLATE "C"',
        Kind.INTEGER: "bigint",
        Kind.REAL: "double precision",
        Kind.BOOLEAN: "boolean",
        Kind.INSTANT: "bigint",
        Kind.DECIMAL: 'text COLLATE "C"',
        Kind.JSON: 'text COLLATE "C"',
    }
    shown = "t._id, t._rev, t._schema, t._document"
    most_levels = 100
    sorts_absent_first_upwards = False

    def name(self, text: str) -> str:
        """Give the name of an index or a table: what is too long ends in a digest of all of it."""
        return _shortened(text)

    def folded(self, name: str) -> str:
        """Write a name such that two names of one table are written alike: they are exact."""
        return name

    def guard(self, table: str, column: str, index: str) -> str:
        """Give the name of the constraint."""
        return index

    def bound(self, value: Comparable) -> CellValue:
        """Give the form in which an operand is bound: a number by its value, so that an index of integers serves."""
        if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
            return int(value)
        return value

    def reader(self, path: FieldPath, kind: Kind) -> Reader:
        """Make the function that reads the cell of a scalar field from a document.

        What does not fit its kind (the document was written under another schema) counts as absent.
        """
        read = one_value(path, kind)
        if kind is not Kind.INTEGER:
            return read
        return lambda document: _integer(read(document))

    def list_reader(self, path: FieldPath, kind: Kind) -> ListReader:
        """Make the function that reads the different values of a list field, without absent ones."""
        read = all_values(path, kind)

        def read_all(document: Document) -> set[CellValue]:
            found: set[CellValue] = set(map(_integer, read(document)) if kind is Kind.INTEGER else read(document))
            found.discard(None)
            return found

        return read_all

    def extracted(self, path: FieldPath, kind: Kind) -> Condition | None:
        """Give the expression that reads a comparable from the document of a row `t`; of times there is none."""
        if kind not in _TYPES:
            return None
        text = f"(CASE WHEN json_typeof(t._document #> ?) = '{_TYPES[kind]}' THEN {_READ[kind]} END)"
        return Condition(text, ([*path], [*path]))

    def contains(self, field: Condition, text: str) -> Condition | None:
        """Ask whether a text is in an expression; what looks like a part of how NUL is kept is left to us."""
        if text[:1] in {"\0", "\1", "\2"} or text[-1:] in {"\0", "\1"}:
            return None
        return Condition(f"strpos({field.text}, ?) > 0", (*field.values, text))

    def found(self, field: Condition, pattern: str) -> Condition | None:
        """Ask whether a pattern is found in an expression: only where it is a text, or the beginning of one."""
        anchored = pattern.startswith("^")
        text = pattern.removeprefix("^")
        if not text or not _SPECIAL.isdisjoint(text):
            return None
        sign = "= 1" if anchored else "> 0"
        return Condition(f"strpos({field.text}, ?) {sign}", (*field.values, text))

    def is_one_of(self, field: Condition, values: Sequence[CellValue], kind: Kind) -> Condition:
        """Ask whether an expression has one of some values, none of them absent."""
        if len(values) == 1:
            return Condition(f"{field.text} = ?", (*field.values, values[0]))
        same = [float(value) for value in values] if kind is Kind.REAL else list(values)  # type: ignore[arg-type]  # numbers
        return Condition(f"{field.text} = ANY(?)", (*field.values, same))


DIALECT = PostgresDialect()


@lru_cache(maxsize=4096)
def _shortened(text: str) -> str:
    encoded = text.encode()
    if len(encoded) <= _LONGEST:
        return text
    digest = hashlib.blake2b(encoded, digest_size=_DIGEST).hexdigest()
    return encoded[: _LONGEST - 1 - len(digest)].decode(errors="ignore") + "~" + digest


def _integer(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and _LEAST <= value <= _MOST else None

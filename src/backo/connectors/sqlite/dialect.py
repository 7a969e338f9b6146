"""Say in SQLite's way what SQL databases have in common."""

from __future__ import annotations

from collections.abc import Sequence

from backo import jsontext
from backo.connectors.base import Document
from backo.connectors.sql.dialect import CellValue, Condition, ListReader, Reader
from backo.connectors.sqlite.functions import FOUND, KEY, REAL, bound, place, reader
from backo.paths import FieldPath
from backo.query.reading import all_values
from backo.schema.kinds import Comparable, Kind

_FEW = 8  # values that are bound one by one; more are bound as one JSON array
_NATIVE = {  # what JSON extraction gives exactly, and the JSON types that fit it
    Kind.TEXT: "'text'",
    Kind.INTEGER: "'integer', 'real'",
    Kind.BOOLEAN: "'true', 'false'",
}


class SqliteDialect:
    """SQLite's dialect."""

    types: dict[Kind, str] = {  # noqa: RUF012  # never changed
        Kind.TEXT: "TEXT",
        Kind.INTEGER: "INTEGER",
        Kind.REAL: "REAL",
        Kind.BOOLEAN: "INTEGER",
        Kind.INSTANT: "INTEGER",
        Kind.DECIMAL: "TEXT",
        Kind.JSON: "TEXT",
    }
    shown = "t._id, t._rev, t._schema, CAST(t._document AS BLOB)"  # the cast gives the UTF-8 bytes as they are
    most_levels = 50  # its parser has room for about twice as many
    sorts_absent_first_upwards = True

    def name(self, text: str) -> str:
        """Give the name of an index or a table: there is no limit."""
        return text

    def folded(self, name: str) -> str:
        """Write a name as SQLite compares it: it does not tell the ASCII letters of names by their case.

        >>> SqliteDialect().folded("Log"), SqliteDialect().folded("É")
        ('log', 'É')
        """
        return "".join(letter.lower() if letter.isascii() else letter for letter in name)

    def guard(self, table: str, column: str, index: str) -> str:
        """Give the text of SQLite's error."""
        return f"UNIQUE constraint failed: {table}.{column}"

    def bound(self, value: Comparable) -> CellValue:
        """Give the form in which an operand is bound to a statement."""
        return bound(value)

    def reader(self, path: FieldPath, kind: Kind) -> Reader:
        """Make the function that reads the cell of a scalar field from a document."""
        return reader(path, kind)

    def list_reader(self, path: FieldPath, kind: Kind) -> ListReader:
        """Make the function that reads the different values of a list field, without absent ones."""
        read = all_values(path, kind)

        def read_all(document: Document) -> set[CellValue]:
            return {bound(value) for value in read(document) if value is not None}

        return read_all

    def extracted(self, path: FieldPath, kind: Kind) -> Condition:
        """Give the expression that reads a comparable from the document of a row `t`."""
        if kind in _NATIVE:
            found = f"CASE WHEN json_type(t._document, ?) IN ({_NATIVE[kind]}) THEN json_extract(t._document, ?) END"
            return Condition(found, (_json_path(path),) * 2)
        return Condition(f"{KEY}(t._document, ?)", (place(path, kind),))

    def contains(self, field: Condition, text: str) -> Condition:
        """Ask whether a text is in an expression."""
        return Condition(f"instr({field.text}, ?) > 0", (*field.values, text))

    def found(self, field: Condition, pattern: str) -> Condition:
        """Ask whether a pattern is found in an expression."""
        return Condition(f"{FOUND}(?, {field.text})", (pattern, *field.values))

    def is_one_of(self, field: Condition, values: Sequence[CellValue], kind: Kind) -> Condition:
        """Ask whether an expression has one of some values, none of them absent."""
        if len(values) == 1:
            return Condition(f"{field.text} = ?", (*field.values, values[0]))
        if len(values) <= _FEW:
            return Condition(f"{field.text} IN ({', '.join('?' * len(values))})", (*field.values, *values))
        singles = [value for value in values if not _is_json(value)]
        array = [repr(value) if isinstance(value, float) else value for value in values if _is_json(value)]
        elements = f"{REAL}(value)" if kind is Kind.REAL else "value"
        text = f"{field.text} IN (SELECT {elements} FROM json_each(?))"  # noqa: S608  # values are bound
        tests = [Condition(text, (*field.values, jsontext.encode(array).decode()))]
        tests += [self.is_one_of(field, singles[start:][:_FEW], kind) for start in range(0, len(singles), _FEW)]
        if len(tests) == 1:
            return tests[0]
        joined = " OR ".join(test.text for test in tests)
        return Condition(f"({joined})", tuple(value for test in tests for value in test.values))


DIALECT = SqliteDialect()


def _json_path(path: FieldPath) -> str:
    """Write a field path as SQLite's JSON functions take it; names are identifiers, so no quote is in them."""
    return "$" + "".join(f'."{name}"' for name in path)


def _is_json(value: CellValue) -> bool:
    """Tell whether `json_each` gives a value as it is: texts end at a NUL there (floats go as text)."""
    return not isinstance(value, str) or "\0" not in value

"""Records made from declarations, without a collection and a store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pytest

from backo import Field, Item, ValidationError
from backo.collections.metadata import standard_metadata
from backo.errors import BackoError
from backo.items.generating import record_class
from backo.items.record import Record
from backo.paths import FieldPath, parse_field_path
from backo.schema.compiler import Schema, compile_schema


def schema_of(
    fields: Mapping[str, Field],
    *,
    derived: Iterable[str] = (),
    version: int | str = 0,
    views: Mapping[str, list[str]] | None = None,
    **options: Any,
) -> Schema:
    """Compile the declaration of a cat."""
    item = Item(fields, **options)
    return compile_schema(
        "cat",
        item._fields,
        item._options,
        system={**item._system, "_meta": standard_metadata()},
        derived=[parse_field_path(path) for path in derived],
        version=version,
        views={name: [parse_field_path(path) for path in paths] for name, paths in (views or {}).items()},
    )


class Linked(Record):
    """A record whose derived links are looked up in a dict."""

    __slots__ = ("links",)

    links: dict[FieldPath, list[str]]
    _home = None

    def _linked(self, node: Any) -> list[str]:
        return list(self._links_seen.get(node.path, ()))


def record_of(schema: Schema | Mapping[str, Field], values: Mapping[str, Any] | None = None, **options: Any) -> Record:
    """Make a new record, with its defaults, and set values."""
    if not isinstance(schema, Schema):
        schema = schema_of(schema, **options)
    record = record_class(schema, Linked)()
    record._give_defaults()
    if values is not None:
        record.set(values)
    return record


def stored(record: Record, rev: int = 1) -> Record:
    """Make another record of what storing this one would keep."""
    loaded = type(record)()
    loaded._decode(record._encode(), rev)
    return loaded


def found(error: pytest.ExceptionInfo[BackoError] | BackoError) -> set[tuple[str, str]]:
    """Give the problems of an error as pairs of path and code."""
    value = error if isinstance(error, BackoError) else error.value
    return {(problem.path, problem.code) for problem in value.problems}


def problems_of(record: Record, values: Any) -> set[tuple[str, str]]:
    """Set values that are refused, and give the problems; nothing may have changed."""
    before = record._values
    copied = repr(before)
    with pytest.raises(ValidationError) as error:
        record.set(values)
    assert repr(record._values) == copied
    return found(error)


def names(problems: Collection[tuple[str, str]]) -> set[str]:
    """Give the paths of problems."""
    return {path for path, _ in problems}

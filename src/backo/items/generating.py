"""Generate the class of the records of a schema: one property per field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from backo.errors import DefinitionError
from backo.items.definition import Item
from backo.items.presenting import copier, is_plain, presents
from backo.items.record import Record
from backo.schema.compiler import Schema
from backo.schema.nodes import Node


def record_class(
    schema: Schema, base: type[Record], attributes: Mapping[str, Any] | None = None, *, kind: type = Item
) -> type[Record]:
    """Generate the class of the records of a schema.

    Args:
        schema: the compiled schema.
        base: what the class adds to.
        attributes: more class attributes.
        kind: the class of the declaration; its own methods are those of the records too.

    Raises:
        DefinitionError: a field is called like a method.
    """
    taken = {name for name in (*dir(base), *dir(kind)) if not name.startswith("_")} - {"status"}
    for name in schema.children:
        if name in taken:
            message = f"{schema.name}: a field cannot be called {name!r}, which is a method of items"
            raise DefinitionError(message, hint=f"call it {name}_ or {schema.name}_{name}")
    alone = schema.options.onchange is None  # nobody wants to know of every change
    checks = {node.name: node.check for node in schema.children.values() if alone and node.simple and _is_bare(node)}
    nodes = schema.children.items()
    names: dict[str, Any] = {
        "__slots__": (),
        "__init__": base.__init__,
        "_schema": schema,
        "_checks": checks,
        "_copied": tuple((name, copy) for name, node in nodes if is_plain(node) and (copy := copier(node)) is not None),
        "_presented": tuple((name, node) for name, node in nodes if not is_plain(node)),
        **(attributes or {}),
    }
    names |= {name: _property(name, node) for name, node in schema.children.items()}
    return type(schema.name, (base,) if kind is Item else (kind, base), names)


_raw_values: Callable[[Record], Any] = vars(Record)["_values"].__get__
_put_values: Callable[[Record, Any], None] = vars(Record)["_values"].__set__
_raw_origin: Callable[[Record], Any] = vars(Record)["_origin"].__get__
_put_origin: Callable[[Record, Any], None] = vars(Record)["_origin"].__set__


@cache
def glanced_class(kind: Any) -> Any:
    """Generate the class of records at which functions only look: plain fields are read from the document itself.

    Such a record becomes one of the usual class as soon as anything else is asked of it. The class
    remembers which fields were ever looked at, `_looked_at`, so that no others need to be decoded.

    Args:
        kind: the class of the records of a schema.
    """
    schema: Schema = kind._schema
    names: dict[str, Any] = {"__slots__": (), "__init__": kind.__init__, "_looked_at": frozenset()}
    names |= {name: _whole_property(kind, name) for name in Record.__slots__}
    for name, node in schema.children.items():
        if _is_bare(node) and node.field.native and node.stored:
            names[name] = _raw_property(name)
    return type(kind.__name__, (kind,), names)


def put_glanced(record: Record, stored: Any, document: Mapping[str, Any]) -> None:
    """Let a record of a glanced class show a stored document, of which at least some fields are given."""
    _put_origin(record, stored)
    _put_values(record, document)


def _whole_property(kind: Any, name: str) -> property:
    def read(record: Record) -> Any:
        document = _raw_origin(record).glanced()
        record.__class__ = kind
        record._decode(document, 0)
        return getattr(record, name)

    return property(read)


def _raw_property(name: str) -> property:
    def read(record: Record, values: Callable[[Record], Any] = _raw_values) -> Any:  # a local name is found faster
        try:
            return values(record)[name]
        except KeyError:
            return _look_at(record, name)

    return property(read)


def _look_at(record: Any, name: str) -> Any:
    """Read a field that was not decoded; from now on it is."""
    kind = type(record)
    kind._looked_at |= {name}
    document = _raw_origin(record).glanced()
    _put_values(record, document)
    return document.get(name)


def _is_bare(node: Node) -> bool:
    """Tell whether the value of a field is seen as it is."""
    return node.options.exists is True and node.options.compute is None and presents(node.field) is None


def _property(name: str, node: Node) -> property:
    """Make what reads a field; it is written by `Record.__setattr__`."""
    place = (name,)

    def read(record: Record) -> Any:
        return record._read(node, place, record._values[name])

    def read_bare(record: Record) -> Any:
        return record._values[name]

    reader: Callable[[Record], Any] = read_bare if _is_bare(node) else read
    return property(reader, doc=node.options.description)

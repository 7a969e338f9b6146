"""Generate the class of the records of a schema: one property per field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

"""Write the values of a record as a document, and read them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from backo.items.presenting import plain
from backo.paths import FieldPath, Place
from backo.schema.compiler import Converter, Schema
from backo.schema.merging import Values, is_set
from backo.schema.nodes import Node
from backo.schema.problems import Refusal

if TYPE_CHECKING:
    from backo.items.record import Record

Document = dict[str, Any]  # JSON values by field name


def stored_document(record: Record, schema: Schema, values: Values, *, computed: bool) -> Document:
    """Give the document to store: JSON values of all stored fields, in schema order.

    Args:
        record: what conditions and computed fields are asked about.
        schema: of the record.
        values: of the record.
        computed: whether computed fields are there.

    Raises:
        Refusal: a value that code could change in place does not fit any more.
    """
    document: Document = {}
    for name, writer, node in schema.writers:
        value = values[name]
        if node is not None:
            if computed or node.options.compute is None:
                document[name] = _group(record, [node], values, (), stored=True).get(name)
        elif writer is None or value is None:
            document[name] = value
        else:
            document[name] = _written(writer, value, (name,))
    return document


def whole_document(record: Record, nodes: Iterable[Node], values: Values) -> Document:
    """Give the JSON form of fields as clients know them: computed and linked ones too, what does not exist left out."""
    return _group(record, nodes, values, (), stored=False)


def _group(record: Record, nodes: Iterable[Node], values: Values | None, place: Place, *, stored: bool) -> Document:
    """Write the fields of one group, asking the record where values alone do not tell."""
    document: Document = {}
    for node in nodes:
        name, value, here = node.name, None if values is None else values[node.name], (*place, node.name)
        if (stored and not node.stored) or not record._exists(node, value):
            continue
        if node.options.compute is not None:
            document[name] = _json(node, record._compute(node), here)
        elif node.derived:
            document[name] = plain(record._read(node, here, value))
        elif node.varying and node.children:
            document[name] = _inner(record, node, value, here, stored=stored)
        else:
            document[name] = _json(node, value, here)
    return document


def _inner(record: Record, node: Node, value: Any, place: Place, *, stored: bool) -> Any:
    """Write a group, or the groups of a list; an unset group is one in which nothing is computed or linked either."""
    if node.element is None:
        document = _group(record, node.children.values(), value, place, stored=stored)
        return document if value is not None or is_set(document) else None
    if value is None:
        return None
    return [_inner(record, node.element, one, (*place, index), stored=stored) for index, one in enumerate(value)]


def _json(node: Node, value: Any, place: Place) -> Any:
    return None if value is None else _written(node.field.to_json, value, place)


def _written(writer: Converter, value: Any, place: Place) -> Any:
    try:
        return writer(value)
    except Refusal as refusal:
        raise Refusal(refusal.below(*place)) from None


def values_of(schema: Schema, document: Mapping[str, Any]) -> Values:
    """Give the values of a stored document that was checked when it was written."""
    values = {name: document.get(name) for name in schema.blank}
    for name, reader in schema.readers:
        value = values[name]
        if value is not None:
            values[name] = reader(value)
    for node in schema.computed:
        if len(node.path) > 1 and node.stored:  # what is computed does not set its group
            values = without(values, node.path)
    return values


def without(values: Values, path: FieldPath) -> Values:
    """Copy values with nothing at a path; a group in which nothing is left is unset."""
    name, rest = path[0], path[1:]
    inner = values.get(name)
    if not rest or inner is None:
        return {**values, name: None}
    inner = without(inner, rest)
    return {**values, name: inner if is_set(inner) else None}

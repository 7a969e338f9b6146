"""Say how Python code sees the value of a field: as it is, or through an object that knows its item."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, singledispatch
from typing import Any, Self, TypeAlias

from backo.paths import Place
from backo.schema.containers import Dict, List
from backo.schema.fields import Field
from backo.schema.nodes import Node
from backo.schema.scalars import String


@singledispatch
def presented(field: Field, record: Any, node: Node, place: Place, value: Any) -> Any:
    """Give what an attribute read gives; a field type registers its own form here.

    Args:
        field: the declaration (dispatches on its type).
        record: the record that is read.
        node: the compiled field.
        place: where in the record.
        value: the raw value there, or None.
    """
    del field, record, node, place
    return value


_AS_IT_IS = presented.dispatch(object)


@cache
def _presents(kind: Any) -> Callable[..., Any] | None:
    function = presented.dispatch(kind)
    return None if function is _AS_IT_IS else function


def presents(field: Field) -> Callable[..., Any] | None:
    """Give the function for a field, or None when its values are seen as they are."""
    kind: Any = type(field)
    return _presents(kind)


class Index(int):
    """A step to an element of a list, good as long as the list keeps the shape that it had when it was read.

    `shape` is a mere token: when a list is replaced, or its elements move, it gets another one.
    """

    shape: object

    def __new__(cls, position: int, shape: object) -> Self:
        """Name an element."""
        index = super().__new__(cls, position)
        index.shape = shape
        return index


_PLAIN = frozenset({str, int, float, bool, type(None)})


def plain(value: Any) -> Any:
    """Turn what a record gives (groups, checked lists, ids that know their item) into plain values, copied."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {name: plain(inner) for name, inner in value.items()}
    if kind is list or kind is tuple:
        return kind(map(plain, value))
    give = getattr(value, "_plain", None)
    return value if give is None else give()


Copier: TypeAlias = Callable[[Any], Any]


def copier(node: Node) -> Copier | None:
    """Give what makes a plain value of the raw value of a field; None when it cannot be changed in place anyway."""
    parts = [copier(part) for part in ([node.element] if node.element else node.children.values())]
    if node.loose or node.varying or any(part is not None for part in parts):
        return plain
    if node.element is not None:
        return list
    return dict if node.children else None


def is_plain(node: Node) -> bool:
    """Tell whether the raw value of a field is all that its plain value takes."""
    parts = [node.element] if node.element else node.children.values()
    usual = presents(node.field) is None or isinstance(node.field, Dict | List | String)
    return usual and not node.varying and all(map(is_plain, parts))

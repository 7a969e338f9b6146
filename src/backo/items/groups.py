"""See a group inside an item as a nested record: attributes that read plain and write checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from backo.errors import nearest
from backo.items.presenting import plain, presented
from backo.paths import Place, to_text
from backo.schema.containers import Dict
from backo.schema.nodes import Node

if TYPE_CHECKING:
    from backo.items.record import Record


class Group:
    """A group of fields at a place of a record; an unset one reads as an empty record.

    It shows the present values of the record. In a list whose elements have moved since it was read,
    it shows the last values that it knew, and refuses to be changed.
    """

    __slots__ = ("_known", "_node", "_place", "_record")

    _known: dict[str, Any] | None
    _node: Node
    _place: Place
    _record: Record

    def __init__(self, record: Record, node: Node, place: Place, values: dict[str, Any] | None) -> None:
        for name, value in (("_record", record), ("_node", node), ("_place", place), ("_known", values)):
            object.__setattr__(self, name, value)

    def _values(self) -> dict[str, Any] | None:
        """Give the raw values."""
        record, node = self._record, self._node
        if node.read_only or not record._holds(self._place):
            return self._known
        values: dict[str, Any] | None = record._value_at(self._place)
        if node.options.exists is not True and not record._exists(node, values):
            return None
        object.__setattr__(self, "_known", values)
        return values

    def __getitem__(self, name: str) -> Any:
        """Read a field of the group."""
        child = self._node.children.get(name)
        if child is None:
            raise KeyError(self._no_field(name))
        values = self._values()
        value = None if values is None else values[name]
        return self._record._read(child, (*self._place, name), value)

    def __getattr__(self, name: str) -> Any:
        """Read a field of the group."""
        if name not in self._node.children:
            raise AttributeError(self._no_field(name))
        return self[name]

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a field of the group; raises `ValidationError`."""
        if name not in self._node.children:
            raise KeyError(self._no_field(name))
        self._record._assign((*self._place, name), value)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field of the group; raises `ValidationError`."""
        if name not in self._node.children:
            raise AttributeError(self._no_field(name))
        self[name] = value

    def __delattr__(self, name: str) -> None:
        """Unset a field of the group; raises `ValidationError`."""
        setattr(self, name, None)

    def _no_field(self, name: str) -> str:
        hint = nearest(name, self._node.children)
        return f"{to_text(self._place)} has no field {name!r}" + (f"; {hint}" if hint else "")

    def __iter__(self) -> Iterator[str]:
        """Give the names of the fields."""
        return iter(self._node.children)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a field."""
        return name in self._node.children

    def __eq__(self, other: object) -> bool:
        """Compare plain values; a dict need not name what is unset."""
        values = self._plain()
        if isinstance(other, Mapping) and values is not None:
            other = dict.fromkeys(values) | dict(other)
        return bool(values == (other._plain() if isinstance(other, Group) else other))

    __hash__ = None  # type: ignore[assignment]  # groups change

    def __bool__(self) -> bool:
        """Tell whether a value is set."""
        return self._values() is not None

    def __dir__(self) -> list[str]:
        """List the names of the fields."""
        return list(self._node.children)

    def __repr__(self) -> str:
        """Show the plain values."""
        return f"<{to_text(self._place)} {self._values()!r}>"

    def __reduce__(self) -> Any:
        """Copy and pickle as a plain dict."""
        return (dict, (self._plain() or {},))

    def _plain(self) -> dict[str, Any] | None:
        """Give plain values of the fields that exist, or None when nothing is set."""
        values, record = self._values(), self._record
        shown = {
            name: plain(self[name])
            for name, child in self._node.children.items()
            if child.options.exists is True or record._exists(child, None if values is None else values[name])
        }
        return None if values is None and all(value is None for value in shown.values()) else shown


@presented.register(Dict)
def _group(field: Dict, record: Any, node: Node, place: Place, value: Any) -> Group:
    del field
    return Group(record, node, place, value)

"""What others hold of a record: its state at some time, or one of its fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backo.items.presenting import plain
from backo.paths import to_text
from backo.schema.nodes import Node

if TYPE_CHECKING:
    from backo.items.record import Record


class Checkpoint:
    """The state of a record at some time. A unit of work may keep one of each of its items, so it is small."""

    __slots__ = ("_defaulted", "_given", "_origin", "_record", "_seen", "_shapes", "_tokens", "_touched", "_values")

    def __init__(self, record: Record) -> None:
        self._record = record
        self._values = dict(record._values)
        self._origin = record._origin
        self._touched = record._touched
        self._seen = dict(record._links_seen) if record._links_seen else None
        self._given = set(record._links_given) if record._links_given else None
        self._defaulted = record._defaulted
        self._shapes = record._shapes
        self._tokens = dict(record._shapes) if record._shapes else None

    def __call__(self) -> None:
        """Put the record back."""
        record, shapes = self._record, self._shapes
        record._hold(self._values, self._origin)
        record._touched, record._links_seen, record._links_given = self._touched, self._seen or {}, self._given or set()
        record._defaulted = self._defaulted
        shapes.clear()
        shapes.update(self._tokens or {})
        record._shapes = shapes


@dataclass(frozen=True, slots=True)
class Handle:
    """A field of one item, as a handler declared on the field gets it."""

    record: Record
    node: Node

    @property
    def path(self) -> str:
        """The selector of the field."""
        return to_text(self.node.path)

    @property
    def value(self) -> Any:
        """The present value."""
        return plain(self.record.select(self.path))

    def set(self, value: Any) -> None:
        """Set the value; raises `ValidationError`."""
        self.record._assign(self.node.path, value)

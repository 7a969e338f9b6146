"""See a list inside an item as a `list` whose every change is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import index as as_index
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from backo.items.presenting import Index, plain, presented, presents
from backo.paths import Place
from backo.schema.containers import List, Reworked
from backo.schema.nodes import Node

if TYPE_CHECKING:
    from backo.items.record import Record


class CheckedList(list[Any]):
    """The elements of a list field, as they were when it was read.

    A change is made to the present elements of the item, and checked as an assignment of the whole
    list is; then this list shows them too.
    """

    __slots__ = ("_node", "_place", "_record", "_shape")

    def __init__(self, record: Record, node: Node, place: Place, values: Iterable[Any]) -> None:
        super().__init__(values)
        self._record, self._node, self._place = record, node, place
        self._shape = record._shape_of(place)

    def _change(self, change: Callable[[list[Any]], Any]) -> Any:
        """Try a change on a copy of the present elements, assign the copy, then show what was kept."""
        record, place = self._record, self._place
        before = record._value_at(place) if record._holds(place) else None
        if before is None:  # a link list that is looked up, not stored
            before = list(super().__iter__())
        copy = Reworked(before)
        result = change(copy)
        in_place = len(copy) >= len(before) and all(old is new for old, new in zip(before, copy, strict=False))
        record._assign(place, copy, moved=not in_place)
        super().__setitem__(slice(None), record._value_at(place) or ())
        self._shape = record._shape_of(place)
        return plain(result)

    def _presented(self) -> Node | None:
        """Give the node of the elements, when they are seen through objects that know their item."""
        element = self._node.element
        return None if element is None or presents(element.field) is None else element

    def _shown(self, element: Node, position: int, value: Any) -> Any:
        return self._record._read(element, (*self._place, Index(position, self._shape)), value)

    def __getitem__(self, index: Any) -> Any:
        """Give an element, or a plain list of them for a slice; groups as nested records."""
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position, element = as_index(index), self._presented()
        value = super().__getitem__(position)
        return value if element is None else self._shown(element, position % len(self), value)

    def __iter__(self) -> Iterator[Any]:
        """Give the elements."""
        element, values = self._presented(), super().__iter__()
        if element is None:
            return values
        return (self._shown(element, position, value) for position, value in enumerate(values))

    def __reversed__(self) -> Iterator[Any]:
        """Give the elements from the last to the first."""
        return iter(list(self)[::-1])

    def copy(self) -> list[Any]:
        """Give a plain list of the elements."""
        return list(self)

    def __add__(self, other: list[Any]) -> list[Any]:
        """Give a plain list of these and other elements."""
        return [*self, *other]

    def __mul__(self, times: SupportsIndex) -> list[Any]:
        """Give a plain list of the repeated elements."""
        return list(self) * times

    __rmul__ = __mul__

    def append(self, value: Any) -> None:
        """Add an element at the end; raises `ValidationError`, as all changes do."""
        self._change(lambda values: values.append(value))

    def extend(self, values: Iterable[Any]) -> None:
        """Add elements at the end."""
        self._change(lambda copy: copy.extend(values))

    def insert(self, index: SupportsIndex, value: Any) -> None:
        """Add an element before an index."""
        self._change(lambda values: values.insert(index, value))

    def remove(self, value: Any) -> None:
        """Take the first equal element away; raises `ValueError` when there is none."""
        self._change(lambda values: values.remove(value))

    def pop(self, index: SupportsIndex = -1) -> Any:
        """Take an element away and give it, plain; raises `IndexError` when there is none."""
        return self._change(lambda values: values.pop(index))

    def clear(self) -> None:
        """Take all elements away."""
        self._change(lambda values: values.clear())

    def sort(self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
        """Sort in place; `key` gets elements as a read gives them."""
        self._change(lambda values: values.__setitem__(slice(None), self._sorted(values, key, reverse=reverse)))

    def _sorted(self, values: list[Any], key: Callable[[Any], Any] | None, *, reverse: bool) -> list[Any]:
        shown = CheckedList(self._record, self._node, self._place, values)
        keys = list(shown if key is None else map(key, shown))
        return [values[position] for position in sorted(range(len(values)), key=keys.__getitem__, reverse=reverse)]

    def reverse(self) -> None:
        """Reverse in place."""
        self._change(lambda values: values.reverse())

    def __setitem__(self, index: Any, value: Any) -> None:
        """Replace an element or a slice."""
        self._change(lambda values: values.__setitem__(index, value))

    def __delitem__(self, index: Any) -> None:
        """Take an element or a slice away."""
        self._change(lambda values: values.__delitem__(index))

    def __iadd__(self, values: Iterable[Any]) -> Self:
        """Add elements at the end."""
        self.extend(values)
        return self

    def __imul__(self, times: SupportsIndex) -> Self:
        """Repeat the elements."""
        self._change(lambda values: values.__imul__(times))
        return self

    def __reduce__(self) -> Any:
        """Copy and pickle as a plain list."""
        return (list, (self._plain(),))

    def _plain(self) -> list[Any]:
        """Give the plain values."""
        return [plain(value) for value in self]


@presented.register(List)
def _list(field: List, record: Any, node: Node, place: Place, value: Any) -> CheckedList | None:
    del field
    return None if value is None else CheckedList(record, node, place, value)

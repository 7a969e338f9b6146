"""Put documents in order, page by page, in memory.

The order is that of the sort keys, absent values last both ways, then of `_id`, ascending: it is
total. Texts compare by code point.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from backo.query.filters import EVERYTHING, Query, SortKey
from backo.query.matching import matcher
from backo.query.reading import Document, one_value
from backo.schema.kinds import Comparable

T = TypeVar("T")
Position: TypeAlias = tuple[Comparable | None, ...]  # the comparable of each sort key, then the `_id`
OrderKey: TypeAlias = Any  # sorts as the document does


class _Descending:
    """A comparable turned around."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]  # it is compared, never looked up


def positions(sort: Sequence[SortKey]) -> Callable[[Document], Position]:
    """Build the function that reads the position of a document in an order."""
    readers = [one_value(key.path, key.kind) for key in sort]
    return lambda document: (*[read(document) for read in readers], document["_id"])


def position(document: Document, sort: Sequence[SortKey]) -> Position:
    """Read the position of one document: the comparable of each sort key (None: absent), then its `_id`."""
    return positions(sort)(document)


def order_keys(sort: Sequence[SortKey]) -> Callable[[Position], OrderKey]:
    """Build the function that turns positions into values that sort as documents do."""
    if not any(key.descending for key in sort):
        return lambda place: [(value is None, value) for value in place]
    turned = [*(key.descending for key in sort), False]

    def order_key(place: Position) -> OrderKey:
        return [
            (value is None, _Descending(value) if descending and value is not None else value)
            for value, descending in zip(place, turned, strict=True)
        ]

    return order_key


def is_after(document: Document, sort: Sequence[SortKey], after: Position) -> bool:
    """Tell whether a document comes strictly after a position."""
    order_key = order_keys(sort)
    return bool(order_key(after) < order_key(position(document, sort)))


def page(items: Iterable[T], query: Query, document_of: Callable[[T], Document] = attrgetter("document")) -> list[T]:
    """Give the items of a query in its order: filtered, sorted, after its position, skipped and cut.

    With a limit, memory holds no more than `skip + limit` items.

    Args:
        items: those to choose from, in any order; their documents have different ids.
        query: without conditions across links.
        document_of: gives the document of an item.
    """
    if query.limit is not None and query.limit <= 0:
        return []
    read, order_key = positions(query.sort), order_keys(query.sort)
    chosen: Iterable[tuple[OrderKey, T]] = (
        (order_key(read(document_of(item))), item) for item in _matching(items, query, document_of)
    )
    if query.after is not None:
        last = order_key(query.after)
        chosen = (pair for pair in chosen if last < pair[0])
    if query.limit is None:
        in_order = sorted(chosen, key=_first)
        return [item for _, item in in_order[query.skip :]]
    in_order = heapq.nsmallest(query.skip + query.limit, chosen, key=_first)
    return [item for _, item in in_order[query.skip :]]


def _first(pair: tuple[OrderKey, Any]) -> OrderKey:
    return pair[0]


def _matching(items: Iterable[T], query: Query, document_of: Callable[[T], Document]) -> Iterable[T]:
    if query.filter == EVERYTHING:
        return items
    matches = matcher(query.filter)
    return (item for item in items if matches(document_of(item)))

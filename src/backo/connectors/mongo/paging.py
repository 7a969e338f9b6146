"""Plan the statements that give the documents of a query, in its order.

The order of a query is that of its sort keys, absent values last both ways, then of `_id`. Where an
index has the first sort key, the documents of a page are taken from *stretches* of that index, one
after the other until the page is full:

    those with the first key of the position to go on from    ordered by the other keys
    those further on                                          ordered by all keys
    those without the first key                               ordered by the other keys

Each is a walk along an index. Where the index has documents with equal keys in another order than
the query, a stretch is cut at the key of the last document that is wanted (`Stretch.cut`), and those
with that key become a stretch of their own.

MongoDB puts what is absent first upwards. Where that is not what is wanted, an order has a flag for
each key that may be absent, made by a pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from backo.connectors.mongo.cells import CellValue
from backo.connectors.mongo.filters import NATIVE, compiled, is_known
from backo.connectors.mongo.layout import Layout
from backo.connectors.mongo.values import CELLS, LOCK
from backo.paths import FieldPath
from backo.query.filters import EVERYTHING, And, Compare, Filter, Not, Operator, Query, all_of, any_of
from backo.schema.kinds import Kind

_ORDER = "_order"  # of a pipeline: where the keys are while it sorts
HIDDEN: Mapping[str, int] = {CELLS: 0, LOCK: 0}
"""What is not wanted of a document that is read."""

WITH_LOCK: Mapping[str, int] = {CELLS: 0}
"""The same of one that is locked."""


class Key(NamedTuple):
    """One key of an order.

    Attributes:
        path: the field.
        kind: how it compares.
        descending: whether it goes downwards.
        present: whether no document in question has it absent.
    """

    path: FieldPath
    kind: Kind
    descending: bool = False
    present: bool = False

    def equals(self, value: Any) -> Compare:
        """The documents that have this value (None: that have none)."""
        return Compare(self.path, Operator.EQ, value, self.kind)

    def beyond(self, value: Any) -> Filter:
        """The documents with a value further on in the order (None: with any value)."""
        if value is None:
            return Not(self.equals(None))
        return Compare(self.path, Operator.LT if self.descending else Operator.GT, value, self.kind)

    def short_of(self, value: Any) -> Filter:
        """The documents with a value that comes before one in the order."""
        return Compare(self.path, Operator.GT if self.descending else Operator.LT, value, self.kind)

    def place(self, layout: Layout) -> str:
        """Where the key is in a document."""
        if self.path == ("_id",):
            return layout.id_place
        cell = layout.scalar_of.get((self.path, self.kind))
        return ".".join(self.path) if cell is None else cell.place

    @property
    def direction(self) -> int:
        """How MongoDB says it."""
        return -1 if self.descending else 1

    def is_in_order(self, layout: Layout) -> bool:
        """Tell whether MongoDB by itself puts documents in this order: what is absent is the least there."""
        return self.present or (self.descending and (self.path, self.kind) in layout.scalar_of)


ID_KEY = Key(("_id",), Kind.TEXT, present=True)


class Stretch(NamedTuple):
    """Documents that follow one another in the order of a query.

    Attributes:
        where: which documents; all of it can be pushed.
        keys: their order.
        cut: whether those with equal first keys have to be put in order by the other keys.
    """

    where: Filter
    keys: tuple[Key, ...]
    cut: bool = False

    def cut_at(self, value: CellValue) -> tuple[Stretch, Stretch]:
        """Give the documents before those with a first key, and those with it."""
        first, *others = self.keys
        return (
            Stretch(all_of((self.where, first.short_of(value))), self.keys),
            Stretch(all_of((self.where, first.equals(value))), tuple(others)),
        )


class Statement(NamedTuple):
    """What the driver is given: a condition with an order for it, or a pipeline."""

    condition: dict[str, Any]
    order: list[tuple[str, int]]
    pipeline: list[dict[str, Any]] | None = None


def statement(stretch: Stretch, layout: Layout, limit: int | None, skip: int) -> Statement:
    """Write the statement for some of the documents of a stretch."""
    condition = compiled(stretch.where, layout)
    if all(key.is_in_order(layout) for key in stretch.keys):
        return Statement(condition, [(key.place(layout), key.direction) for key in stretch.keys])
    flags: dict[str, Any] = {}
    order: dict[str, int] = {}
    for number, key in enumerate(stretch.keys):
        if key.is_in_order(layout):
            order[key.place(layout)] = key.direction
            continue
        flags[f"key{number}"] = value = _value(key, layout)
        flags[f"absent{number}"] = {"$cond": [{"$gt": [value, None]}, 0, 1]}
        order |= {f"{_ORDER}.absent{number}": 1, f"{_ORDER}.key{number}": key.direction}
    pipeline: list[dict[str, Any]] = [{"$match": condition}, {"$set": {_ORDER: flags}}, {"$sort": order}]
    if skip:
        pipeline.append({"$skip": skip})
    if limit is not None:
        pipeline.append({"$limit": limit})
    return Statement(condition, [], [*pipeline, {"$project": {**HIDDEN, _ORDER: 0}}])


def _value(key: Key, layout: Layout) -> Any:
    """Write the expression for a key, null where it is absent."""
    place = f"${key.place(layout)}"
    if (key.path, key.kind) in layout.scalar_of:
        return place
    return {"$cond": [{"$in": [{"$type": place}, NATIVE[key.kind]]}, place, None]}


def keys_of(query: Query) -> tuple[Key, ...]:
    """Give the keys of the order of a query."""
    sort = [Key(key.path, key.kind, key.descending, present=key.path == ("_id",)) for key in query.sort]
    return (*sort, ID_KEY)


def can_order(query: Query, layout: Layout) -> bool:
    """Tell whether MongoDB can put documents in the order of a query."""
    return all(key.kind is not Kind.JSON and is_known(key.path, key.kind, layout) for key in query.sort)


def stretches(query: Query, pushed: Filter, layout: Layout) -> list[Stretch]:
    """Plan a query whose filter, as far as it is pushed, is given apart."""
    keys = keys_of(query)
    first, *others = keys
    cell = layout.scalar_of.get((first.path, first.kind)) if others else None
    if cell is None:
        return [Stretch(all_of((pushed, after(keys, query.after))), _shortened(keys))]
    position, rest = query.after[0] if query.after else None, _shortened(others)
    planned = []
    if query.after:
        equal = (pushed, first.equals(position), after(others, query.after[1:]))
        planned.append(Stretch(all_of(equal), rest))
    if not query.after or position is not None:
        is_unique = cell in layout.unique
        is_walk = len(rest) == 1 and not first.descending
        needs_cut = query.limit is not None and layout.is_indexed(cell) and not is_unique and not is_walk
        ordered = first._replace(present=True)
        further = Stretch(
            all_of((pushed, first.beyond(position))),
            (ordered,) if is_unique else _shortened((ordered, *others)),
            needs_cut and not _is_narrowed(pushed, layout),
        )
        planned += [further, Stretch(all_of((pushed, first.equals(None))), rest)]
    return planned


def _shortened(keys: Sequence[Key]) -> tuple[Key, ...]:
    """Leave out keys that decide nothing: those that came before, and those after `_id`."""
    first = {key.path: key for key in reversed(keys)}
    needed = [
        key for number, key in enumerate(keys) if first[key.path] is key and ID_KEY.path not in _paths(keys[:number])
    ]
    return tuple(needed)


def _paths(keys: Sequence[Key]) -> set[FieldPath]:
    return {key.path for key in keys}


def after(keys: Sequence[Key], position: Sequence[Any] | None) -> Filter:
    """Write the filter for the documents strictly after a position."""
    if position is None:
        return EVERYTHING
    key, value = keys[0], position[0]
    if len(keys) == 1:
        return key.beyond(value)
    equal = all_of((key.equals(value), after(keys[1:], position[1:])))
    if value is None:
        return equal  # nothing comes after absent values
    return any_of((key.beyond(value), key.equals(None), equal))


def _is_narrowed(filter_: Filter, layout: Layout) -> bool:
    """Tell whether a filter asks for values of an index: the server then takes these documents, and sorts them."""
    parts = filter_.parts if isinstance(filter_, And) else (filter_,)
    return any(
        isinstance(part, Compare)
        and part.operator in {Operator.EQ, Operator.IN}
        and (part.many or part.path == ("_id",) or (part.path, part.kind) in layout.scalar_of)
        for part in parts
    )

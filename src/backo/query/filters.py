"""Say which items are meant, as a frozen tree (the filter law, DESIGN D7).

A tree is typed by the schema when it is parsed: each comparison carries the kind of its field, and
its value is already a comparable (`backo.schema.kinds`). So a store can run a tree without knowing
any field type, and the meaning below is the same on every store:

- a comparison with an absent value (`null` is absent) is false; `EQ None` finds the absent ones;
- on a list (or below one) a comparison holds when one element satisfies it;
- `EQ` and `IN` whose value is a tuple compare with the whole list, element by element in order;
- logic is two-valued: `Not` is the exact complement of its part;
- on kind JSON only values of the same JSON type compare.

There is no `$ne` and no `$nin` in a tree: they are parsed to `Not(EQ)` and `Not(IN)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from backo.paths import FieldPath
from backo.schema.kinds import Comparable, Kind


class Operator(StrEnum):
    """What a comparison asks."""

    EQ = "$eq"
    LT = "$lt"
    LTE = "$lte"
    GT = "$gt"
    GTE = "$gte"
    IN = "$in"
    CONTAINS = "$contains"  # a part of a text (`$contains` on a list is parsed to EQ of one element)
    REG = "$reg"  # a pattern (RE2 syntax) found anywhere in the text


Operand: TypeAlias = "Comparable | tuple[Comparable | None, ...] | None"


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison of one field.

    Attributes:
        path: names from the root of the document, `("address", "zip")`; `("_id",)` too.
        operator: what is asked.
        value: a comparable; None with EQ (absent); a tuple of comparables for a whole list with EQ;
            a tuple of operands with IN; text with CONTAINS on a text and with REG.
        kind: the kind of the field (of its elements when it is a list).
        many: whether the path ends at, or goes through, a list.
    """

    path: FieldPath
    operator: Operator
    value: Operand | tuple[Operand, ...]
    kind: Kind
    many: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """Holds when all parts hold; without parts it always holds."""

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """Holds when one part holds; without parts it never holds."""

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when its part does not."""

    part: Filter


@dataclass(frozen=True, slots=True)
class Through:
    """Holds when one item that a link of this item names matches.

    The link may be stored or derived. No store sees it: a unit of work rewrites it first into
    conditions on `_id` or on the link.

    Attributes:
        path: the link, a `Ref` or a `RefsList`.
        collection: the collection that it refers to.
        filter: what one of the items there must match.
    """

    path: FieldPath
    collection: str
    filter: Filter


Filter: TypeAlias = "Compare | And | Or | Not | Through"

EVERYTHING = And()  # the one that all functions here give: `is EVERYTHING` tells it, at no cost
NOTHING = Or()


def both(first: Filter, second: Filter) -> Filter:
    """Combine two filters with *and*, without needless nesting."""
    return all_of((first, second))


def all_of(filters: Iterable[Filter]) -> Filter:
    """Combine filters with *and*, without needless nesting."""
    parts: list[Filter] = []
    for whole in filters:
        if isinstance(whole, And):
            parts += whole.parts
        else:
            parts.append(whole)
    if not parts:
        return EVERYTHING
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def any_of(filters: Iterable[Filter]) -> Filter:
    """Combine filters with *or*, without needless nesting."""
    parts: list[Filter] = []
    for whole in filters:
        if isinstance(whole, Or):
            parts += whole.parts
        else:
            parts.append(whole)
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def complement(filter_: Filter) -> Filter:
    """Give the complement of a filter, without doubled negation."""
    return filter_.part if isinstance(filter_, Not) else Not(filter_)


def id_is_in(ids: tuple[str, ...]) -> Filter:
    """Match the items with these ids."""
    return Compare(("_id",), Operator.IN, ids, Kind.TEXT)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order: absent values come last both ways."""

    path: FieldPath
    kind: Kind
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Which documents, in which order, from where, how many.

    `_id` (ascending) always breaks ties, so an order is total. `after` holds, for a page that
    follows another, the comparable of each sort key of the last row seen (None where absent) and
    then its `_id`: only rows strictly after it in this order are given.
    """

    filter: Filter = EVERYTHING
    sort: tuple[SortKey, ...] = ()
    skip: int = 0
    limit: int | None = None
    after: tuple[Comparable | None, ...] | None = None

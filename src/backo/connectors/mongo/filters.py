"""Compile a filter into a condition of MongoDB.

A field with a cell is asked for by it: cells hold comparables of one type, and none where the field is
absent. Of the other fields, text, integers and truth are asked for as they are in the document; there
MongoDB would look into lists on the way and at the end, which a scalar field is not.

Whatever comes from outside stands behind an operator (`{"$eq": value}`), so nothing in it can be one.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any, assert_never

from backo.connectors.mongo.cells import bound
from backo.connectors.mongo.layout import Cell, Condition, Layout
from backo.connectors.texts import is_storable
from backo.query.filters import And, Compare, Filter, Not, Operator, Or, Through
from backo.schema.kinds import Kind

MOST_LEVELS = 25
"""The levels of nesting that are given to the server, which takes about twice as many."""

ALWAYS: Condition = {}
NEVER: Condition = {"_id": {"$in": []}}

NATIVE: dict[Kind, Any] = {Kind.TEXT: ["string"], Kind.INTEGER: ["int", "long", "double"], Kind.BOOLEAN: ["bool"]}
"""The kinds whose JSON form compares as their comparable does, and its types in MongoDB."""

_ORDER = {Operator.LT: "$lt", Operator.LTE: "$lte", Operator.GT: "$gt", Operator.GTE: "$gte"}
_MOST_OPERANDS = 100_000  # of one comparison; a statement has at most 16 MiB
_LONGEST_PART = 1_000  # characters of a text that is looked for in others


def can_push(compare: Compare, layout: Layout) -> bool:
    """Tell whether MongoDB answers a comparison exactly as `backo.query.matching` does."""
    is_in = compare.operator is Operator.IN
    operands: Any = compare.value if is_in else (compare.value,)
    if compare.operator is Operator.REG or len(operands) > _MOST_OPERANDS or not all(map(_is_scalar, operands)):
        return False
    if compare.operator is Operator.CONTAINS and not _is_part(compare):
        return False
    if compare.many:
        return (compare.path, compare.kind) in layout.list_of and None not in operands
    return is_known(compare.path, compare.kind, layout)


def is_known(path: tuple[str, ...], kind: Kind, layout: Layout) -> bool:
    """Tell whether MongoDB can be asked for a scalar field."""
    if path == ("_id",):
        return kind is Kind.TEXT
    return (path, kind) in layout.scalar_of or (layout.is_plain and kind in NATIVE)


def _is_scalar(operand: Any) -> bool:
    return not isinstance(operand, tuple) and (not isinstance(operand, str) or is_storable(operand))


def _is_part(compare: Compare) -> bool:
    part: Any = compare.value
    return compare.kind is Kind.TEXT and len(part) <= _LONGEST_PART and "\0" not in part


def levels(filter_: Filter) -> int:
    """Count the levels of nesting of a filter."""
    if isinstance(filter_, And | Or):
        return 1 + max(map(levels, filter_.parts), default=0)
    return 1 + levels(filter_.part) if isinstance(filter_, Not) else 1


def compiled(filter_: Filter, layout: Layout) -> Condition:
    """Compile a filter all of whose comparisons can be pushed."""
    match filter_:
        case And(parts):
            return joined("$and", [compiled(part, layout) for part in parts], ALWAYS)
        case Or(parts):
            return joined("$or", [compiled(part, layout) for part in parts], NEVER)
        case Not(Compare(operator=Operator.EQ, value=None) as compare):
            return _present(compare, layout)
        case Not(Not(part)):
            return compiled(part, layout)
        case Not(part):
            return {"$nor": [compiled(part, layout)]}
        case Compare():
            return _compared(filter_, layout)
        case Through():
            message = "a store knows one collection; a filter across a link is rewritten before it comes here"
            raise TypeError(message)
        case _:
            assert_never(filter_)


def joined(word: str, parts: list[Condition], empty: Condition) -> Condition:
    """Combine conditions with `$and` or `$or`."""
    if not parts:
        return empty
    return parts[0] if len(parts) == 1 else {word: parts}


def cell_of(compare: Compare, layout: Layout) -> Cell | None:
    """Find the cell that a comparison asks for; None where it is the `_id`, or the field itself."""
    cells = layout.list_of if compare.many else layout.scalar_of
    return cells.get((compare.path, compare.kind))


def _present(compare: Compare, layout: Layout) -> Condition:
    """Ask for the documents in which a field is not absent."""
    if compare.path == ("_id",):
        return ALWAYS
    cell = cell_of(compare, layout)
    if cell is not None:
        return {cell.place: {"$exists": True}}
    return {"$and": [*_outside_lists(compare), {".".join(compare.path): {"$type": NATIVE[compare.kind]}}]}


def _absent(compare: Compare, layout: Layout) -> Condition:
    cell = cell_of(compare, layout)
    return {cell.place: {"$exists": False}} if cell is not None else {"$nor": [_present(compare, layout)]}


def _outside_lists(compare: Compare) -> list[Condition]:
    """Ask that no step of a path is a list: MongoDB would go through it."""
    return [{place: {"$not": {"$type": "array"}}} for place in accumulate(compare.path, "{}.{}".format)]


def _compared(compare: Compare, layout: Layout) -> Condition:
    value: Any = compare.value
    if compare.operator is Operator.EQ and value is None:
        return _absent(compare, layout)
    if compare.operator is Operator.IN and None in value:
        others = Compare(compare.path, Operator.IN, tuple(one for one in value if one is not None), compare.kind)
        return {"$or": [_absent(compare, layout), _compared(others, layout)]}
    if compare.operator is Operator.CONTAINS and not value and not compare.many:
        return _present(compare, layout)
    test = _test(compare)
    if compare.path == ("_id",):
        return {layout.id_place: test}
    cell = cell_of(compare, layout)
    if cell is None:
        return {"$and": [*_outside_lists(compare), {".".join(compare.path): test}]}
    return {cell.place: {"$elemMatch": test} if cell.many and len(test) > 1 else test}


def _test(compare: Compare) -> Condition:
    """Write what a comparison asks of a value that is there."""
    value: Any = compare.value
    match compare.operator:
        case Operator.EQ:
            return {"$eq": bound(value, compare.kind)}
        case Operator.IN:
            return {"$in": [bound(one, compare.kind) for one in value]}
        case Operator.CONTAINS:
            return {"$regex": _quoted(value)}
        case Operator.LT | Operator.LTE | Operator.GT | Operator.GTE:
            test = {_ORDER[compare.operator]: bound(value, compare.kind)}
            return test | _same_type(value, compare.operator) if compare.kind is Kind.JSON else test
        case _:
            message = f"{compare.operator} is not for MongoDB"
            raise TypeError(message)


def _quoted(part: str) -> str:
    """Write a text as a pattern that finds it alone."""
    return "".join(f"\\{one}" if one in _SPECIAL else one for one in part)


_SPECIAL = frozenset("\\^$.|?*+()[]{}")


def _same_type(key: str, operator: Operator) -> Condition:
    """Keep an order of JSON keys to those of one JSON type, which their first letter names."""
    letter = key[0]
    if operator in {Operator.LT, Operator.LTE}:
        return {"$gte": letter}
    return {"$lt": chr(ord(letter) + 1)}

"""Compile a filter into a condition of SQL, with bound values only.

The logic of filters is two-valued, that of SQL has a third value for comparisons with NULL. Inside
`AND` and `OR` that value ends as false, as it should; `Not` asks `IS NOT TRUE`, its exact complement.
"""

# ruff: noqa: S608  # names in statements are ours and quoted, values are bound

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

from backo.connectors.sql.dialect import Condition, Dialect
from backo.connectors.sql.layout import Layout, ListTable, quoted
from backo.connectors.texts import is_storable
from backo.paths import FieldPath
from backo.query.filters import And, Compare, Filter, Not, Operator, Or, Through
from backo.schema.kinds import Kind

_WIDE = 200  # parts that are written side by side; more are grouped, for SQLite's trees have 1 000 levels at most

_SIGNS = {Operator.LT: "<", Operator.LTE: "<=", Operator.GT: ">", Operator.GTE: ">="}

ALWAYS = Condition("TRUE")
NEVER = Condition("FALSE")


def can_push(compare: Compare, layout: Layout) -> bool:
    """Tell whether SQL answers a comparison exactly as `backo.query.matching` does."""
    if compare.many and ((compare.path, compare.kind) not in layout.list_of or compare.value is None):
        return False
    is_in = compare.operator is Operator.IN
    operands: Any = compare.value if is_in else (compare.value,)
    if not all(map(_is_scalar, operands)) or (compare.many and None in operands):
        return False
    field = Condition("value") if compare.many else operand(compare.path, compare.kind, layout)
    if field is None:
        return False
    match compare.operator:
        case Operator.REG:
            return compare.kind is Kind.TEXT and layout.dialect.found(field, operands[0]) is not None
        case Operator.CONTAINS:
            return compare.kind is Kind.TEXT and layout.dialect.contains(field, operands[0]) is not None
    return True


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, tuple) and (not isinstance(value, str) or is_storable(value))


def levels(filter_: Filter) -> int:
    """Count the levels of nesting of a filter."""
    if isinstance(filter_, And | Or):
        return 1 + max(map(levels, filter_.parts), default=0)
    return 1 + levels(filter_.part) if isinstance(filter_, Not) else 1


def operand(path: FieldPath, kind: Kind, layout: Layout) -> Condition | None:
    """Give the expression for the comparable of a scalar field, NULL where it is absent; None where there is none."""
    if path == ("_id",):
        return Condition("t._id")
    cell = layout.scalar_of.get((path, kind))
    if cell is not None:
        return Condition(f"t.{quoted(cell.name)}")
    return layout.dialect.extracted(path, kind)


def _pushed_operand(path: FieldPath, kind: Kind, layout: Layout) -> Condition:
    found = operand(path, kind, layout)
    assert found is not None  # noqa: S101  # or it had not been pushed
    return found


def compiled(filter_: Filter, layout: Layout) -> Condition:
    """Compile a filter all of whose comparisons can be pushed.

    The rows in question are those of the alias `t`.
    """
    match filter_:
        case And(parts):
            return _joined("AND", [compiled(part, layout) for part in _nested_first(parts)], ALWAYS)
        case Or(parts):
            return _joined("OR", [compiled(part, layout) for part in _nested_first(parts)], NEVER)
        case Not(Compare(operator=Operator.EQ, value=None) as compare):
            present = _pushed_operand(compare.path, compare.kind, layout)
            return Condition(f"{present.text} IS NOT NULL", present.values)
        case Not(Not(part)):
            return compiled(part, layout)
        case Not(part):
            inner = compiled(part, layout)
            return Condition(f"({inner.text} IS NOT TRUE)", inner.values)
        case Compare():
            return _compared(filter_, layout)
        case Through():
            message = "a store knows one collection; a filter across a link is rewritten before it comes here"
            raise TypeError(message)
        case _:
            assert_never(filter_)


def _nested_first(parts: Iterable[Filter]) -> list[Filter]:
    """Put what has parts of its own in front, where a parser needs least room for it."""
    return sorted(parts, key=lambda part: isinstance(part, Compare))


def _joined(word: str, parts: list[Condition], empty: Condition) -> Condition:
    if not parts:
        return empty
    if len(parts) == 1:
        return parts[0]
    if len(parts) > _WIDE:
        groups = [_joined(word, parts[start : start + _WIDE], empty) for start in range(0, len(parts), _WIDE)]
        return _joined(word, groups, empty)
    values = tuple(value for part in parts for value in part.values)
    return Condition("(" + f" {word} ".join(part.text for part in parts) + ")", values)


def both(first: Condition, second: Condition) -> Condition:
    """Combine two conditions with AND."""
    return _joined("AND", [part for part in (first, second) if part != ALWAYS], ALWAYS)


def _compared(compare: Compare, layout: Layout) -> Condition:
    if not compare.many:
        return _test(compare, _pushed_operand(compare.path, compare.kind, layout), layout.dialect)
    list_ = layout.list_of[compare.path, compare.kind]
    inner = element_test(compare, layout.dialect)
    return Condition(f"t._id IN (SELECT _id FROM {quoted(list_.name)} WHERE {inner.text})", inner.values)


def element_test(compare: Compare, dialect: Dialect) -> Condition:
    """Compile a comparison on a list into a condition on the rows of its table."""
    return _test(compare, Condition("value"), dialect)


def _test(compare: Compare, field: Condition, dialect: Dialect) -> Condition:
    """Write what a comparison asks of an expression; NULL counts as false."""
    value: Any = compare.value
    match compare.operator:
        case Operator.EQ if value is None:
            return Condition(f"{field.text} IS NULL", field.values)
        case Operator.EQ:
            return Condition(f"{field.text} = ?", (*field.values, dialect.bound(value)))
        case Operator.IN:
            return _one_of(field, value, compare.kind, dialect)
        case Operator.CONTAINS:
            return dialect.contains(field, value) or NEVER  # it can be pushed
        case Operator.REG:
            return dialect.found(field, value) or NEVER  # as above
        case Operator.LT | Operator.LTE | Operator.GT | Operator.GTE:
            sign = _SIGNS[compare.operator]
            found = Condition(f"{field.text} {sign} ?", (*field.values, dialect.bound(value)))
            return both(found, _same_type(field, value, sign)) if compare.kind is Kind.JSON else found
        case _:
            assert_never(compare.operator)


def _same_type(field: Condition, key: str, sign: str) -> Condition:
    """Keep an order of JSON keys to those of one JSON type, which their first letter names."""
    letter = key[0]
    if sign.startswith("<"):
        return Condition(f"{field.text} >= ?", (*field.values, letter))
    return Condition(f"{field.text} < ?", (*field.values, chr(ord(letter) + 1)))


def _one_of(field: Condition, operands: tuple[Any, ...], kind: Kind, dialect: Dialect) -> Condition:
    present = list(dict.fromkeys(dialect.bound(value) for value in operands if value is not None))
    tests = [dialect.is_one_of(field, present, kind)] if present else []
    if None in operands:
        tests.append(Condition(f"{field.text} IS NULL", field.values))
    return _joined("OR", tests, NEVER)


def driving_list(filter_: Filter, layout: Layout) -> tuple[ListTable, Compare, Filter] | None:
    """Find a part of a filter that asks for one value of a list: its table gives the ids in their order.

    Returns:
        The table, the comparison, and the rest of the filter; None when there is no such part.
    """
    parts = filter_.parts if isinstance(filter_, And) else (filter_,)
    for part in parts:
        if isinstance(part, Compare) and part.many and part.operator is Operator.EQ:
            rest = tuple(other for other in parts if other is not part)
            return layout.list_of[part.path, part.kind], part, And(rest)
    return None

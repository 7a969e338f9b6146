"""Run a filter in memory: the reference meaning that every store is tested against.

A filter is compiled once into a function of one plain document. Beyond the rules of
`backo.query.filters`, in detail:

- A value is absent when its key is missing or null, or a step before it is. `EQ None` and an `IN`
  with None among its operands hold on it, all other comparisons do not.
- A path with `many` goes through the lists on its way and at its end: a comparison holds when one
  of the values found satisfies it, `EQ None` when one of them is absent. A list that is there but
  has no elements has no values, so nothing holds on it; a list that is absent is one absent value.
- A tuple as operand compares with each list found at the end of the path as a whole.
- On kind JSON a list is a value itself, beside its elements.
"""

from __future__ import annotations

import operator as relations
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, assert_never

from backo.query.filters import And, Compare, Filter, Not, Operator, Or, Through
from backo.query.patterns import searcher
from backo.query.reading import Document, all_lists, all_values, one_value, raw_value
from backo.schema.kinds import Kind

Matcher: TypeAlias = Callable[[Document], bool]
Test: TypeAlias = Callable[[Any], bool]  # of a comparable that is not None

_ORDER: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.LT: relations.lt,
    Operator.LTE: relations.le,
    Operator.GT: relations.gt,
    Operator.GTE: relations.ge,
}


def matcher(filter_: Filter, *, through: Callable[[Through], Matcher] | None = None) -> Matcher:
    """Compile a filter into a function that tells whether a document matches.

    >>> from backo.query.filters import id_is_in
    >>> matcher(id_is_in(("a", "b")))({"_id": "b"})
    True

    Args:
        filter_: the tree.
        through: compiles conditions across a link; without it a tree must have none.

    Raises:
        TypeError: there is such a condition, and no `through`.
    """
    match filter_:
        case Compare():
            return _compare(filter_)
        case And(parts):
            return _every([matcher(part, through=through) for part in parts])
        case Or(parts):
            return _some([matcher(part, through=through) for part in parts])
        case Not(part):
            inner = matcher(part, through=through)
            return lambda document: not inner(document)
        case Through():
            if through is None:
                message = f"the link {'.'.join(filter_.path)} has to be followed before documents are matched"
                raise TypeError(message)
            return through(filter_)
        case _:
            assert_never(filter_)


def _every(parts: list[Matcher]) -> Matcher:
    if len(parts) == 2:  # the usual number, at half the cost of the loop
        first, second = parts
        return lambda document: first(document) and second(document)

    def matches(document: Document) -> bool:
        for part in parts:  # noqa: SIM110  # `all` costs a generator
            if not part(document):
                return False
        return True

    return matches


def _some(parts: list[Matcher]) -> Matcher:
    def matches(document: Document) -> bool:
        for part in parts:  # noqa: SIM110  # `any` costs a generator
            if part(document):
                return True
        return False

    return matches


def _compare(compare: Compare) -> Matcher:
    operands = _operands(compare)
    if compare.operator not in (Operator.EQ, Operator.IN):
        return _holds(compare, _test(compare), on_absent=False)
    wholes = {operand for operand in operands if type(operand) is tuple}
    singles = {operand for operand in operands if type(operand) is not tuple}
    on_absent = None in singles
    singles.discard(None)
    parts = [_is_list(compare, wholes)] if wholes else []
    if singles or on_absent or not wholes:
        parts.append(_is_one_of(compare, singles, on_absent=on_absent))
    return parts[0] if len(parts) == 1 else _some(parts)


def _operands(compare: Compare) -> tuple[Any, ...]:
    value: Any = compare.value
    return tuple(value) if compare.operator is Operator.IN else (value,)


def _is_one_of(compare: Compare, singles: set[Any], *, on_absent: bool) -> Matcher:
    if not compare.many:  # the two usual questions need no comparable
        read = raw_value(compare.path)
        if not singles and on_absent and compare.kind is Kind.JSON:
            return lambda document: read(document) is None
        if len(singles) == 1 and not on_absent and compare.kind is Kind.TEXT:
            (single,) = singles
            return lambda document: bool(read(document) == single)
    return _holds(compare, frozenset(singles).__contains__, on_absent=on_absent)


def _is_list(compare: Compare, wholes: set[tuple[Any, ...]]) -> Matcher:
    read = all_lists(compare.path, compare.kind)
    return lambda document: not wholes.isdisjoint(read(document))


def _holds(compare: Compare, test: Test, *, on_absent: bool) -> Matcher:
    """Apply a test to the value of a field, or to each of its values."""
    if compare.many:
        asks_lists = compare.kind is Kind.JSON and any(str(operand)[:1] == "j" for operand in _operands(compare))
        read_all = all_values(compare.path, compare.kind, with_lists=asks_lists)

        def some_matches(document: Document) -> bool:
            for value in read_all(document):  # noqa: SIM110  # `any` costs a generator
                if on_absent if value is None else test(value):
                    return True
            return False

        return some_matches

    read = one_value(compare.path, compare.kind)

    def matches(document: Document) -> bool:
        value = read(document)
        return on_absent if value is None else test(value)

    return matches


def _test(compare: Compare) -> Test:
    """Build the test of an operator that never holds on absent values."""
    operand: Any = compare.value
    if compare.operator is Operator.REG:
        return searcher(operand)
    if compare.operator is Operator.CONTAINS:
        return lambda value: operand in value
    relation = _ORDER[compare.operator]
    if compare.kind is Kind.JSON:
        word = operand[:1]
        return lambda value: value[:1] == word and relation(value, operand)
    return lambda value: relation(value, operand)

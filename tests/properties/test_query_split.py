"""The filter law: what a store does and what is left to memory mean what the filter means."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backo.query.filters import And, Compare, Filter, Not, Operator, Or, all_of, any_of
from backo.query.matching import matcher
from backo.query.splitting import split
from backo.schema.kinds import Kind, comparable
from tests.query.strategies import documents, filters


@given(filters(), documents(), st.randoms(use_true_random=False))
def test_pushed_and_residual_are_the_filter(tree: Filter, rows: list[dict[str, Any]], random: Any) -> None:
    """Whatever a store can do, the two parts together select exactly what the filter selects."""
    known: dict[Compare, bool] = {}

    def can_push(compare: Compare) -> bool:
        return known.setdefault(compare, random.random() < 0.6)

    pushed, residual = split(tree, can_push)

    matches, first, second = matcher(tree), matcher(pushed), matcher(residual)
    assert [matches(row) for row in rows] == [first(row) and second(row) for row in rows]
    assert all(known[compare] for compare in _comparisons(pushed))


@given(filters(), documents())
def test_a_store_that_can_do_everything_leaves_nothing(tree: Filter, rows: list[dict[str, Any]]) -> None:
    """Nothing is residual when every comparison can be pushed."""
    pushed, residual = split(tree, lambda _: True)

    assert residual == And()
    assert [matcher(pushed)(row) for row in rows] == [matcher(tree)(row) for row in rows]


@given(filters(), documents())
def test_logic_is_two_valued(tree: Filter, rows: list[dict[str, Any]]) -> None:
    """A filter holds or does not, and its negation is the exact complement."""
    matches, opposite = matcher(tree), matcher(Not(tree))

    for row in rows:
        assert {matches(row), opposite(row)} == {True, False}
        assert isinstance(matches(row), bool)


@given(st.lists(filters(), max_size=3), documents())
def test_combining_keeps_the_meaning(trees: list[Filter], rows: list[dict[str, Any]]) -> None:
    """Flattened trees select what nested ones select."""
    for row in rows:
        assert matcher(all_of(trees))(row) is all(matcher(tree)(row) for tree in trees)
        assert matcher(any_of(trees))(row) is any(matcher(tree)(row) for tree in trees)


@given(filters(), documents())
def test_the_matcher_follows_the_written_rules(tree: Filter, rows: list[dict[str, Any]]) -> None:
    """A direct reading of the rules gives the same answers as the compiled matcher."""
    matches = matcher(tree)

    assert [matches(row) for row in rows] == [_holds(tree, row) for row in rows]


def _comparisons(tree: Filter) -> list[Compare]:
    match tree:
        case Compare():
            return [tree]
        case And(parts) | Or(parts):
            return [compare for part in parts for compare in _comparisons(part)]
        case Not(part):
            return _comparisons(part)
    raise AssertionError(tree)


def _holds(tree: Filter, row: dict[str, Any]) -> bool:
    match tree:
        case And(parts):
            return all(_holds(part, row) for part in parts)
        case Or(parts):
            return any(_holds(part, row) for part in parts)
        case Not(part):
            return not _holds(part, row)
        case Compare():
            operands = tree.value if tree.operator is Operator.IN else [tree.value]
            return any(_satisfies(tree, operand, row) for operand in operands)  # type: ignore[union-attr]  # IN: tuple
    raise AssertionError(tree)


def _satisfies(tree: Compare, operand: Any, row: dict[str, Any]) -> bool:
    """Tell whether one of the values at the end of the path stands in the relation to the operand."""
    ends = _ends(row, tree.path) if tree.many else [_end(row, tree.path)]
    if isinstance(operand, tuple):
        return any(isinstance(end, list) and [comparable(tree.kind, one) for one in end] == [*operand] for end in ends)
    values = [value for end in ends for value in (_elements(end, tree.kind) if tree.many else [end])]
    found = [comparable(tree.kind, value) for value in values]
    if operand is None:
        return None in found
    return any(value is not None and _relation(tree, value, operand) for value in found)


def _end(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _ends(value: Any, path: tuple[str, ...]) -> list[Any]:
    """Give what stands at the end of a path, lists on the way gone through."""
    if not path:
        return [value]
    if isinstance(value, list):
        return [end for element in value for end in _ends(element, path)]
    return _ends(value.get(path[0]) if isinstance(value, dict) else None, path[1:])


def _elements(value: Any, kind: Kind) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    inner = [one for element in value for one in _elements(element, kind)]
    return [value, *inner] if kind is Kind.JSON else inner


def _relation(tree: Compare, value: Any, operand: Any) -> bool:
    if tree.kind is Kind.JSON and value[0] != operand[0]:
        return False
    match tree.operator:
        case Operator.EQ | Operator.IN:
            return bool(value == operand)
        case Operator.LT:
            return bool(value < operand)
        case Operator.LTE:
            return bool(value <= operand)
        case Operator.GT:
            return bool(value > operand)
        case Operator.GTE:
            return bool(value >= operand)
        case Operator.CONTAINS:
            return operand in value
        case Operator.REG:
            return re.search(operand, value) is not None

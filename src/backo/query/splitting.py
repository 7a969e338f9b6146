"""Split a filter into what a store can do and what is left to do in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from backo.query.filters import And, Compare, Filter, Not, Or, Through, all_of, complement


def split(filter_: Filter, can_push: Callable[[Compare], bool]) -> tuple[Filter, Filter]:
    """Give (pushed, residual), which together mean what the filter means.

    A conjunction is split part by part, and a negated disjunction is one. Any other tree is pushed
    when the whole of it can be, so that the store applies its own complement to conditions that it
    knows exactly. Conditions across a link are never pushed.

    Args:
        filter_: the tree.
        can_push: whether the store gives exactly our meaning to one comparison.
    """
    pushed: list[Filter] = []
    residual: list[Filter] = []
    for part in _conjuncts(filter_):
        (pushed if _is_pushable(part, can_push) else residual).append(part)
    return all_of(pushed), all_of(residual)


def _conjuncts(filter_: Filter) -> list[Filter]:
    """List filters that all have to hold, as many and as small as can be."""
    match filter_:
        case And(parts):
            return [inner for part in parts for inner in _conjuncts(part)]
        case Or((part,)) | Not(Not(part)):
            return _conjuncts(part)
        case Not(Or(parts)):
            return [inner for part in parts for inner in _conjuncts(complement(part))]
        case Not(And((part,))):
            return _conjuncts(complement(part))
    return [filter_]


def _is_pushable(filter_: Filter, can_push: Callable[[Compare], bool]) -> bool:
    match filter_:
        case Compare():
            return can_push(filter_)
        case And(parts) | Or(parts):
            return all(_is_pushable(part, can_push) for part in parts)
        case Not(part):
            return _is_pushable(part, can_push)
        case Through():
            return False
        case _:
            assert_never(filter_)

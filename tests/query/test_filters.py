"""Trees are built without needless nesting."""

from __future__ import annotations

from backo.query.filters import (
    EVERYTHING,
    NOTHING,
    And,
    Compare,
    Not,
    Operator,
    Or,
    all_of,
    any_of,
    both,
    complement,
    id_is_in,
)
from backo.schema.kinds import Kind

A, B, C = (Compare((name,), Operator.EQ, 1, Kind.INTEGER) for name in "abc")


def test_conjunctions_are_flat() -> None:
    """Parts of parts become parts, one part stays itself, none is everything."""
    assert all_of([]) == EVERYTHING
    assert all_of([A]) == A
    assert all_of([A, And((B, C)), EVERYTHING]) == And((A, B, C))
    assert both(A, EVERYTHING) == A
    assert both(And((A, B)), C) == And((A, B, C))


def test_disjunctions_are_flat() -> None:
    """Parts of parts become parts, one part stays itself, none is nothing."""
    assert any_of([]) == NOTHING
    assert any_of([A]) == A
    assert any_of([A, Or((B, C)), NOTHING]) == Or((A, B, C))


def test_complements_are_not_doubled() -> None:
    """The complement of a complement is the filter itself."""
    assert complement(A) == Not(A)
    assert complement(Not(A)) == A


def test_ids() -> None:
    """A list of ids is a filter."""
    assert id_is_in(("x", "y")) == Compare(("_id",), Operator.IN, ("x", "y"), Kind.TEXT)

"""Filters are split between a store and memory."""

from __future__ import annotations

import pytest

from backo.query.filters import EVERYTHING, NOTHING, And, Compare, Filter, Not, Operator, Or, Through
from backo.query.splitting import split
from backo.schema.kinds import Kind


def field(name: str) -> Compare:
    """Compare a field."""
    return Compare((name,), Operator.EQ, 1, Kind.INTEGER)


A, B, C, D = map(field, "abcd")  # the store knows A and B
LINK = Through(("link",), "others", A)


@pytest.mark.parametrize(
    ("tree", "pushed", "residual"),
    [
        pytest.param(EVERYTHING, EVERYTHING, EVERYTHING, id="everything"),
        pytest.param(NOTHING, NOTHING, EVERYTHING, id="nothing"),
        pytest.param(A, A, EVERYTHING, id="known"),
        pytest.param(C, EVERYTHING, C, id="unknown"),
        pytest.param(And((A, C, B)), And((A, B)), C, id="and"),
        pytest.param(And((A, And((C, B)), D)), And((A, B)), And((C, D)), id="and-in-and"),
        pytest.param(Or((A, B)), Or((A, B)), EVERYTHING, id="or-known"),
        pytest.param(Or((A, C)), EVERYTHING, Or((A, C)), id="or-unknown"),
        pytest.param(Or((And((A, C)),)), A, C, id="or-of-one"),
        pytest.param(Not(A), Not(A), EVERYTHING, id="not-known"),
        pytest.param(Not(C), EVERYTHING, Not(C), id="not-unknown"),
        pytest.param(Not(And((A, C))), EVERYTHING, Not(And((A, C))), id="not-and"),
        pytest.param(Not(And((Not(A),))), A, EVERYTHING, id="not-and-of-one"),
        pytest.param(Not(Or((A, C))), Not(A), Not(C), id="not-or"),
        pytest.param(Not(Not(And((A, C)))), A, C, id="not-not"),
        pytest.param(And((A, LINK)), A, LINK, id="link"),
        pytest.param(Or((A, Not(LINK))), EVERYTHING, Or((A, Not(LINK))), id="link-inside"),
    ],
)
def test_a_filter_is_split(tree: Filter, pushed: Filter, residual: Filter) -> None:
    """A conjunction is split part by part, anything else goes whole."""
    assert split(tree, lambda compare: compare in (A, B)) == (pushed, residual)

"""Input never breaks a query: whatever comes in is understood or refused, in words that can be sent."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from backo import jsontext
from backo.errors import QueryError
from backo.query.cursors import decode_cursor
from backo.query.filters import Filter
from backo.query.matching import Matcher, matcher
from backo.query.parsing import parse_filter
from backo.query.strings import parse_list, parse_sort
from tests.query.fake_scope import PEOPLE
from tests.query.strategies import documents, hostile, hostile_pairs, sorts


def _accepted(read: Callable[[], Any]) -> Any:
    """Give what was read, or None where it was refused with a problem whose text can be sent."""
    try:
        return read()
    except QueryError as error:
        str(error).encode()  # a lone surrogate could not be sent
        for problem in error.problems:
            f"{problem.path} {problem.message}".encode()
        return None if error.problems else error


def _never(_: Any) -> Matcher:
    return lambda _: False


def _runs(tree: Filter, rows: list[dict[str, Any]]) -> None:
    matches = matcher(tree, through=_never)
    assert all(isinstance(matches(row), bool) for row in rows)


@given(hostile(), documents())
def test_a_filter_is_understood_or_refused(source: Any, rows: list[dict[str, Any]]) -> None:
    """Any Python value becomes a filter that runs, or an error that can be sent."""
    tree = _accepted(lambda: parse_filter(source, PEOPLE))

    if tree is not None:
        hash(tree)
        _runs(tree, rows)


@given(hostile_pairs(), documents())
@example([("name.$in", "\ud800")], [])
@example([("_sort", "\ud800"), ("_view", "\ud800")], [])
def test_a_query_string_is_understood_or_refused(pairs: list[tuple[str, str]], rows: list[dict[str, Any]]) -> None:
    """Any pairs become a request, or an error that can be sent."""
    request = _accepted(lambda: parse_list(pairs, PEOPLE))

    if request is not None:
        _runs(request.filter, rows)


@given(st.lists(st.text(st.characters(codec=None), max_size=8), max_size=3) | st.text(max_size=10))
def test_a_sort_is_understood_or_refused(names: Any) -> None:
    """Any texts become an order, or an error that can be sent."""
    _accepted(lambda: parse_sort(names, PEOPLE))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.text(st.characters(codec=None))
    | st.binary().map(lambda content: urlsafe_b64encode(content).decode())
    | JSON.map(lambda content: urlsafe_b64encode(jsontext.encode(content)).decode()),
    sorts(),
)
def test_a_cursor_is_understood_or_refused(text: str, sort: Any) -> None:
    """No text makes a cursor but ours."""
    assert _accepted(lambda: decode_cursor(sort, text)) is None


@given(documents(), JSON)
def test_documents_of_another_shape_are_read(rows: list[dict[str, Any]], value: Any) -> None:
    """What a stored document has instead of what its declaration says never raises."""
    tree = parse_filter(
        {
            "name.$gt": "a",
            "$or": [
                {"age.$lt": 3},
                {"height.$lt": 3},
                {"born.$lt": "2024-01-01"},
                {"balance.$lt": "3"},
                {"lines": {"marks": [1], "title.$reg": "a"}},
                {"free.x.$lt": 1},
                {"member": True},
            ],
        },
        PEOPLE,
    )
    names = ["name", "age", "height", "born", "balance", "lines", "free", "member", "address"]

    _runs(tree, [*rows, dict.fromkeys(names, value), {**dict.fromkeys(names, value), "name": "b"}])

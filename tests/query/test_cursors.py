"""Cursors come back as they went out, and only those."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from backo import jsontext
from backo.errors import QueryError
from backo.query.cursors import MAX_CURSOR, decode_cursor, encode_cursor
from backo.query.filters import SortKey
from backo.schema.kinds import Kind, decimal_key, instant_key, json_key

VALUES: dict[Kind, list[Any]] = {
    Kind.TEXT: ["", "Zoé 😀", "a,b\n"],
    Kind.INTEGER: [0, -(2**63), 2**63 - 1],
    Kind.REAL: [0.0, -1.5, 1e300, 3.0],
    Kind.BOOLEAN: [True, False],
    Kind.INSTANT: [0, instant_key("0001-01-01T00:00:00"), instant_key("9999-12-31T23:59:59.999999")],
    Kind.DECIMAL: [decimal_key(text) for text in ("0", "1.5", "-1.5", "1e999", "-1e-999")],
    Kind.JSON: [json_key(value) for value in (True, False, 0, -2.5, "", "x", [1], {"a": None})],
}
WRONG: dict[Kind, list[Any]] = {
    Kind.TEXT: [1, True, ["x"], "a\0"],
    Kind.INTEGER: ["1", 1.5, True, 2**63, [1]],
    Kind.REAL: ["1", True, 2**70, [1]],
    Kind.BOOLEAN: [1, "true", [True]],
    Kind.INSTANT: ["x", 2**62, -(2**62), 1.5, False],
    Kind.DECIMAL: ["", "x", "1.5", "2", "0", 1, decimal_key("1") + "x", decimal_key("-1") + "\n"],
    Kind.JSON: ["", "b", "b2", "n", "n1x", "x1", 1, True, "t\0"],
}


def by(kind: Kind) -> tuple[SortKey, ...]:
    """Sort by one field of a kind."""
    return (SortKey(("field",), kind, descending=True),)


def written(content: Any) -> str:
    """Write any JSON as a cursor is written."""
    return urlsafe_b64encode(jsontext.encode(content)).rstrip(b"=").decode()


def mark(sort: tuple[SortKey, ...]) -> str:
    """Give the mark of a sort."""
    cursor = encode_cursor(sort, (*(None for _ in sort), "x"))
    assert cursor
    return str(jsontext.decode(urlsafe_b64decode(cursor + "=="))[0])


@pytest.mark.parametrize("kind", Kind)
def test_a_cursor_comes_back(kind: Kind) -> None:
    """Every comparable, and none, makes the round trip with its type."""
    for value in [*VALUES[kind], None]:
        cursor = encode_cursor(by(kind), (value, "an-id"))

        assert cursor is not None
        assert cursor.replace("-", "").replace("_", "").isalnum()
        found = decode_cursor(by(kind), cursor)
        assert found == (value, "an-id")
        assert [type(part) for part in found] == [type(value), str]


@pytest.mark.parametrize("kind", Kind)
def test_a_value_of_another_kind_is_refused(kind: Kind) -> None:
    """What is no comparable of the sort key cannot reach a store."""
    for value in WRONG[kind]:
        with pytest.raises(QueryError, match="_after: Is not a cursor"):
            decode_cursor(by(kind), written([mark(by(kind)), [value, "an-id"]]))


def test_a_whole_number_is_a_float_where_the_field_is_one() -> None:
    """JSON does not tell 3 from 3.0."""
    sort = by(Kind.REAL)

    assert str(decode_cursor(sort, written([mark(sort), [3, "x"]]))) == "(3.0, 'x')"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((), id="none"),
        pytest.param((SortKey(("field",), Kind.TEXT),), id="ascending"),
        pytest.param((SortKey(("other",), Kind.TEXT, descending=True),), id="field"),
        pytest.param((SortKey(("field",), Kind.JSON, descending=True),), id="kind"),
        pytest.param(by(Kind.TEXT) * 2, id="two-keys"),
    ],
)
def test_a_cursor_belongs_to_its_sort(other: tuple[SortKey, ...]) -> None:
    """A cursor of another sort is refused, and the answer says so."""
    cursor = encode_cursor(by(Kind.TEXT), ("t", "an-id"))
    assert cursor

    with pytest.raises(QueryError, match="_after: Belongs to another sort"):
        decode_cursor(other, cursor)


SORT = by(Kind.TEXT)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("x", id="one-character"),
        pytest.param("é", id="not-ascii"),
        pytest.param("\ud800", id="surrogate"),
        pytest.param("\0", id="nul"),
        pytest.param("====", id="padding"),
        pytest.param("a" * (MAX_CURSOR + 1), id="long"),
        pytest.param(written(1), id="number"),
        pytest.param(written([]), id="nothing"),
        pytest.param(written(["x"]), id="mark-alone"),
        pytest.param(written([1, []]), id="mark-of-a-number"),
        pytest.param(written([mark(SORT), {}]), id="object"),
        pytest.param(written([mark(SORT), ["x", None]]), id="no-id"),
        pytest.param(written([mark(SORT), ["x", 1]]), id="id-of-a-number"),
        pytest.param(written([mark(SORT), ["x", "y"], 1]), id="too-much"),
        pytest.param(written([mark(SORT), [["x"], "y"]]), id="deep"),
        pytest.param("W" * 1000, id="deeper"),
    ],
)
def test_anything_else_is_no_cursor(text: str) -> None:
    """Whatever a client sends is answered by the same error."""
    with pytest.raises(QueryError, match="_after: Is not a cursor"):
        decode_cursor(SORT, text)


def test_a_position_of_another_length_belongs_to_another_sort() -> None:
    """Each sort key has its value."""
    with pytest.raises(QueryError, match="Belongs to another sort"):
        decode_cursor(SORT, written([mark(SORT), ["x"]]))


def test_a_long_value_has_no_cursor() -> None:
    """A cursor that no URL could hold is not made."""
    assert encode_cursor(SORT, ("x" * 3_000, "an-id")) is None

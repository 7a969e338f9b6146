"""Documents in order, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backo.query.filters import Compare, Operator, Query, SortKey
from backo.query.sorting import is_after, page, position
from backo.schema.kinds import Kind

NAME, AGE = SortKey(("name",), Kind.TEXT), SortKey(("age",), Kind.INTEGER)
NAME_DOWN, AGE_DOWN = SortKey(("name",), Kind.TEXT, descending=True), SortKey(("age",), Kind.INTEGER, descending=True)
BORN = SortKey(("meta", "born"), Kind.INSTANT)
BALANCE_DOWN = SortKey(("balance",), Kind.DECIMAL, descending=True)

DOCUMENTS: list[dict[str, Any]] = [
    {"_id": "a", "name": "Zoé", "age": 3, "meta": {"born": "2024-01-01T00:00:00+02:00"}, "balance": "10"},
    {"_id": "b", "name": "Zo", "age": 3, "meta": {"born": "2023-12-31T23:00:00"}, "balance": "9.5"},
    {"_id": "c", "name": None, "age": 1, "meta": None, "balance": "-10"},
    {"_id": "d", "age": 2, "balance": "-9.5"},
    {"_id": "e", "name": "éa"},
]


def ids(query: Query) -> str:
    """Give the ids of a page, run together."""
    return "".join(document["_id"] for document in page(reversed(DOCUMENTS), query, lambda document: document))


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        pytest.param((), "abcde", id="by-id"),
        pytest.param((SortKey(("_id",), Kind.TEXT, descending=True),), "edcba", id="by-id-descending"),
        pytest.param((NAME,), "baecd", id="absent-last"),
        pytest.param((NAME_DOWN,), "eabcd", id="absent-last-descending"),
        pytest.param((AGE, NAME_DOWN), "cdabe", id="two-keys"),
        pytest.param((AGE_DOWN, NAME), "badce", id="two-keys-other-way"),
        pytest.param((BORN,), "abcde", id="instants"),
        pytest.param((BALANCE_DOWN,), "abdce", id="decimals"),
    ],
)
def test_order(sort: tuple[SortKey, ...], order: str) -> None:
    """Keys come one after the other, absent values last both ways, `_id` breaks ties."""
    assert ids(Query(sort=sort)) == order
    assert ids(Query(sort=sort, limit=2)) == order[:2]
    assert ids(Query(sort=sort, skip=1, limit=2)) == order[1:3]
    assert ids(Query(sort=sort, skip=4)) == order[4:]
    assert ids(Query(sort=sort, skip=10**12, limit=10**12)) == ""
    assert ids(Query(sort=sort, limit=0)) == ""
    assert ids(Query(sort=sort, limit=-1)) == ""


@pytest.mark.parametrize("sort", [(), (NAME,), (NAME_DOWN,), (AGE_DOWN, NAME), (BALANCE_DOWN,)], ids=str)
def test_a_page_starts_after_a_position(sort: tuple[SortKey, ...]) -> None:
    """What comes after a document is exactly what follows it in the order."""
    everything = page(DOCUMENTS, Query(sort=sort), lambda document: document)

    for index, document in enumerate(everything):
        after = position(document, sort)
        assert page(DOCUMENTS, Query(sort=sort, after=after), lambda other: other) == everything[index + 1 :]
        assert [other for other in everything if is_after(other, sort, after)] == everything[index + 1 :]


def test_a_position_holds_comparables() -> None:
    """It has one comparable for each key, then the id."""
    sort = (NAME, BORN, BALANCE_DOWN)

    assert position({"_id": "x", "meta": {"born": "1970-01-01T00:00:01Z"}}, sort) == (None, 1_000_000, None, "x")


def test_a_page_is_filtered() -> None:
    """Only what matches is ordered and counted."""
    adult = Compare(("age",), Operator.GTE, 2, Kind.INTEGER)

    assert ids(Query(adult, (AGE,), skip=1)) == "ab"
    assert ids(Query(adult, (AGE,), skip=1, limit=1)) == "a"


class Row:
    """An item with a document, counted while it lives."""

    alive = most = 0

    def __init__(self, number: int) -> None:
        self.document = {"_id": str(number), "age": -number}
        Row.alive += 1
        Row.most = max(Row.most, Row.alive)

    def __del__(self) -> None:
        Row.alive -= 1


def test_a_page_needs_bounded_memory() -> None:
    """A limit bounds how many items are held, whatever their order."""

    def rows() -> Iterator[Row]:
        return (Row(number) for number in range(2_000))

    found = page(rows(), Query(sort=(AGE,), skip=5, limit=5))

    assert [row.document["age"] for row in found] == [-1994, -1993, -1992, -1991, -1990]
    assert Row.most < 20

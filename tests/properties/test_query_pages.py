"""Pages in memory: however they are turned, they give every item once, in one order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backo.query.cursors import decode_cursor, encode_cursor
from backo.query.filters import Filter, Query, SortKey
from backo.query.matching import matcher
from backo.query.sorting import page, position
from tests.query.strategies import documents, filters, sorts

Rows = list[dict[str, Any]]


def _page(rows: Rows, query: Query) -> Rows:
    return page(rows, query, lambda row: row)


@given(documents(), sorts())
def test_the_order_follows_the_written_rules(rows: Rows, sort: tuple[SortKey, ...]) -> None:
    """Keys one after the other, absent values last both ways, then `_id`."""
    expected = sorted(rows, key=lambda row: str(row["_id"]))
    for index in reversed(range(len(sort))):
        places: dict[str, Any] = {row["_id"]: position(row, sort)[index] for row in rows}
        present = [row for row in expected if places[row["_id"]] is not None]
        absent = [row for row in expected if places[row["_id"]] is None]
        present.sort(key=lambda row: places[row["_id"]], reverse=sort[index].descending)
        expected = present + absent

    assert _page(rows, Query(sort=sort)) == expected


@given(documents(), sorts(), filters(), st.integers(1, 4))
def test_cursors_turn_pages_as_slices_do(rows: Rows, sort: tuple[SortKey, ...], tree: Filter, size: int) -> None:
    """Following cursors gives the same pages as skipping, and each is a slice of the whole."""
    whole = _page(rows, Query(tree, sort))
    query = Query(tree, sort, limit=size)

    for start in range(0, len(whole) + 1, size):
        found = _page(rows, query)
        assert found == whole[start : start + size] == _page(rows, Query(tree, sort, skip=start, limit=size))
        if found:
            cursor = encode_cursor(sort, position(found[-1], sort))
            assert cursor is not None
            query = replace(query, after=decode_cursor(sort, cursor))


@given(documents(), sorts(), filters())
def test_a_page_has_what_matches(rows: Rows, sort: tuple[SortKey, ...], tree: Filter) -> None:
    """An order neither adds nor loses items."""
    matches = matcher(tree)

    found = _page(rows, Query(tree, sort))

    assert {row["_id"] for row in found} == {row["_id"] for row in rows if matches(row)}
    assert len(found) == len({row["_id"] for row in found})

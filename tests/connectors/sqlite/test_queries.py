"""Queries on SQLite mean what they mean in memory, whichever fields have columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo.connectors.base import Session
from backo.connectors.sqlite import DBSqliteConnector
from backo.errors import SessionError
from backo.query import sorting
from backo.query.filters import And, Compare, Filter, Not, Operator, Or, Query, SortKey
from backo.query.matching import matcher
from backo.schema.kinds import Kind
from backo.testing.connector_contract import insert, reading, save, update, writing
from tests.connectors.sqlite.stores import COLUMNS, integer, store_at, text
from tests.query.strategies import documents, filters, sorts

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module", params=COLUMNS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DBSqliteConnector]:
    """One empty store for all examples of a property: what an example writes is rolled back."""
    store = store_at(tmp_path_factory.mktemp("sqlite") / "things.db", *COLUMNS[request.param])
    yield store
    store.database.close()


def found(store: DBSqliteConnector, session: Session, query: Query) -> Rows:
    """Give the documents of a query."""
    return [stored.document for stored in store.find(session, query)]


def expected(rows: Rows, query: Query) -> Rows:
    """Give the documents of a query, as it is done in memory."""
    return sorting.page(rows, query, lambda row: row)


@given(documents(), filters(), sorts(), st.integers(0, 3), st.none() | st.integers(0, 4))
def test_a_query_gives_what_it_gives_in_memory(  # drawn by name
    shared: DBSqliteConnector, rows: Rows, tree: Filter, sort: tuple[SortKey, ...], skip: int, limit: int | None
) -> None:
    """Filter, order, skip and limit together."""
    query = Query(tree, sort, skip, limit)
    session = shared.database.begin(writing=True)
    try:
        shared.write(session, [insert(row) for row in rows])

        assert found(shared, session, query) == expected(rows, query)
        assert shared.count(session, tree) == sum(map(matcher(tree), rows))
    finally:
        session.rollback()


@given(documents(), sorts(), filters(), st.integers(1, 4), st.integers(0, 2))
def test_following_pages_are_slices(  # drawn by name
    shared: DBSqliteConnector, rows: Rows, sort: tuple[SortKey, ...], tree: Filter, size: int, skip: int
) -> None:
    """The page after a row, the page after some skipped ones, and all rows after it are slices of the whole."""
    whole = expected(rows, Query(tree, sort))
    session = shared.database.begin(writing=True)
    try:
        shared.write(session, [insert(row) for row in rows])

        for start, row in enumerate(whole, 1):
            query = Query(tree, sort, after=sorting.position(row, sort))
            assert found(shared, session, query) == whole[start:]
            page = replace(query, skip=skip, limit=size)
            assert found(shared, session, page) == whole[start + skip : start + skip + size]
    finally:
        session.rollback()


@given(documents(), documents(), filters())
def test_columns_follow_the_documents(shared: DBSqliteConnector, rows: Rows, others: Rows, tree: Filter) -> None:
    """After documents were replaced by others, queries know the new ones alone."""
    news = [{**other, "_id": row["_id"]} for row, other in zip(rows, others, strict=False)]
    present = {row["_id"]: row for row in rows} | {row["_id"]: row for row in news}
    session = shared.database.begin(writing=True)
    try:
        shared.write(session, [insert(row) for row in rows])
        shared.write(session, [update(row, expected=1, rev=2) for row in news])

        assert found(shared, session, Query(tree)) == expected(list(present.values()), Query(tree))
        assert shared.count(session, tree) == sum(map(matcher(tree), present.values()))
    finally:
        session.rollback()


def test_a_deep_filter_is_answered(shared: DBSqliteConnector) -> None:
    """Nesting that SQLite's parser has no room for is done in memory."""
    deep: Filter = Compare(("name",), Operator.EQ, "a", Kind.TEXT)
    for _ in range(60):
        deep = Or((And((Not(deep), And())), Or()))
    rows: Rows = [{"_id": "1", "name": "a"}, {"_id": "2", "name": "b"}]
    session = shared.database.begin(writing=True)
    try:
        shared.write(session, [insert(row) for row in rows])

        assert found(shared, session, Query(deep)) == expected(rows, Query(deep))
    finally:
        session.rollback()


@pytest.mark.parametrize("depth", [10, 22, 23, 24, 25, 26, 40])
def test_every_depth_is_answered(shared: DBSqliteConnector, depth: int) -> None:
    """Neither side of the limit of nesting is too much for SQLite."""
    deep: Filter = Compare(("tags",), Operator.IN, tuple(map(str, range(40))), Kind.TEXT, many=True)
    leaf = Compare(("height",), Operator.LT, 1.0, Kind.REAL)
    for _ in range(depth):
        deep = Not(Or((leaf, And((leaf, deep)))))
    rows: Rows = [{"_id": "1", "tags": ["1"], "height": 0.5}, {"_id": "2", "height": 2.5}]
    session = shared.database.begin(writing=True)
    try:
        shared.write(session, [insert(row) for row in rows])

        assert found(shared, session, Query(deep)) == expected(rows, Query(deep))
    finally:
        session.rollback()


@pytest.mark.parametrize(
    ("name", "kind", "make"),
    [
        pytest.param("name", Kind.TEXT, str, id="text"),
        pytest.param("age", Kind.INTEGER, int, id="integer"),
        pytest.param("height", Kind.REAL, lambda number: number / 7, id="real"),
    ],
)
def test_thousands_of_values_are_one_question(
    shared: DBSqliteConnector, name: str, kind: Kind, make: Callable[[int], Any]
) -> None:
    """`IN` takes more values than a statement takes parameters, and floats stay exact."""
    rows: Rows = [{"_id": str(number), name: make(number)} for number in range(50)]
    wanted = tuple(make(number) for number in range(0, 300_000, 2))
    session = shared.database.begin(writing=True)
    try:
        shared.write(session, [insert(row) for row in rows])

        assert shared.count(session, Compare((name,), Operator.IN, wanted, kind)) == 25
    finally:
        session.rollback()


def test_long_results_are_streamed(shared: DBSqliteConnector) -> None:
    """Rows come as they are asked for, while the session goes on with other things."""
    rows: Rows = [{"_id": f"{number:04}", "age": number} for number in range(1500)]
    session = shared.database.begin(writing=True)
    try:
        shared.write(session, [insert(row) for row in rows])

        stream = shared.find(session, Query())
        first = next(stream)
        shared.write(session, [update({"_id": "0001", "age": -1}, expected=1, rev=2)])
        ids = [first.id, *(stored.id for stored in stream)]

        assert ids == [row["_id"] for row in rows]
        assert len(found(shared, session, Query(limit=1200))) == 1200
    finally:
        session.rollback()


def test_a_stream_ends_with_its_session(tmp_path: Any) -> None:
    """What was not read when a session ended is an error, and disturbs nobody who has the connection next."""
    store = store_at(tmp_path / "things.db", integer("age", index=True))
    save(store, *({"_id": f"{number:04}"} for number in range(1000)))

    with reading(store) as session:
        stream = store.find(session, Query())
        next(stream)
        forgotten = store.find(session, Query())
        next(forgotten)

    with pytest.raises(SessionError, match="ended"):
        list(stream)
    del forgotten
    with writing(store) as session:
        store.write(session, [insert({"_id": "new"})])
    with reading(store) as session:
        assert store.count(session, And()) == 1001
    store.database.close()


def test_a_position_may_hold_what_no_row_has(tmp_path: Any) -> None:
    """A page goes on from any position: of a row that is gone, of a number beyond 64 bits."""
    store = store_at(tmp_path / "things.db", integer("age", index=True), text("name", index=True))
    save(store, {"_id": "a", "age": 1}, {"_id": "b", "age": 5}, {"_id": "c"})
    up, down = SortKey(("age",), Kind.INTEGER), SortKey(("age",), Kind.INTEGER, descending=True)

    with reading(store) as session:
        for sort, after, ids in [
            (up, (3, "x"), ["b", "c"]),
            (up, (10**30, "x"), ["c"]),
            (down, (10**30, "x"), ["b", "a", "c"]),
            (down, (-(10**30), "x"), ["c"]),
            (up, (None, "b"), ["c"]),
            (up, (None, "c"), []),
        ]:
            for limit in (None, 5):
                assert [
                    one["_id"] for one in found(store, session, Query(sort=(sort,), limit=limit, after=after))
                ] == ids
    store.database.close()

"""Queries on MongoDB mean what they mean in memory, whichever fields have columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backo.connectors.base import Session, Structure
from backo.connectors.mongo import DBMongoConnector
from backo.query import sorting
from backo.query.filters import And, Compare, Filter, Not, Operator, Or, Query, SortKey
from backo.query.matching import matcher
from backo.schema.kinds import Kind
from backo.testing.connector_contract import insert
from tests.connectors.sqlite.stores import COLUMNS
from tests.query.strategies import documents, filters, sorts
from tests.scale import scaled
from tests.servers import mongo_in

Rows = list[dict[str, Any]]

EXAMPLES = scaled(20, 1_000)


@pytest.fixture(scope="module", params=COLUMNS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DBMongoConnector]:
    """One empty store for all examples of a property: what an example writes is rolled back."""
    store = DBMongoConnector(connection_string=mongo_in(tmp_path_factory.mktemp("mongo")))
    store.declare(Structure("things", COLUMNS[request.param]))
    yield store
    store.database.close()


def found(store: DBMongoConnector, session: Session, query: Query) -> Rows:
    """Give the documents of a query."""
    return [stored.document for stored in store.find(session, query)]


def expected(rows: Rows, query: Query) -> Rows:
    """Give the documents of a query, as it is done in memory."""
    return sorting.page(rows, query, lambda row: row)


@settings(max_examples=EXAMPLES)
@given(documents(), filters(), sorts(), st.integers(0, 3), st.none() | st.integers(0, 4))
def test_a_query_gives_what_it_gives_in_memory(  # drawn by name
    shared: DBMongoConnector, rows: Rows, tree: Filter, sort: tuple[SortKey, ...], skip: int, limit: int | None
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


@settings(max_examples=EXAMPLES)
@given(documents(), sorts(), filters(), st.integers(1, 4), st.integers(0, 2))
def test_following_pages_are_slices(  # drawn by name
    shared: DBMongoConnector, rows: Rows, sort: tuple[SortKey, ...], tree: Filter, size: int, skip: int
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


def test_a_deep_filter_is_answered(shared: DBMongoConnector) -> None:
    """Nesting that MongoDB has no room for is done in memory."""
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

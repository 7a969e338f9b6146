"""Statements walk along indexes: asked from SQLite itself with EXPLAIN QUERY PLAN."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backo.connectors.base import Column
from backo.connectors.sql.dialect import Condition
from backo.connectors.sql.evolution import read_layout
from backo.connectors.sql.paging import counting, stretches
from backo.connectors.sqlite import DBSqliteConnector
from backo.connectors.sqlite.session import SqliteSession
from backo.paths import FieldPath
from backo.query.filters import EVERYTHING, And, Compare, Filter, Operator, Query, SortKey, id_is_in
from backo.schema.kinds import Comparable, Kind
from backo.testing.connector_contract import reading
from tests.connectors.sqlite.stores import integer, store_at, text

AGE = (SortKey(("age",), Kind.INTEGER),)
AGE_DOWN = (SortKey(("age",), Kind.INTEGER, descending=True),)
EMAIL = (SortKey(("email",), Kind.TEXT),)
ABOVE = Compare(("age",), Operator.GT, 3, Kind.INTEGER)
TAGGED = Compare(("tags",), Operator.EQ, "a", Kind.TEXT, many=True)
OF_PARENT = Compare(("parent",), Operator.EQ, "a", Kind.TEXT)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DBSqliteConnector]:
    """A store with a column of each sort."""
    path: Path = tmp_path_factory.mktemp("plans") / "things.db"
    columns: tuple[Column, ...] = (
        text("email", unique=True, index=True),
        integer("age", index=True),
        text("parent", link=True),
        text("tags", many=True, index=True),
    )
    store = store_at(path, *columns)
    yield store
    store.database.close()


def plans(store: DBSqliteConnector, query: Query) -> list[list[str]]:
    """Give the plan of each statement of a query, all of whose filter is pushed."""
    with reading(store) as session:
        assert isinstance(session, SqliteSession)
        layout = read_layout(session, store.table, store.catalogue)
        assert layout is not None
        statements = [
            stretch.select(query.limit, query.skip) for stretch in stretches(query, query.filter, layout) or ()
        ]
        return [explained(session, statement) for statement in statements]


def explained(session: SqliteSession, statement: Condition) -> list[str]:
    """Give the steps of the plan of one statement."""
    return [row[3] for row in session.rows("EXPLAIN QUERY PLAN " + statement.text, statement.values)]


def page(filter_: Filter = EVERYTHING, sort: tuple[SortKey, ...] = (), *after: Comparable | None) -> Query:
    """Make the query of a page."""
    return Query(filter_, sort, limit=20, after=after or None)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(page(), id="all"),
        pytest.param(page(EVERYTHING, (), "x"), id="all-next"),
        pytest.param(page(EVERYTHING, AGE), id="sorted"),
        pytest.param(page(EVERYTHING, AGE, 7, "x"), id="sorted-next"),
        pytest.param(page(EVERYTHING, AGE, None, "x"), id="sorted-next-absent"),
        pytest.param(page(ABOVE, AGE), id="filtered-sorted"),
        pytest.param(page(ABOVE, AGE, 7, "x"), id="filtered-sorted-next"),
        pytest.param(page(OF_PARENT), id="of-a-parent"),
        pytest.param(page(OF_PARENT, (), "x"), id="of-a-parent-next"),
        pytest.param(page(TAGGED), id="tagged"),
        pytest.param(page(TAGGED, (), "x"), id="tagged-next"),
        pytest.param(page(id_is_in(tuple("abcdefghijk"))), id="by-ids"),
    ],
)
def test_a_page_is_a_walk_along_an_index(store: DBSqliteConnector, query: Query) -> None:
    """No statement of these pages sorts, or goes through a table in another order."""
    for plan in plans(store, query):
        assert "INDEX" in plan[0] or "PRIMARY KEY" in plan[0], plan
        assert not any("TEMP B-TREE" in step for step in plan), plan


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(page(EVERYTHING, EMAIL), id="unique"),
        pytest.param(page(EVERYTHING, EMAIL, "a", "x"), id="unique-next"),
    ],
)
def test_a_unique_index_gives_an_order_too(store: DBSqliteConnector, query: Query) -> None:
    """Present values come along the unique index; the few absent ones are left for the last stretch."""
    *present, absent = plans(store, query)

    assert all("things/email#unique" in plan[0] for plan in present)
    assert "TEMP B-TREE" not in "".join(absent)


def test_a_page_downwards_is_cut_along_the_index(store: DBSqliteConnector) -> None:
    """The key at which a page ends is looked up in the index alone; the rows with that key come along it."""
    with reading(store) as session:
        assert isinstance(session, SqliteSession)
        layout = read_layout(session, store.table, store.catalogue)
        assert layout is not None
        first, *_ = stretches(page(EVERYTHING, AGE_DOWN), EVERYTHING, layout) or []
        _, with_key = first.cut_at(7)

        assert explained(session, first.select_cut(19)) == ["SEARCH t USING COVERING INDEX things/age#index (age>?)"]
        assert explained(session, with_key.select(20, 0)) == ["SEARCH t USING INDEX things/age#index (age=?)"]


@pytest.mark.parametrize(
    ("filter_", "step"),
    [
        pytest.param(EVERYTHING, "SCAN things USING COVERING INDEX things/#rows", id="all"),
        pytest.param(ABOVE, "SEARCH t USING COVERING INDEX things/age#index (age>?)", id="range"),
        pytest.param(OF_PARENT, "SEARCH t USING COVERING INDEX things/parent#index (parent=?)", id="link"),
        pytest.param(TAGGED, "SEARCH things/tags USING PRIMARY KEY (value=?)", id="list"),
        pytest.param(And((TAGGED,)), "SEARCH things/tags USING PRIMARY KEY (value=?)", id="list-in-and"),
        pytest.param(
            Compare(("age",), Operator.EQ, None, Kind.INTEGER),
            "SEARCH t USING COVERING INDEX things/age#index (age=?)",
            id="absent",
        ),
    ],
)
def test_a_count_reads_an_index_alone(store: DBSqliteConnector, filter_: Filter, step: str) -> None:
    """Documents are not touched, whatever their number."""
    with reading(store) as session:
        assert isinstance(session, SqliteSession)
        layout = read_layout(session, store.table, store.catalogue)
        assert layout is not None
        (found,) = explained(session, counting(filter_, layout))

    assert found.startswith(step)


@pytest.mark.parametrize("path", [("parent",), ("friends",)], ids=str)
def test_referrers_read_an_index_alone(tmp_path: Path, path: FieldPath, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who refers to an item, or to many, is read from the index of the link."""
    store = store_at(tmp_path / "a.db", text("parent", link=True), text("friends", many=True, link=True))
    asked: list[list[str]] = []
    run = SqliteSession.rows

    def rows(session: SqliteSession, statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        if statement.startswith("SELECT") and "_id" in statement and "sqlite_master" not in statement:
            asked.append([row[3] for row in run(session, "EXPLAIN QUERY PLAN " + statement, values)])
        return run(session, statement, values)

    with reading(store) as session:
        monkeypatch.setattr(SqliteSession, "rows", rows)
        store.referrers(session, path, ["a"], 10)
        store.referrers(session, path, [str(number) for number in range(30)], 10)
        monkeypatch.undo()

    assert len(asked) == 2
    for plan in asked:
        assert "COVERING INDEX" in plan[0] or "PRIMARY KEY" in plan[0]
        assert not any("TEMP B-TREE" in step for step in plan)
    store.database.close()

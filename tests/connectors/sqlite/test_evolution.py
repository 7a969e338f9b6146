"""Tables follow the declaration: what is new is added and filled, what is gone is kept up."""

from __future__ import annotations

from pathlib import Path

import pytest

from backo.connectors.base import Column, Structure
from backo.connectors.sql.evolution import evolution
from backo.connectors.sql.layout import Cell, Layout
from backo.connectors.sqlite import DBSqliteConnector
from backo.connectors.sqlite.dialect import DIALECT
from backo.errors import DBError, StoredDataError
from backo.query.filters import EVERYTHING, Compare, Operator, Query, SortKey
from backo.schema.kinds import Kind
from backo.testing.connector_contract import contents, delete, insert, reading, refused, save, update, writing
from tests.connectors.sqlite.stores import column_names, integer, names_in, sql, store_at, text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that does not exist yet, in a folder that does not either."""
    return tmp_path / "data" / "things.db"


def reopened(path: Path, *columns: Column) -> DBSqliteConnector:
    """Declare the collection of a file anew, after the present stores have been closed."""
    store = store_at(path, *columns)
    store.database.close()
    return store


def test_nothing_is_made_before_the_first_use(path: Path) -> None:
    """Declaring touches no file; using makes it, with its folder."""
    store = store_at(path, text("name", index=True))
    assert not path.parent.exists()

    assert contents(store) == {}

    assert column_names(path) == ["_id", "_rev", "_schema", "name", "_document"]
    assert names_in(path, "table") == {"_backo", "things"}
    assert names_in(path, "index") == {"things/#rows", "things/name#index"}
    store.database.close()


def test_a_list_has_a_table_of_its_own(path: Path) -> None:
    """Its values are kept beside the documents, each once."""
    store = store_at(path, text("tags", many=True, index=True))

    save(store, {"_id": "a", "tags": ["x", "y", "x", None]})

    assert sql(path, 'SELECT value, _id FROM "things/tags"') == [("x", "a"), ("y", "a")]
    assert column_names(path) == ["_id", "_rev", "_schema", "_document"]
    store.database.close()


def test_a_new_column_is_filled_at_the_first_use(path: Path) -> None:
    """Documents that were there before are found by it; the document stays the last column."""
    store = reopened(path, text("name", index=True))
    save(store, *({"_id": f"{number:04}", "name": "n", "age": number % 7, "x": {"y": "z"}} for number in range(2500)))
    before = contents(store)

    store = reopened(path, text("name", index=True), integer("age", index=True), text("x", "y"))

    with reading(store) as session:
        assert store.count(session, Compare(("age",), Operator.EQ, 3, Kind.INTEGER)) == 357
        assert store.count(session, Compare(("name",), Operator.EQ, "n", Kind.TEXT)) == 2500
    assert contents(store) == before
    assert column_names(path) == ["_id", "_rev", "_schema", "name", "age", "x.y", "_document"]
    assert names_in(path, "index") == {"things/#rows", "things/name#index", "things/age#index"}
    assert sql(path, 'SELECT DISTINCT "x.y" FROM things') == [("z",)]
    store.database.close()


def test_a_new_list_is_filled_at_the_first_use(path: Path) -> None:
    """A link list that is declared later knows the links stored before."""
    store = reopened(path)
    save(store, {"_id": "a", "friends": ["c", "b"]}, {"_id": "b", "friends": None}, {"_id": "c"})

    store = reopened(path, text("friends", many=True, link=True))

    with reading(store) as session:
        assert store.referrers(session, ("friends",), ["b", "a", "c"], 9) == [("b", "a"), ("c", "a")]
    store.database.close()


def test_an_index_alone_does_not_rewrite_the_table(path: Path) -> None:
    """A column that was there without an index gets one; one that is unique now too."""
    store = reopened(path, text("name"), text("email"))
    save(store, {"_id": "a", "name": "x", "email": "e"}, {"_id": "b", "name": "x"}, {"_id": "c"})
    rows = sql(path, "SELECT rowid, * FROM things")

    store = reopened(path, text("name", index=True), text("email", unique=True))

    assert len(contents(store)) == 3
    assert names_in(path, "index") == {"things/#rows", "things/name#index", "things/email#unique"}
    assert sql(path, "SELECT rowid, * FROM things") == rows
    store.database.close()


def test_what_is_not_declared_any_more_is_kept_up(path: Path) -> None:
    """Documents written meanwhile are there when the column is declared again."""
    columns = (text("name", index=True), text("tags", many=True))
    store = reopened(path, *columns)
    save(store, {"_id": "a", "name": "x", "tags": ["t"]}, {"_id": "b", "name": "y"})

    store = reopened(path)
    save(store, {"_id": "c", "name": "x", "tags": ["t", "u"]})
    with writing(store) as session:
        store.write(session, [update({"_id": "b", "name": "x"}, expected=1, rev=2), delete("a")])

    store = reopened(path, *columns)
    with reading(store) as session:
        assert store.count(session, Compare(("name",), Operator.EQ, "x", Kind.TEXT)) == 2
        assert store.count(session, Compare(("tags",), Operator.EQ, "t", Kind.TEXT, many=True)) == 1
    store.database.close()


def test_a_store_that_runs_fills_what_another_one_adds(path: Path) -> None:
    """While an older declaration writes, a newer one finds all documents by its new columns."""
    older = store_at(path, text("name", index=True))
    save(older, {"_id": "a", "name": "x", "age": 1})
    newer = store_at(path, text("name", index=True), integer("age", index=True), text("tags", many=True))
    save(newer, {"_id": "b", "age": 1})

    save(older, {"_id": "c", "age": 1, "tags": ["t"]})

    with reading(newer) as session:
        assert newer.count(session, Compare(("age",), Operator.EQ, 1, Kind.INTEGER)) == 3
        assert newer.count(session, Compare(("tags",), Operator.EQ, "t", Kind.TEXT, many=True)) == 1
    newer.database.close()


def test_values_of_another_kind_have_another_column(path: Path) -> None:
    """A field that was text and is a number now is filtered and sorted as a number."""
    store = reopened(path, text("age", index=True), text("AGE", index=True))
    save(store, {"_id": "a", "age": "9", "AGE": "1"})

    store = reopened(path, integer("age", index=True))
    save(store, {"_id": "b", "age": 10}, {"_id": "c", "age": 9})

    with reading(store) as session:
        sort = (SortKey(("age",), Kind.INTEGER),)
        assert [one.id for one in store.find(session, Query(sort=sort, limit=9))] == ["c", "b", "a"]
    assert column_names(path)[3:-1] == ["age", "AGE~2", "age~3"]
    store.database.close()


def test_a_unique_column_that_is_not_unique_is_refused(path: Path) -> None:
    """The error names the path and the items of one repeated value, and no value; nothing has changed."""
    store = reopened(path)
    emails = ["x", "x", "x", "y", "y", "z", None, None]
    save(store, *({"_id": str(number), "email": email} for number, email in enumerate(emails)))

    broken = reopened(path, text("email", unique=True), integer("age", index=True))

    expected = r"things: \$\.email cannot be unique: the items '0', '1', '2' have the same value"
    with reading(broken) as session, pytest.raises(StoredDataError, match=expected):
        broken.count(session, EVERYTHING)
    assert column_names(path) == ["_id", "_rev", "_schema", "_document"]
    broken.database.close()


def test_a_store_that_cannot_be_prepared_leaves_the_others_alone(path: Path) -> None:
    """Other stores of the file work, and so does this one when its data have been mended."""
    store = reopened(path)
    save(store, {"_id": "a", "email": "x"}, {"_id": "b", "email": "x"})
    broken = reopened(path, text("email", unique=True))
    other = store_at(path, collection="others")
    with reading(broken) as session, pytest.raises(DBError):
        broken.get(session, ["a"])

    save(other, {"_id": "a"})
    with writing(other) as session:
        store.write(session, [delete("b")])
    broken.database.close()  # forgets when to try again

    assert set(contents(broken)) == {"a"}
    with refused(broken) as session:
        broken.write(session, [insert({"_id": "c", "email": "x"})])
    broken.database.close()


def test_a_unique_column_that_may_repeat_now_does(path: Path) -> None:
    """The rule goes with its declaration, also when the table is written anew."""
    store = reopened(path, text("email", unique=True), text("name", unique=True))
    save(store, {"_id": "a", "email": "x", "name": "n"})

    store = reopened(path, text("email", index=True), text("name", unique=True))
    save(store, {"_id": "b", "email": "x", "name": "m"})
    store = reopened(path, text("email", index=True), text("name"), integer("age"))
    save(store, {"_id": "c", "email": "x", "name": "n"})

    assert names_in(path, "index") == {"things/#rows", "things/email#index"}
    assert column_names(path)[3:-1] == ["email", "name", "age"]
    store.database.close()


def test_a_newer_layout_is_refused(path: Path) -> None:
    """Both versions are named, and nothing is written."""
    store = reopened(path)
    save(store, {"_id": "a"})
    store.database.close()
    sql(path, "UPDATE _backo SET value = 7 WHERE key = 'layout'")

    with reading(store) as session, pytest.raises(DBError, match=r"in version 7; .* up to version 1"):
        store.get(session, ["a"])
    with writing(store) as session, pytest.raises(DBError, match="version 7"):
        store.write(session, [insert({"_id": "b"})])
    store.database.close()


def test_an_upgrade_under_a_running_store_is_noticed(path: Path) -> None:
    """A process that was there first does not write into a layout that it does not know."""
    store = store_at(path)
    save(store, {"_id": "a"})
    sql(path, "UPDATE _backo SET value = 7 WHERE key = 'layout'")
    sql(path, "CREATE TABLE something (new)")

    with writing(store) as session, pytest.raises(DBError, match="version 7"):
        store.write(session, [insert({"_id": "b"})])
    store.database.close()


def test_a_table_of_somebody_else_is_left_alone(path: Path) -> None:
    """A table that is not in our notes is refused, whatever the case of its name; other tables are no matter."""
    path.parent.mkdir()
    sql(path, "CREATE TABLE Things (a)")
    sql(path, "CREATE VIEW look AS SELECT * FROM others")

    store = store_at(path)
    other = store_at(path, collection="others")
    save(other, {"_id": "a"})
    other = reopened(path, text("name", index=True))
    other = store_at(path, text("name", index=True), collection="others")

    with reading(store) as session, pytest.raises(DBError, match=r"'things' .* was not made by backo"):
        store.get(session, ["a"])
    assert set(contents(other)) == {"a"}
    other.database.close()


def test_a_table_that_vanishes_is_an_error(path: Path) -> None:
    """A file whose table was removed by somebody says so."""
    store = store_at(path)
    save(store, {"_id": "a"})
    sql(path, "DROP TABLE things")
    sql(path, "DELETE FROM _backo WHERE key <> 'layout'")

    with writing(store) as session, pytest.raises(DBError, match="removed"):
        store.write(session, [insert({"_id": "b"})])
    store.database.close()


def test_a_plan_is_what_is_missing() -> None:
    """Planning compares two descriptions, without a file."""
    name, age = Cell("name", ("name",), Kind.TEXT), Cell("age", ("age",), Kind.INTEGER)
    indexes = frozenset({"things/name#unique", "things/age#index"})
    layout = Layout("things", DIALECT, (name, age), indexes=indexes)

    nothing = evolution(
        layout, Structure("things", (integer("age", index=True), text("name", unique=True))), is_new=False
    )
    plan = evolution(layout, Structure("things", (text("_id"), text("name", index=True))), is_new=False)
    new = evolution(Layout("things", DIALECT), Structure("things"), is_new=True)

    assert not nothing
    assert new
    assert (plan.cells, plan.indexes, plan.dropped) == ((), ((name, False),), ("things/name#unique",))

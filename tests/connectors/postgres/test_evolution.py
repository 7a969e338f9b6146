"""Tables follow the declaration: what is new is added and filled, what is gone is kept up."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from backo.connectors.base import Column
from backo.connectors.postgres import DBPostgresConnector
from backo.errors import DBError, DefinitionError, StoredDataError
from backo.query.filters import EVERYTHING, Compare, Operator, Query, SortKey
from backo.schema.kinds import Kind
from backo.testing.connector_contract import contents, delete, insert, reading, refused, save, update, writing
from tests.connectors.postgres.stores import column_names, indexes, sql, store_at
from tests.connectors.sqlite.stores import integer, text
from tests.servers import postgres_in

TIMEOUT = 60.0  # seconds after which something is thought to hang


def reopened(folder: Path, store: DBPostgresConnector, *columns: Column) -> DBPostgresConnector:
    """Declare a collection anew, as a process does that starts after the other one has ended."""
    store.database.close()
    return store_at(folder, *columns)


def test_nothing_is_made_before_the_first_use(tmp_path: Path) -> None:
    """Declaring makes nothing; using makes the tables."""
    store = store_at(tmp_path, text("name", index=True), text("tags", many=True))
    assert sql(tmp_path, "SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace") == []

    assert contents(store) == {}

    assert column_names(tmp_path) == ["_id", "_rev", "_schema", "name", "_document"]
    assert indexes(tmp_path) == {"things/name#index", "things/tags#holder"}
    store.database.close()


def test_what_is_new_is_filled_at_the_first_use(tmp_path: Path) -> None:
    """Documents that were there before are found by new columns and lists, more than one batch of them."""
    store = store_at(tmp_path, text("name", index=True))
    save(store, *({"_id": f"{number:04}", "name": "n", "age": number % 7, "tags": ["t"]} for number in range(1500)))
    before = contents(store)

    store = reopened(tmp_path, store, text("name", index=True), integer("age", index=True), text("tags", many=True))

    with reading(store) as session:
        assert store.count(session, Compare(("age",), Operator.EQ, 3, Kind.INTEGER)) == 214
        assert store.count(session, Compare(("tags",), Operator.EQ, "t", Kind.TEXT, many=True)) == 1500
    assert contents(store) == before
    assert column_names(tmp_path) == ["_id", "_rev", "_schema", "name", "_document", "age"]
    assert indexes(tmp_path) == {"things/name#index", "things/age#index", "things/tags#holder"}
    store.database.close()


def test_what_is_not_declared_any_more_is_kept_up(tmp_path: Path) -> None:
    """Documents written meanwhile are there when the column is declared again."""
    columns = (text("name", index=True), text("tags", many=True))
    store = store_at(tmp_path, *columns)
    save(store, {"_id": "a", "name": "x", "tags": ["t"]}, {"_id": "b", "name": "y"})

    store = reopened(tmp_path, store)
    save(store, {"_id": "c", "name": "x", "tags": ["t", "u"]})
    with writing(store) as session:
        store.write(session, [update({"_id": "b", "name": "x"}, expected=1, rev=2), delete("a")])

    store = reopened(tmp_path, store, *columns)
    with reading(store) as session:
        assert store.count(session, Compare(("name",), Operator.EQ, "x", Kind.TEXT)) == 2
        assert store.count(session, Compare(("tags",), Operator.EQ, "t", Kind.TEXT, many=True)) == 1
    store.database.close()


def test_a_process_that_runs_fills_what_another_one_adds(tmp_path: Path) -> None:
    """While an older declaration writes, a newer one finds all documents by its new columns."""
    older = store_at(tmp_path, text("name"), process="older")
    save(older, {"_id": "a", "age": 1})
    newer = store_at(tmp_path, text("name"), integer("age", index=True), text("tags", many=True), process="newer")
    save(newer, {"_id": "b", "age": 1})

    save(older, {"_id": "c", "age": 1, "tags": ["t"]})

    with reading(newer) as session:
        assert newer.count(session, Compare(("age",), Operator.EQ, 1, Kind.INTEGER)) == 3
        assert newer.count(session, Compare(("tags",), Operator.EQ, "t", Kind.TEXT, many=True)) == 1
    for store in (older, newer):
        store.database.close()


def test_values_of_another_kind_have_another_column(tmp_path: Path) -> None:
    """A field that was text and is a number now is filtered and sorted as a number."""
    store = store_at(tmp_path, text("age", index=True))
    save(store, {"_id": "a", "age": "9"})

    store = reopened(tmp_path, store, integer("age", index=True))
    save(store, {"_id": "b", "age": 10}, {"_id": "c", "age": 9})

    with reading(store) as session:
        sort = (SortKey(("age",), Kind.INTEGER),)
        assert [one.id for one in store.find(session, Query(sort=sort, limit=9))] == ["c", "b", "a"]
    assert column_names(tmp_path) == ["_id", "_rev", "_schema", "age", "_document", "age~2"]
    store.database.close()


def test_a_unique_column_that_is_not_unique_is_refused(tmp_path: Path) -> None:
    """The error names the path and the items of one repeated value, and no value; other stores work."""
    store = store_at(tmp_path)
    save(store, *({"_id": str(number), "email": email} for number, email in enumerate(["x", "x", "y", None, None])))
    broken = reopened(tmp_path, store, text("email", unique=True), integer("age", index=True))
    other = store_at(tmp_path, collection="others")

    expected = r"things: \$\.email cannot be unique: the items '0', '1' have the same value"
    with reading(broken) as session, pytest.raises(StoredDataError, match=expected):
        broken.count(session, EVERYTHING)
    save(other, {"_id": "a"})
    assert column_names(tmp_path) == ["_id", "_rev", "_schema", "_document"]

    sql(tmp_path, "DELETE FROM things WHERE _id = '1'")
    broken.database.close()  # forgets when to try again
    with refused(broken) as session:
        broken.write(session, [insert({"_id": "c", "email": "x"})])
    broken.database.close()


def test_a_unique_column_that_may_repeat_now_does(tmp_path: Path) -> None:
    """The rule goes with its declaration."""
    store = store_at(tmp_path, text("email", unique=True))
    save(store, {"_id": "a", "email": "x"})

    store = reopened(tmp_path, store, text("email"))
    save(store, {"_id": "b", "email": "x"})

    assert indexes(tmp_path) == set()
    store.database.close()


def test_a_newer_layout_is_refused(tmp_path: Path) -> None:
    """Both versions are named, and nothing is written."""
    store = store_at(tmp_path)
    save(store, {"_id": "a"})
    store.database.close()
    sql(tmp_path, "UPDATE _backo SET value = '7' WHERE key = 'layout'")

    with reading(store) as session, pytest.raises(DBError, match=r"in version 7; .* up to version 1"):
        store.get(session, ["a"])
    with pytest.raises(DBError, match="version 7"):
        store.structure_differences()
    with pytest.raises(DBError, match="version 7"):
        store.mend_structure()
    store.database.close()


def test_a_table_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """A table that is not in our notes is refused, not mended; other tables are no matter."""
    sql(tmp_path, "CREATE TABLE things (a int)")
    store, other = store_at(tmp_path), store_at(tmp_path, collection="Things")

    with reading(store) as session, pytest.raises(DBError, match=r"'things' .* was not made by backo"):
        store.get(session, ["a"])
    with pytest.raises(DBError, match="was not made by backo"):
        store.mend_structure()
    save(other, {"_id": "a"})
    assert set(contents(other)) == {"a"}
    store.database.close()


@pytest.mark.parametrize("name", ['x"; DROP TABLE y --', "50% of $1", "Größe " + "é" * 27, "select", "_id", "a.b"])
def test_tables_with_odd_names(tmp_path: Path, name: str) -> None:
    """They are written, found, given another column and mended as any other."""
    store = store_at(tmp_path, text("a" * 63, index=True), text("tags", many=True), collection=name)
    save(store, {"_id": "a", "a" * 63: "x", "tags": ["t"]})
    store.database.close()
    store = store_at(
        tmp_path, text("a" * 63, index=True), text("tags", many=True), text("b", unique=True), collection=name
    )

    store.mend_structure()

    assert store.structure_differences() == []
    with reading(store) as session:
        assert store.count(session, Compare(("a" * 63,), Operator.EQ, "x", Kind.TEXT)) == 1
        assert store.count(session, Compare(("tags",), Operator.EQ, "t", Kind.TEXT, many=True)) == 1
    store.database.close()


@pytest.mark.parametrize("name", ["a?", "é" * 32, "a/b", "_backo"])
def test_names_that_no_table_can_have(tmp_path: Path, name: str) -> None:
    """They are refused at declaration."""
    with pytest.raises(DefinitionError):
        store_at(tmp_path, collection=name)


def test_processes_that_start_at_once(tmp_path: Path) -> None:
    """On an empty schema, each makes what the others have not made yet; nothing is lost."""
    postgres_in(tmp_path)
    worker = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from backo.testing.connector_contract import save
        from tests.connectors.postgres.stores import store_at
        from tests.connectors.sqlite.stores import integer, text

        number = int(sys.argv[2])
        columns = (text("name", unique=True), integer("age", index=True), text("tags", many=True))
        store = store_at(Path(sys.argv[1]), *columns[number % 2:])
        sys.stdin.read()
        save(store, {"_id": str(number), "name": str(number), "age": 1, "tags": ["t"]})
        store.database.close()
        os._exit(0)  # the schema stays
        """
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", worker, str(tmp_path), str(number)], env=environment, stdin=subprocess.PIPE
        )
        for number in range(2)
    ]
    for one in started:
        assert one.stdin is not None
        one.stdin.close()
    assert [one.wait(TIMEOUT) for one in started] == [0, 0]

    store = store_at(tmp_path, text("name", unique=True), integer("age", index=True), text("tags", many=True))
    with reading(store) as session:
        assert store.count(session, Compare(("name",), Operator.GTE, "", Kind.TEXT)) == 2
        assert store.count(session, Compare(("age",), Operator.EQ, 1, Kind.INTEGER)) == 2
        assert store.count(session, Compare(("tags",), Operator.EQ, "t", Kind.TEXT, many=True)) == 2
    store.database.close()

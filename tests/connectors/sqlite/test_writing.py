"""Batches of writes: revisions, unique values, and what is left untouched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from backo.connectors.base import Document, Write
from backo.connectors.memory import DBMemoryConnector
from backo.connectors.sqlite import DBSqliteConnector
from backo.connectors.sqlite.session import SqliteSession
from backo.errors import ConflictError, DBError, Problem
from backo.testing.connector_contract import contents, delete, insert, reading, refused, save, update, writing
from tests.connectors.sqlite.stores import integer, sql, store_at, text


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DBSqliteConnector]:
    """A store with unique columns, an index and a list."""
    store = store_at(
        tmp_path / "things.db",
        text("email", unique=True),
        text("home", "phone", unique=True),
        integer("age", index=True),
        text("tags", many=True, index=True),
    )
    yield store
    store.database.close()


def cells(store: DBSqliteConnector) -> list[tuple[object, ...]]:
    """Give what is kept beside the documents, behind the back of the store."""
    return sql(store.database.path, 'SELECT _id, _rev, email, "home.phone", age FROM things ORDER BY _id')


def test_a_taken_value_is_named_by_its_path(store: DBSqliteConnector) -> None:
    """The problem names the path, and neither the value nor the item that has it."""
    save(store, {"_id": "first", "email": "x", "home": {"phone": "1"}})

    taken: list[tuple[Document, str]] = [
        ({"_id": "b", "email": "x"}, "$.email"),
        ({"_id": "b", "email": "y", "home": {"phone": "1"}}, "$.home.phone"),
    ]
    for document, path in taken:
        session = store.database.begin(writing=True)
        with pytest.raises(ConflictError) as caught:
            store.write(session, [insert(document)])
        session.rollback()

        assert caught.value.problems == (Problem(path, "unique", "this value is taken"),)
        assert "first" not in str(caught.value)


def test_all_taken_values_are_named(store: DBSqliteConnector) -> None:
    """Each path whose value is taken has its problem, whoever in the batch wants it; what is given up is free."""
    save(
        store,
        {"_id": "a", "email": "x", "home": {"phone": "1"}},
        {"_id": "b", "email": "y", "home": {"phone": "2"}},
        {"_id": "c", "email": "z"},
    )
    both, email, phone = ["$.email", "$.home.phone"], ["$.email"], ["$.home.phone"]
    batches: list[tuple[list[Write], list[str]]] = [
        ([insert({"_id": "n", "email": "x", "home": {"phone": "1"}})], both),
        ([insert({"_id": "n", "email": "x", "home": {"phone": "2"}})], both),
        ([insert({"_id": "n", "email": "x"}), insert({"_id": "m", "home": {"phone": "2"}})], both),
        ([update({"_id": "c", "email": "x", "home": {"phone": "1"}}, expected=1, rev=2)], both),
        ([insert({"_id": id_, "email": "n", "home": {"phone": "n"}}) for id_ in "nm"], both),
        ([delete("a"), insert({"_id": "n", "email": "y", "home": {"phone": "1"}})], email),
        (
            [
                update({"_id": "c", "email": "x", "home": {"phone": "2"}}, expected=1, rev=2),
                update({"_id": "a", "email": "z"}, expected=1, rev=2),
            ],
            phone,
        ),
    ]
    memory = DBMemoryConnector()
    memory.declare(store.structure)
    save(memory, *contents(store).values())
    for batch, paths in batches:
        for one in (store, memory):
            session = one.database.begin(writing=True)
            with pytest.raises(ConflictError) as caught:
                one.write(session, batch)
            session.rollback()

            assert [problem.path for problem in caught.value.problems] == paths


@pytest.mark.parametrize("document", [{"_id": "a"}, {"_id": "a", "email": "x"}])
def test_an_id_that_exists_is_a_conflict_without_a_problem(store: DBSqliteConnector, document: Document) -> None:
    """An inserted `_id` that is there says so, also when the unique value is its own."""
    save(store, document)

    session = store.database.begin(writing=True)
    with pytest.raises(ConflictError, match="_id") as caught:
        store.write(session, [insert(document)])
    session.rollback()

    assert caught.value.problems == ()


def test_a_rule_of_somebody_else_is_an_error_of_the_store(store: DBSqliteConnector) -> None:
    """What a trigger refuses is neither our uniqueness nor anybody's conflict."""
    save(store, {"_id": "a"})
    rule = "CREATE TRIGGER no BEFORE UPDATE ON things BEGIN SELECT RAISE(ABORT, 'no'); END"
    sql(store.database.path, rule)

    session = store.database.begin(writing=True)
    with pytest.raises(DBError, match="SQLITE_CONSTRAINT_TRIGGER"):
        store.write(session, [update({"_id": "a"}, expected=1, rev=2)])
    session.rollback()


def test_unique_values_go_around(store: DBSqliteConnector) -> None:
    """Three documents pass their values on in one batch, in any order."""
    save(store, *({"_id": id_, "email": id_, "home": {"phone": id_}, "age": 1} for id_ in "abc"))

    with writing(store) as session:
        turned = zip("abc", "bca", strict=True)
        news = [{"_id": id_, "email": new, "home": {"phone": new}, "age": 2} for id_, new in turned]
        store.write(session, [update(document, expected=1, rev=2) for document in news])

    assert cells(store) == [("a", 2, "b", "b", 2), ("b", 2, "c", "c", 2), ("c", 2, "a", "a", 2)]


def test_a_value_given_up_is_free_in_the_same_batch(store: DBSqliteConnector) -> None:
    """By a deletion or by a change, for a change or for a new document, whatever the order in the batch."""
    save(store, {"_id": "a", "email": "x"}, {"_id": "b", "email": "y"})

    with writing(store) as session:
        store.write(
            session,
            [
                insert({"_id": "c", "email": "y"}),
                update({"_id": "b", "email": "x"}, expected=1, rev=2),
                delete("a"),
            ],
        )

    assert {id_: document["email"] for id_, document in contents(store).items()} == {"b": "x", "c": "y"}


def test_a_value_that_stays_is_not_free(store: DBSqliteConnector) -> None:
    """Clearing before setting lets no two documents of a batch end with the same value."""
    save(store, *({"_id": id_, "email": id_} for id_ in "abc"))

    with refused(store) as session:
        news: list[Document] = [
            {"_id": "a", "email": "b"},
            {"_id": "b", "email": "b", "age": 5},
            {"_id": "c", "email": "x"},
        ]
        store.write(session, [update(document, expected=1, rev=2) for document in news])
    with refused(store) as session:
        news = [{"_id": "a", "email": "z"}, {"_id": "b", "email": "z"}]
        store.write(session, [update(document, expected=1, rev=2) for document in news])

    assert cells(store) == [("a", 1, "a", None, None), ("b", 1, "b", None, None), ("c", 1, "c", None, None)]


def test_only_cells_that_change_are_set(store: DBSqliteConnector, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change leaves the indexes and the lists alone that it does not concern."""
    save(store, {"_id": "a", "email": "x", "age": 1, "tags": ["t", "u"]})
    run: list[str] = []
    change_many = SqliteSession.change_many

    def noted(session: SqliteSession, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        run.append(statement)
        change_many(session, statement, rows)

    monkeypatch.setattr(SqliteSession, "change_many", noted)

    with writing(store) as session:
        store.write(session, [update({"_id": "a", "email": "x", "age": 2, "tags": ["u", "t"]}, expected=1, rev=2)])
    with writing(store) as session:
        store.write(session, [update({"_id": "a", "email": "x", "age": 2, "tags": ["u", "v"]}, expected=2, rev=3)])

    assert run == [
        'UPDATE "things" SET _rev = ?, _schema = ?, "age" = ?, _document = ? WHERE _id = ?',
        'UPDATE "things" SET _rev = ?, _schema = ?, _document = ? WHERE _id = ?',
        'DELETE FROM "things/tags" WHERE value = ? AND _id = ?',
        'INSERT INTO "things/tags" ("value", "_id") VALUES (?, ?)',
    ]


def test_a_deleted_document_leaves_nothing(store: DBSqliteConnector) -> None:
    """Neither its row nor the values of its lists stay."""
    save(store, {"_id": "a", "tags": ["x"]}, {"_id": "b", "tags": ["x", "y"]})

    with writing(store) as session:
        store.write(session, [delete("b")])

    assert sql(store.database.path, 'SELECT value, _id FROM "things/tags"') == [("x", "a")]


def test_an_empty_batch_is_nothing(store: DBSqliteConnector) -> None:
    """Writing nothing is allowed."""
    with writing(store) as session:
        store.write(session, [])

    assert contents(store) == {}


def test_large_batches_are_few_statements(store: DBSqliteConnector) -> None:
    """Thousands of documents are changed and removed at once; each is judged by its own revision."""
    count = 3000
    save(store, *({"_id": f"{number:04}", "email": str(number), "age": number} for number in range(count)))

    with writing(store) as session:
        news = [{"_id": f"{number:04}", "email": str(count - number), "age": number} for number in range(count)]
        store.write(session, [update(document, expected=1, rev=2) for document in news])
    with refused(store) as session:
        store.write(session, [delete(f"{number:04}", expected=2 if number else 1) for number in range(count)])
    with writing(store) as session:
        store.write(session, [delete(f"{number:04}", expected=2) for number in range(1, count)])

    assert contents(store) == {"0000": {"_id": "0000", "email": "3000", "age": 0}}


def test_what_a_session_wrote_it_reads(store: DBSqliteConnector) -> None:
    """Before the commit the session alone sees it."""
    with writing(store) as session:
        store.write(session, [insert({"_id": "a", "tags": ["x"]})])
        store.write(session, [update({"_id": "a", "tags": ["y"]}, expected=1, rev=2)])

        assert store.get(session, ["a"])["a"].document == {"_id": "a", "tags": ["y"]}
        with reading(store) as other:
            assert store.get(other, ["a"]) == {}

"""What MongoDB is given, what it had before, and how it fails."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from backo import (
    ConflictError,
    DBError,
    DefinitionError,
    SessionError,
    StoredDataError,
    TransientError,
    ValidationError,
)
from backo.connectors.base import Column, Lock, Structure
from backo.connectors.mongo import DBMongoConnector
from backo.connectors.mongo.database import MongoDatabase
from backo.query.filters import EVERYTHING, Compare, Operator, Query, SortKey
from backo.schema.kinds import Kind
from backo.testing.connector_contract import (
    contents,
    delete,
    exactly,
    insert,
    read,
    reading,
    refused,
    rev_of,
    save,
    update,
    writing,
)
from tests.servers import mongo_in

NAME = Column(("name",), Kind.TEXT, index=True)
EMAIL = Column(("email",), Kind.TEXT, unique=True)
BY_NAME = (SortKey(("name",), Kind.TEXT),)


def store_at(folder: Path, *columns: Column, **options: Any) -> DBMongoConnector:
    """Make a store and tell it its structure."""
    store = DBMongoConnector(connection_string=mongo_in(folder), **options)
    store.declare(Structure("things", columns))
    return store


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[Database[dict[str, Any]]]:
    """Speak to the database as another program does."""
    with MongoClient[dict[str, Any]](mongo_in(tmp_path)) as client:
        yield client.get_default_database()


# What is kept


def test_other_programs_find_the_fields_of_an_item(tmp_path: Path, raw: Database[dict[str, Any]]) -> None:
    """They are at the top, in their JSON form, with what is ours beside them."""
    born = Column(("home", "since"), Kind.INSTANT, index=True)
    store = store_at(tmp_path, NAME, born)
    save(store, {"_id": "a", "name": "Jo", "home": {"since": "1970-01-01T00:00:01Z", "zip": None}})
    store.database.close()

    document = raw["things"].find_one()

    assert document == {
        "_id": "a",
        "name": "Jo",
        "home": {"since": "1970-01-01T00:00:01Z", "zip": None},
        "_rev": 1,
        "_schema": "f",
        "_cells": {"name": "Jo", "home/since": 1_000_000, "_layout": 2},
    }


@pytest.mark.parametrize(
    "value",
    [
        2**70,
        {"$gt": ""},
        {"a.b": {"$where": "1"}},
        {"_json": "1"},
        {"_json": {"_json": 1}},
        {"in": {"": [{"nul\0": 2**64}]}},
    ],
    ids=repr,
)
def test_what_the_server_would_change_is_kept_as_it_is(tmp_path: Path, value: Any) -> None:
    """Keys that mean something, and integers that are too large, are no exception."""
    store = store_at(tmp_path)
    document = {"_id": "a", "free": value, "list": [value], "group": {"name": "Jo", "free": value}}
    save(store, document)

    found = read(store, "a")

    assert found is not None
    assert exactly(found.document) == exactly(document)
    with reading(store) as session:
        query = Query(Compare(("group", "name"), Operator.EQ, "Jo", Kind.TEXT))
        assert [one.id for one in store.find(session, query)] == ["a"]
    store.database.close()


def test_deep_nesting_is_kept(tmp_path: Path) -> None:
    """The server takes a hundred levels."""
    value: Any = "deep"
    for _ in range(150):
        value = [{"in": value}]
    store = store_at(tmp_path)
    save(store, {"_id": "a", "free": value})

    assert contents(store) == {"a": {"_id": "a", "free": value}}
    store.database.close()


def test_a_document_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """What a caller sent is at fault, not the server."""
    store = store_at(tmp_path)
    session = store.database.begin(writing=True)

    with pytest.raises(ValidationError, match="16 MiB"):
        store.write(session, [insert({"_id": "a", "text": "x" * 17_000_000})])

    session.rollback()
    assert contents(store) == {}
    store.database.close()


def test_all_unique_values_that_are_taken_are_named(tmp_path: Path) -> None:
    """Also those that the server did not look at any more."""
    store = store_at(tmp_path, EMAIL, Column(("nick",), Kind.TEXT, unique=True))
    save(store, {"_id": "a", "email": "x", "nick": "y"})

    with pytest.raises(ConflictError) as caught, writing(store) as session:
        store.write(session, [insert({"_id": "b", "email": "x", "nick": "y"})])

    assert [(problem.path, problem.code) for problem in caught.value.problems] == [
        ("$.email", "unique"),
        ("$.nick", "unique"),
    ]
    store.database.close()


# What was there before


def test_documents_of_other_programs_are_read(tmp_path: Path, raw: Database[dict[str, Any]]) -> None:
    """Ids of the server are texts, in order among the others; what JSON has no word for is text too."""
    one, other = ObjectId("65a000000000000000000001"), ObjectId("65a000000000000000000002")
    raw["things"].insert_many(
        [
            {"_id": other, "name": "b", "friend": one, "since": datetime(2024, 2, 29, 12, tzinfo=UTC)},
            {"_id": "zz", "name": "a", "price": Decimal128("1.50")},
            {"_id": one, "name": None},
        ]
    )
    store = store_at(tmp_path, NAME, Column(("friend",), Kind.TEXT, link=True))

    with reading(store) as session:
        assert [found.document for found in store.find(session, Query())] == [
            {"_id": str(one), "name": None},
            {"_id": str(other), "name": "b", "friend": str(one), "since": "2024-02-29T12:00:00Z"},
            {"_id": "zz", "name": "a", "price": "1.50"},
        ]
        assert [found.id for found in store.find(session, Query(sort=BY_NAME))] == ["zz", str(other), str(one)]
        assert store.get(session, [str(one)])[str(one)].rev == 0
        assert store.referrers(session, ("friend",), [str(one)], 9) == [(str(one), str(other))]
        same = Compare(("since",), Operator.EQ, "2024-02-29T12:00:00Z", Kind.TEXT)
        assert [found.id for found in store.find(session, Query(same))] == [str(other)]
    store.database.close()


def test_documents_of_other_programs_are_changed(tmp_path: Path, raw: Database[dict[str, Any]]) -> None:
    """They keep their ids, which no new item may have, and are ours from then on."""
    id_ = ObjectId()
    raw["things"].insert_many([{"_id": id_, "name": "a"}, {"_id": ObjectId(), "name": "b"}])
    store = store_at(tmp_path, NAME)
    with writing(store) as session:
        assert set(store.get(session, [str(id_)], Lock.EXCLUSIVE)) == {str(id_)}
        store.write(session, [update({"_id": str(id_), "name": "c"}, expected=0, rev=7)])

    assert rev_of(store, str(id_)) == 7
    with refused(store) as session:
        store.write(session, [insert({"_id": str(id_)})])
    with refused(store) as session:
        store.write(session, [update({"_id": str(id_)}, expected=0, rev=8)])
    with writing(store) as session:
        store.write(session, [delete(str(id_), expected=7)])
    assert raw["things"].find_one({"_id": id_}) is None
    store.database.close()


def test_a_collection_with_numbers_as_ids_is_refused(tmp_path: Path, raw: Database[dict[str, Any]]) -> None:
    """They could not be told from texts."""
    raw["things"].insert_one({"_id": 5})
    store = store_at(tmp_path)

    with pytest.raises(DBError, match="neither a text nor an ObjectId"):
        contents(store)

    store.database.close()


# Another declaration


def test_a_new_column_is_filled(tmp_path: Path) -> None:
    """Documents that were there are found by it, and unique values hold for them."""
    before = store_at(tmp_path)
    save(before, {"_id": "a", "name": "x", "email": "x"}, {"_id": "b", "name": "w"})
    now = store_at(tmp_path, NAME, EMAIL)

    with reading(now) as session:
        assert [found.id for found in now.find(session, Query(sort=BY_NAME, limit=5))] == ["b", "a"]
    with refused(now) as session:
        now.write(session, [insert({"_id": "c", "email": "x"})])
    save(before, {"_id": "d", "name": "v"})
    with reading(now) as session:
        assert [found.id for found in now.find(session, Query(sort=BY_NAME, limit=5))] == ["d", "b", "a"]
    now.database.close()


def test_a_column_that_cannot_be_unique_is_refused(tmp_path: Path) -> None:
    """The items are named, and nothing is done; without the wish all is well again."""
    before = store_at(tmp_path)
    save(before, {"_id": "a", "email": "x"}, {"_id": "b", "email": "x"})
    strict = store_at(tmp_path, EMAIL)

    with pytest.raises(StoredDataError, match="the items 'a', 'b' have the same value"):
        contents(strict)

    strict.declare(Structure("things", (Column(("email",), Kind.TEXT, index=True),)))
    assert set(contents(strict)) == {"a", "b"}
    strict.database.close()


def test_a_value_need_not_be_unique_any_more(tmp_path: Path) -> None:
    """The index that would refuse it goes at once."""
    before = store_at(tmp_path, EMAIL)
    save(before, {"_id": "a", "email": "x"})
    now = store_at(tmp_path, Column(("email",), Kind.TEXT, index=True))

    save(now, {"_id": "b", "email": "x"})

    assert set(contents(now)) == {"a", "b"}
    now.database.close()


def test_a_newer_layout_is_refused(tmp_path: Path, raw: Database[dict[str, Any]]) -> None:
    """Who wrote it knows more than we do."""
    raw["_backo"].insert_one({"_id": "layout", "version": 99})
    store = store_at(tmp_path)

    with pytest.raises(DBError, match="version 99"):
        contents(store)

    store.database.close()


# Several at once


def test_who_wants_a_locked_document_waits(tmp_path: Path) -> None:
    """Also late in a unit of work: what it did before is done again."""
    store = store_at(tmp_path)
    save(store, {"_id": "a"}, {"_id": "b"})
    first = store.database.begin(writing=True)
    store.get(first, ["a"], Lock.EXCLUSIVE)
    store.write(first, [update({"_id": "a", "n": 1}, expected=1, rev=2)])
    second = store.database.begin(writing=True)
    store.write(second, [update({"_id": "b", "n": 1}, expected=1, rev=2), insert({"_id": "c"})])
    timer = threading.Timer(0.1, first.commit)
    timer.start()

    found = store.get(second, ["a"], Lock.SHARED)
    second.commit()

    timer.join()
    assert found["a"].rev == 2
    assert contents(store) == {"a": {"_id": "a", "n": 1}, "b": {"_id": "b", "n": 1}, "c": {"_id": "c"}}
    store.database.close()


def test_a_lock_that_was_taken_over_is_no_lock(tmp_path: Path) -> None:
    """A unit that had to begin anew, and finds that others locked its document meanwhile, has to be run again."""
    store = store_at(tmp_path)
    save(store, {"_id": "a"}, {"_id": "b"})
    holder = store.database.begin(writing=True)
    store.get(holder, ["b"], Lock.EXCLUSIVE)
    session = store.database.begin(writing=True)
    store.get(session, ["a"], Lock.EXCLUSIVE)
    begin_anew = session._begin_anew

    def interrupted() -> bool:
        session._abort()
        with writing(store) as other:
            store.get(other, ["a"], Lock.SHARED)
        holder.rollback()
        return begin_anew()

    session._begin_anew = interrupted  # type: ignore[method-assign]
    with pytest.raises(TransientError):
        store.get(session, ["b"], Lock.EXCLUSIVE)

    session.rollback()
    store.database.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_opens_a_client_of_its_own(tmp_path: Path) -> None:
    """It neither uses nor ends what its parent has open."""
    store = store_at(tmp_path)
    save(store, {"_id": "a"})
    session = store.database.begin(writing=True)
    store.write(session, [insert({"_id": "b"})])
    client = store.database.client

    def child() -> None:
        with pytest.raises(SessionError):
            store.get(session, ["a"])
        session.rollback()
        assert store.database.client is not client
        save(store, {"_id": "c"})
        store.database.close()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    session.commit()

    assert process.exitcode == 0
    assert set(contents(store)) == {"a", "b", "c"}
    store.database.close()


# Servers that stand alone, or are away


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server say that it has no transactions."""
    monkeypatch.setattr(MongoDatabase, "_hello", lambda self: {"isWritablePrimary": True})


def test_a_server_that_stands_alone_is_warned_of(tmp_path: Path, alone: None, caplog: pytest.LogCaptureFixture) -> None:
    """Once, when it is first used."""
    store = store_at(tmp_path)
    with caplog.at_level(logging.WARNING, "backo.mongo"):
        save(store, {"_id": "a"})
        assert set(contents(store)) == {"a"}

    assert [record.getMessage() for record in caplog.records if "replica set" in record.getMessage()] == [
        record.getMessage() for record in caplog.records
    ]
    assert len(caplog.records) == 1
    store.database.close()


def test_on_a_server_that_stands_alone_a_refused_unit_is_taken_back(tmp_path: Path, alone: None) -> None:
    """As far as nobody has changed it since."""
    store = store_at(tmp_path, EMAIL)
    save(store, *({"_id": id_, "email": id_} for id_ in "abc"))
    before = contents(store)
    session = store.database.begin(writing=True)
    swap = [
        update({"_id": "a", "email": "b"}, expected=1, rev=2),
        update({"_id": "b", "email": "a"}, expected=1, rev=2),
    ]
    store.write(session, [*swap, delete("c", expected=1), insert({"_id": "d", "email": "c"})])
    assert {id_: row["email"] for id_, row in contents(store).items()} == {"a": "b", "b": "a", "d": "c"}

    session.rollback()

    assert contents(store) == before
    with refused(store) as other:
        store.write(other, [insert({"_id": "e", "email": "e"}), insert({"_id": "f", "email": "a"})])
    with refused(store) as other:
        store.write(other, [insert({"_id": "e"}), delete("a", expected=9)])
    assert contents(store) == before
    store.database.close()


def test_a_server_that_is_away_is_told_soon_and_without_a_password(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads the log does not learn how to log in."""
    url = "mongodb://jo:secret@127.0.0.1:1/shop?serverSelectionTimeoutMS=100"
    store = DBMongoConnector(connection_string=url)
    store.declare(Structure("things"))

    with caplog.at_level(logging.DEBUG, "backo"), pytest.raises(DBError) as caught:
        contents(store)

    shown = f"{caught.value} {caught.value.__cause__} {store.key} {store.database.address} {caplog.text}"
    assert "secret" not in shown
    assert "away" in str(caught.value)
    store.database.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("postgresql://here/x", "one of MongoDB", id="other"),
        pytest.param("mongodb://jo:secret@host", "names the database", id="no-database"),
        pytest.param("mongodb:///x", "names no server", id="no-server"),
        pytest.param("mongodb://host/a.b", "cannot be its name", id="name"),
        pytest.param(None, "one of MongoDB", id="none"),
    ],
)
def test_a_wrong_connection_string_is_refused(url: Any, said: str) -> None:
    """At its declaration, without showing it."""
    with pytest.raises(DefinitionError, match=said) as caught:
        DBMongoConnector(connection_string=url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a$b", "system.users", "_backo", ".a", "a\0", "x" * 200])
def test_a_wrong_name_is_refused(name: str) -> None:
    """At its declaration."""
    with pytest.raises(DefinitionError):
        DBMongoConnector(connection_string="mongodb://host/shop", collection=name)


def test_what_the_connection_string_says_of_times_counts() -> None:
    """The rest has ours."""
    store = DBMongoConnector(connection_string="mongodb://host/shop?serverselectiontimeoutms=5&connectTimeoutMS=")

    assert set(store.database.address.settings()) == {"socketTimeoutMS"}


def test_stores_with_one_connection_string_share_a_database() -> None:
    """They commit together."""
    one, other = (DBMongoConnector(connection_string="mongodb://host/shop", collection=name) for name in "ab")

    assert one.database is other.database
    assert one.key != other.key
    assert DBMongoConnector(connection_string="mongodb://host/till").database is not one.database


def test_a_forgotten_session_is_ended_at_the_next_opportunity(tmp_path: Path) -> None:
    """Its locks do not last."""
    store = store_at(tmp_path)
    save(store, {"_id": "a"})
    session: Any = store.database.begin(writing=True)
    store.get(session, ["a"], Lock.EXCLUSIVE)
    del session

    started = time.monotonic()
    with writing(store) as other:
        store.write(other, [update({"_id": "a", "n": 1}, expected=1, rev=2)])

    assert time.monotonic() - started < 20
    with reading(store) as found:
        assert store.count(found, EVERYTHING) == 1
    store.database.close()

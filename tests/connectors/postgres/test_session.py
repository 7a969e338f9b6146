"""One transaction of one connection: what it sees, what it holds, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backo.connectors.postgres import DBPostgresConnector
from backo.connectors.sql.dialect import Collision
from backo.errors import DBError, SessionError
from backo.query.filters import EVERYTHING, Query
from backo.testing.connector_contract import contents, insert, reading, save, writing
from tests.connectors.postgres.stores import session_of, sql, store_at
from tests.connectors.sqlite.stores import text


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DBPostgresConnector]:
    """A store with one document."""
    found = store_at(tmp_path, text("email", unique=True))
    save(found, {"_id": "a", "email": "x"})
    yield found
    found.database.close()


def test_a_reading_session_sees_one_state(store: DBPostgresConnector) -> None:
    """That of its first statement, whatever others commit meanwhile."""
    with reading(store) as session:
        assert store.count(session, EVERYTHING) == 1
        save(store, {"_id": "b"})
        assert store.count(session, EVERYTHING) == 1
    assert len(contents(store)) == 2


def test_a_session_that_was_to_read_once(store: DBPostgresConnector) -> None:
    """Its statement needs no transaction; from a second one on it is a state after all."""
    session = session_of(store, writing=False, once=True)

    assert store.count(session, EVERYTHING) == 1
    assert not session._in_transaction
    save(store, {"_id": "b"})
    assert store.count(session, EVERYTHING) == 2
    assert session._in_transaction
    save(store, {"_id": "c"})
    assert store.count(session, EVERYTHING) == 2
    session.rollback()


def test_a_stream_gives_all_rows_of_its_state(store: DBPostgresConnector) -> None:
    """More than it holds, without those written meanwhile; after the end of its session there are none."""
    save(store, *({"_id": f"{number:04}"} for number in range(1_100)))
    with writing(store) as session:
        rows = store.find(session, Query())
        first = next(rows)
        store.write(session, [insert({"_id": "z"})])
        assert len([first, *rows]) == 1_101
        assert store.count(session, EVERYTHING) == 1_102

    session = session_of(store, writing=False)
    left = store.find(session, Query())
    next(left)
    session.rollback()
    with pytest.raises(SessionError, match="ended before all rows were read"):
        list(left)


def test_a_refused_statement_loses_itself_alone(store: DBPostgresConnector) -> None:
    """What was written before is there, and the session goes on; without a try it can only be rolled back."""
    change = "UPDATE things SET email = ? WHERE _id = ?"
    with writing(store) as session:
        store.write(session, [insert({"_id": "b", "email": "y"})])
        own = store._own(session)
        assert not own.tried(change, ("x", "b"))
        assert own.tried(change, ("z", "b"))
    assert len(contents(store)) == 2

    session = session_of(store, writing=True)
    with pytest.raises(Collision):
        session.change(change, ("x", "b"))
    with pytest.raises(SessionError, match="can only be rolled back"):
        session.commit()
    session.rollback()


def test_what_is_not_committed_is_not_there(store: DBPostgresConnector) -> None:
    """A session that is rolled back or forgotten leaves nothing, and keeps no connection."""
    for _ in range(30):
        session = session_of(store, writing=True)
        store.write(session, [insert({"_id": "b"})])
        del session

    session = session_of(store, writing=True)
    store.write(session, [insert({"_id": "b"})])
    session.rollback()
    session.rollback()

    assert set(contents(store)) == {"a"}
    with pytest.raises(SessionError, match="has ended"):
        session.commit()


def test_a_connection_that_breaks_while_it_commits(store: DBPostgresConnector, tmp_path: Path) -> None:
    """Nobody knows whether it was done: it is said, and nothing is tried again by itself."""
    session = session_of(store, writing=True)
    store.write(session, [insert({"_id": "b"})])
    ((backend,),) = session.rows("SELECT pg_backend_pid()")
    sql(tmp_path, "SELECT pg_terminate_backend(%s)", backend)

    with pytest.raises(DBError, match="was lost while it committed") as caught:
        session.commit()

    assert type(caught.value) is DBError
    assert set(contents(store)) == {"a"}


def test_a_session_of_another_database_is_refused(store: DBPostgresConnector, tmp_path: Path) -> None:
    """It is not mixed up."""
    other = store_at(tmp_path, process="other")
    with reading(other) as session, pytest.raises(SessionError, match="another database"):
        store.count(session, EVERYTHING)
    other.database.close()


def test_all_connections_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds none in time is told how many there are; afterwards it works."""
    monkeypatch.setattr("backo.connectors.postgres.database._TURN", 0.1)
    store = store_at(tmp_path, max_connections=1)
    save(store, {"_id": "a"})

    with writing(store), pytest.raises(DBError, match="more than 1 connections at a time"):
        session_of(store, writing=True)

    assert set(contents(store)) == {"a"}
    store.database.close()

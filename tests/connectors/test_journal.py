"""Groups of stores, and the turn to write in them."""

import threading
from pathlib import Path

import pytest

from backo.connectors.base import Structure
from backo.connectors.journal import JournalledDatabase, group
from backo.connectors.memory import DBMemoryConnector
from backo.connectors.yaml import DBYmlConnector
from backo.errors import DBError, DefinitionError, SessionError, StateError
from backo.query.filters import EVERYTHING, Query
from backo.testing.connector_contract import contents, insert, reading, save, writing


def memory(name: str) -> DBMemoryConnector:
    """Declare a collection in memory."""
    store = DBMemoryConnector()
    store.declare(Structure(name))
    return store


def test_grouped_stores_commit_together(tmp_path: Path) -> None:
    """One session writes in all of them, and a rollback takes back all."""
    first, second = memory("first"), DBYmlConnector(path=tmp_path / "second")
    second.declare(Structure("second"))
    group([first, second])

    with writing(first) as session:
        first.write(session, [insert({"_id": "a"})])
        second.write(session, [insert({"_id": "b"})])
    session = second.database.begin(writing=True)
    first.write(session, [insert({"_id": "c"})])
    second.write(session, [insert({"_id": "d"})])
    session.rollback()

    assert first.database is second.database
    assert set(contents(first)) == {"a"}
    assert set(contents(second)) == {"b"}


def test_groups_that_share_a_store_become_one() -> None:
    """Two back offices with one connector have one database."""
    shared, first, second = memory("shared"), memory("first"), memory("second")

    group([shared, first])
    group([second, shared])

    assert first.database is second.database is shared.database


def test_a_store_in_use_is_not_regrouped() -> None:
    """Not while a session is open; afterwards it is, and keeps its documents."""
    first, second = memory("first"), memory("second")
    save(first, {"_id": "a"})

    with reading(first) as session:
        first.count(session, EVERYTHING)
        with pytest.raises(StateError):
            group([first, second])

    group([first, second])
    assert set(contents(first)) == {"a"}


def test_two_collections_cannot_be_in_one_place(tmp_path: Path) -> None:
    """A folder is one place, by whatever name."""
    (tmp_path / "link").symlink_to(tmp_path / "real")
    stores = [DBYmlConnector(path=tmp_path / name) for name in ("real", "link")]
    for name, store in zip(("first", "second"), stores, strict=True):
        store.declare(Structure(name))

    with pytest.raises(DefinitionError, match="'first' and 'second'"):
        group(stores)


def test_different_journals_are_refused(tmp_path: Path) -> None:
    """Stores that share units of work share their journal."""
    shared = memory("shared")
    group([shared], tmp_path / "one")

    with pytest.raises(DefinitionError, match="journal"):
        group([shared], tmp_path / "two")


def test_a_session_of_another_database_is_refused() -> None:
    """It could not commit what is done here."""
    first, second = memory("first"), memory("second")

    with writing(first) as session, pytest.raises(SessionError, match="another database"):
        second.write(session, [insert({"_id": "a"})])


def test_a_thread_does_not_wait_for_itself() -> None:
    """A second session for writing in the same thread is an error, at once; one for reading is fine."""
    store = memory("things")

    with writing(store) as session:
        store.write(session, [insert({"_id": "a"})])
        with pytest.raises(SessionError, match="already"):
            store.database.begin(writing=True)
        with pytest.raises(SessionError, match="already"):
            store.database.close()
        assert contents(store) == {}

    assert set(contents(store)) == {"a"}


def test_a_session_that_waits_too_long_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is locked: a `DBError`."""
    monkeypatch.setattr("backo.connectors.journal.TIMEOUT", 0.02)
    store = memory("things")
    caught: list[DBError] = []

    def wait() -> None:
        try:
            store.database.begin(writing=True)
        except DBError as error:
            caught.append(error)

    with writing(store):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()

    assert len(caught) == 1


def test_a_session_with_a_refused_write_can_only_be_rolled_back() -> None:
    """Committing it is an error, and lets the next one in."""
    store = memory("things")
    save(store, {"_id": "a"})
    session = store.database.begin(writing=True)
    with pytest.raises(Exception, match="already"):
        store.write(session, [insert({"_id": "b"}), insert({"_id": "a"})])

    with pytest.raises(SessionError):
        session.commit()
    session.rollback()

    assert set(contents(store)) == {"a"}
    save(store, {"_id": "c"})


def test_reading_on_after_the_end_is_an_error() -> None:
    """A result that was not read to its end says so, rather than mixing states."""
    store = memory("things")
    save(store, *({"_id": f"{number:04}"} for number in range(100)))

    with reading(store) as session:
        found = store.find(session, Query())
        next(found)

    with pytest.raises(SessionError, match="ended"):
        list(found)


def test_closing_ends_reading_sessions() -> None:
    """They do not go on with what may change unseen."""
    store = memory("things")
    session = store.database.begin(writing=False)
    store.count(session, EVERYTHING)

    store.database.close()

    with pytest.raises(SessionError):
        store.count(session, EVERYTHING)


def test_a_forgotten_reader_costs_nothing_for_long() -> None:
    """A session that is never ended goes with its last reference."""
    store = memory("things")
    session = store.database.begin(writing=False)
    store.count(session, EVERYTHING)
    assert isinstance(store.database, JournalledDatabase)
    assert store.database.is_used()

    del session

    assert not store.database.is_used()

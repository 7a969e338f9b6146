"""One file shared by stores and threads: connections, the queue of writers, locks of others."""

from __future__ import annotations

import gc
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backo.connectors.base import Session
from backo.connectors.sqlite import DBSqliteConnector, handles
from backo.connectors.sqlite.handles import Handle
from backo.connectors.sqlite.queueing import FairLock
from backo.connectors.sqlite.session import SqliteSession
from backo.errors import DBError, SessionError
from backo.query.filters import EVERYTHING, Query
from backo.testing.connector_contract import contents, insert, reading, save, writing
from tests.connectors.sqlite.stores import integer, sql, store_at

TIMEOUT = 30.0  # seconds after which something is thought to hang


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "things.db"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Handle]:
    """Every connection that is opened."""
    found: list[Handle] = []
    open_ = Handle.open

    def noted(handle: Handle, *arguments: Any) -> None:
        found.append(handle)
        open_(handle, *arguments)

    monkeypatch.setattr(Handle, "open", noted)
    return found


def eventually(happened: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    deadline = time.monotonic() + TIMEOUT
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.001)


# Sharing


def test_one_file_is_one_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a connector calls a file, all of a process share its database; other files have others."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)

    one = DBSqliteConnector(path="a.db", table="x").database

    assert DBSqliteConnector(path=tmp_path / "a.db").database is one
    assert DBSqliteConnector(path=tmp_path / "link" / "a.db").database is one
    assert DBSqliteConnector(path="b.db").database is not one


def test_stores_of_a_file_commit_together(path: Path) -> None:
    """What one session writes into several tables is there at once, or not at all."""
    one, other = store_at(path, collection="one"), store_at(path, collection="other")

    undone = one.database.begin(writing=True)
    one.write(undone, [insert({"_id": "a"})])
    other.write(undone, [insert({"_id": "a"})])
    undone.rollback()
    assert contents(one) == contents(other) == {}

    with writing(one) as session:
        one.write(session, [insert({"_id": "a"})])
        other.write(session, [insert({"_id": "b"})])
    assert (set(contents(one)), set(contents(other))) == ({"a"}, {"b"})
    one.database.close()


def test_the_stricter_durability_counts(path: Path) -> None:
    """A file is synced as the strictest of its stores asks, from the next session on."""

    def level(store: DBSqliteConnector) -> int:
        with writing(store) as session:
            assert isinstance(session, SqliteSession)
            return int(session.rows("PRAGMA synchronous")[0][0])

    faster = store_at(path, synchronous="NORMAL", collection="faster")
    assert level(faster) == 1

    stricter = store_at(path, collection="stricter")
    assert level(faster) == level(stricter) == 2
    store_at(path, synchronous="NORMAL", collection="third")
    assert level(faster) == 2
    faster.database.close()


def test_connections_are_used_again(path: Path, opened: list[Handle]) -> None:
    """Sessions one after the other need one connection to read and one to write."""
    store = store_at(path)

    for number in range(20):
        save(store, {"_id": str(number)})
        contents(store)

    assert [handle.writer for handle in opened] == [False, True]
    store.database.close()


def test_idle_connections_are_few(path: Path, opened: list[Handle]) -> None:
    """After a rush of readers some connections are closed."""
    store = store_at(path)
    save(store, {"_id": "a"})
    sessions = [store.database.begin(writing=False) for _ in range(20)]
    for session in sessions:
        store.count(session, EVERYTHING)
    for session in sessions:
        session.rollback()

    open_ones = 0
    for handle in opened:
        try:
            handle.connection.execute("SELECT 1").fetchall()
            open_ones += 1
        except sqlite3.ProgrammingError:
            pass

    assert open_ones == 9
    store.database.close()


def test_a_database_nobody_has_closes_its_connections(path: Path, opened: list[Handle]) -> None:
    """With the last connector, what was open goes, and the file is whole in itself."""
    store = store_at(path)
    save(store, {"_id": "a"})

    del store
    gc.collect()

    assert opened
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_closing_leaves_one_file(path: Path) -> None:
    """After `close` nothing is open, and the log has been copied into the file."""
    store = store_at(path)
    save(store, {"_id": "a"})
    assert (path.parent / f"{path.name}-wal").exists()

    store.database.close()

    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert contents(store) == {"a": {"_id": "a"}}
    store.database.close()


def test_a_session_outlives_closing(path: Path) -> None:
    """What runs when a database is closed runs to its end; its connection is closed then."""
    store = store_at(path)
    with writing(store) as writer:
        store.database.close()
        store.write(writer, [insert({"_id": "a"})])
    with reading(store) as reader:
        assert set(store.get(reader, ["a"])) == {"a"}
        store.database.close()
        assert set(store.get(reader, ["a"])) == {"a"}

    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


# Durability


def test_a_new_file_and_its_folders_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder that got a new entry is synced before anything is written."""
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    store = store_at(tmp_path / "x" / "y" / "a.db")

    save(store, {"_id": "a"})
    store.database.close()
    save(store, {"_id": "b"})

    assert synced == [str(tmp_path / "x" / "y"), str(tmp_path / "x"), str(tmp_path)]
    store.database.close()


def test_an_existing_file_is_only_opened_by_the_driver(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """We never open it ourselves: closing it would drop every lock of this process on it."""
    path.touch()
    store = store_at(path)
    monkeypatch.setattr(os, "open", None)

    save(store, {"_id": "a"})

    store.database.close()


# Sessions


def test_a_reader_sees_one_state(path: Path) -> None:
    """From its first read on; a session that has not read yet sees what came before that."""
    store = store_at(path)
    save(store, {"_id": "a"})
    with reading(store) as early, reading(store) as late:
        assert store.count(early, EVERYTHING) == 1

        save(store, {"_id": "b"})

        assert store.count(early, EVERYTHING) == 1
        assert set(store.get(early, ["a", "b"])) == {"a"}
        assert store.count(late, EVERYTHING) == 2
    store.database.close()


def test_an_ended_session_is_of_no_use(path: Path) -> None:
    """After its end a session refuses everything but another rollback."""
    store = store_at(path)
    for writing_ in (True, False):
        session = store.database.begin(writing=writing_)
        session.commit()

        session.rollback()
        with pytest.raises(SessionError, match="ended"):
            session.commit()
        with pytest.raises(SessionError, match="ended"):
            store.count(session, EVERYTHING)
        with pytest.raises(SessionError, match="ended"):
            list(store.find(session, Query()))
    store.database.close()


def test_a_forgotten_session_gives_its_lock_back(path: Path) -> None:
    """A writing session that nobody has any more does not keep others waiting."""
    store = store_at(path)
    session: Session | None = store.database.begin(writing=True)
    assert session is not None
    store.write(session, [insert({"_id": "a"})])

    del session
    gc.collect()

    save(store, {"_id": "b"})
    assert set(contents(store)) == {"b"}
    store.database.close()


def test_a_failed_commit_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that the driver refuses is a `DBError`; the connection is not used again."""
    store = store_at(path)
    save(store, {"_id": "a"})
    session = store.database.begin(writing=True)
    assert isinstance(session, SqliteSession)
    store.write(session, [insert({"_id": "b"})])
    session.change("SAVEPOINT x")
    handle = session._handle
    assert handle is not None
    handle.connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)

    with pytest.raises(DBError) as caught:
        session.commit()

    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert set(contents(store)) == {"a"}
    save(store, {"_id": "c"})
    store.database.close()


# Writers


def test_writers_queue_in_the_order_in_which_they_came() -> None:
    """The lock is handed on, whoever else would like to have it."""
    lock = FairLock()
    assert lock.acquire(1)
    came: list[int] = []

    def wait(number: int) -> None:
        assert lock.acquire(TIMEOUT)
        came.append(number)
        lock.release()

    with ThreadPoolExecutor(8) as pool:
        for number in range(8):
            pool.submit(wait, number)
            eventually(lambda: len(lock._waiting) == number + 1)  # noqa: B023  # it is called at once
        lock.release()

    assert came == list(range(8))
    assert lock.acquire(0)


def test_who_gives_up_waiting_is_passed_over() -> None:
    """A time-out leaves the queue as if it had never been joined."""
    lock = FairLock()
    assert lock.acquire(1)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lock.acquire, 0.01).result(TIMEOUT) is False
        lock.release()
        assert pool.submit(lambda: lock.acquire(1) and lock.is_mine()).result(TIMEOUT)
    assert not lock.is_mine()


def test_a_thread_cannot_wait_for_itself(path: Path) -> None:
    """A second writing session of the same thread is refused at once."""
    store = store_at(path)
    with writing(store) as session:
        with pytest.raises(DBError, match="this thread has a writing session"):
            store.database.begin(writing=True)
        store.write(session, [insert({"_id": "a"})])

    assert set(contents(store)) == {"a"}
    store.database.close()


def test_waiting_for_a_thread_ends(path: Path) -> None:
    """When another thread writes for too long, a `DBError` says how long we waited."""
    store = store_at(path)
    with writing(store), ThreadPoolExecutor(1) as pool:
        store.database.patience = 0.05
        with pytest.raises(DBError, match=r"locked by other threads for 0\.05 seconds"):
            pool.submit(store.database.begin, writing=True).result(TIMEOUT)

    save(store, {"_id": "a"})
    store.database.close()


def test_waiting_for_a_process_ends(path: Path) -> None:
    """When somebody else writes for too long, a `DBError` says so; afterwards all is well."""
    store = store_at(path)
    save(store, {"_id": "a"})
    store.database.patience = 0.05
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DBError, match="stayed locked by another writer") as caught:
            store.database.begin(writing=True)
        other.execute("ROLLBACK")

    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    save(store, {"_id": "b"})
    assert set(contents(store)) == {"a", "b"}
    store.database.close()


def test_a_writer_waits_for_another_process(path: Path) -> None:
    """A lock that is given back in time is taken."""
    store = store_at(path)
    save(store, {"_id": "a"})
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(save, store, {"_id": "b"})
        eventually(lambda: store.database._writing._held)
        assert set(contents(store)) == {"a"}  # readers do not wait
        other.execute("COMMIT")
        waiting.result(TIMEOUT)

    other.close()
    assert set(contents(store)) == {"a", "b"}
    store.database.close()


def test_two_threads_share_a_file(path: Path) -> None:
    """Readers and writers of several threads get along; nothing is lost and nothing is half done."""
    one, other = store_at(path, integer("age", index=True), collection="one"), store_at(path, collection="other")
    is_over = threading.Event()

    def write(name: str) -> None:
        for number in range(60):
            with writing(one) as session:
                one.write(session, [insert({"_id": f"{name}{number}", "age": number})])
                other.write(session, [insert({"_id": f"{name}{number}"})])

    def read() -> int:
        looks = 0
        while not is_over.is_set():
            with reading(one) as session:
                assert one.count(session, EVERYTHING) == other.count(session, EVERYTHING)
            looks += 1
        return looks

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for writer in [pool.submit(write, name) for name in "ab"]:
            writer.result(TIMEOUT)
        is_over.set()
        assert all(reader.result(TIMEOUT) for reader in readers)

    assert len(contents(one)) == len(contents(other)) == 120
    one.database.close()


def test_many_begin_at_once(path: Path) -> None:
    """The first use by many threads makes the tables once."""
    for attempt in range(5):
        store = store_at(path.with_name(f"{attempt}.db"), integer("age", index=True))
        barrier = threading.Barrier(8)

        def first(number: int, store: DBSqliteConnector = store, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(TIMEOUT)
            save(store, {"_id": str(number)})

        with ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(first, number) for number in range(8)]:
                done.result(TIMEOUT)

        assert len(contents(store)) == 8
        store.database.close()


def test_a_network_folder_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLite cannot keep a write-ahead log, it is said."""
    path.touch()
    sql(path, "PRAGMA journal_mode = DELETE")
    monkeypatch.setattr(handles, "_JOURNAL", "PRAGMA journal_mode = DELETE")

    with pytest.raises(DBError, match="write-ahead log"):
        contents(store_at(path))

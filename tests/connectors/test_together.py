"""One unit of work in several databases, step by step: who decides, who follows, and what is left when one fails."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from backo.connectors.adapted import adapt
from backo.connectors.base import Database, Rank, Session, Store, Structure
from backo.connectors.journal import JournalledDatabase, group
from backo.connectors.memory import DBMemoryConnector
from backo.connectors.sqlite import DBSqliteConnector
from backo.connectors.sqlite.session import SqliteSession
from backo.connectors.together import commit_together
from backo.connectors.yaml import DBYmlConnector
from backo.errors import BackoError, ConflictError, DBError, StateError, TransientError
from backo.testing.connector_contract import contents, insert, save
from tests.connectors.test_adapted import Died, Fragile, dying


def declared(store: Store, name: str) -> Store:
    """Tell a store its structure."""
    store.declare(Structure(name))
    return store


def sqlite_at(folder: Path, name: str = "rows") -> Store:
    """Declare a collection in a database file of its own."""
    return declared(DBSqliteConnector(path=folder / f"{name}.db"), name)


def yaml_at(folder: Path, name: str = "files") -> Store:
    """Declare a collection in a folder."""
    return declared(DBYmlConnector(path=folder / name), name)


def begun(*stores: Store) -> list[tuple[Database, Session]]:
    """Open a session for writing in the database of each store."""
    return [(database, database.begin(writing=True)) for database in dict.fromkeys(store.database for store in stores)]


def commit(parts: list[tuple[Database, Session]], *idle: Database) -> None:
    """Commit as a unit of work does, but for databases in which nothing was written."""
    try:
        commit_together(parts, lambda database: database not in idle)
    finally:
        for _, session in parts:
            session.rollback()


def insert_into(*stores: Store, id_: str = "a") -> None:
    """Insert a document of this id everywhere, in one unit of work."""
    parts = begun(*stores)
    sessions = dict(parts)
    for store in stores:
        store.write(sessions[store.database], [insert({"_id": id_})])
    commit(parts)


def ids(*stores: Store) -> list[str]:
    """Give the ids that each store has, joined."""
    return ["".join(contents(store)) for store in stores]


@contextmanager
def commits(how: Callable[[Callable[[SqliteSession], None], SqliteSession], None]) -> Iterator[None]:
    """Let database files commit in a way of one's own; those that ask what became of a unit commit as ever."""
    real = SqliteSession.commit

    def other(session: SqliteSession) -> None:
        if session._decides:  # nothing else tells them apart
            how(real, session)
        else:
            real(session)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteSession, "commit", other)
        yield


def failing(error: BaseException, *, is_done: bool = False) -> Any:
    """Fail to commit, before it is done or after it."""

    def how(real: Callable[[SqliteSession], None], session: SqliteSession) -> None:
        if is_done:
            real(session)
        raise error

    return commits(how)


@contextmanager
def away() -> Iterator[None]:
    """Let no database file tell what became of a unit."""

    def settle(database: Database, unit: str) -> bool:
        raise DBError("the database is away")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backo.connectors.sqlite.database.SqliteDatabase.settle", settle)
        yield


@pytest.fixture(params=["memory", "yaml", "connector", "connector-with-journal"])
def followers(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, Store]:
    """A database file, and a store of each kind that follows it."""
    rows = sqlite_at(tmp_path)
    follower: Store
    match request.param:
        case "memory":
            follower = declared(DBMemoryConnector(), "notes")
        case "yaml":
            follower = yaml_at(tmp_path)
        case _:
            follower = declared(adapt(Fragile()), "things")
    group([rows, follower], tmp_path / "journal" if request.param == "connector-with-journal" else None)
    return rows, follower


def test_all_follow_a_commit(followers: tuple[Store, Store]) -> None:
    """What is written in both is in both."""
    insert_into(*followers)

    assert ids(*followers) == ["a", "a"]


@pytest.mark.parametrize("error", [DBError("away"), TransientError("again"), RuntimeError("a bug")], ids=repr)
def test_nobody_follows_a_commit_that_failed(followers: tuple[Store, Store], error: Exception) -> None:
    """Nothing is anywhere, and the next unit of work is not in its way."""
    with failing(error), pytest.raises(type(error)):
        insert_into(*followers)

    assert ids(*followers) == ["", ""]
    insert_into(*followers)
    assert ids(*followers) == ["a", "a"]


def test_all_follow_a_commit_that_failed_but_was_done(
    followers: tuple[Store, Store], caplog: pytest.LogCaptureFixture
) -> None:
    """A connection lost after the commit is no failure of the unit; the log tells of it."""
    with failing(DBError("the connection is lost"), is_done=True):
        insert_into(*followers)

    assert ids(*followers) == ["a", "a"]
    assert "failed, and was done all the same" in caplog.text


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("error", [DBError("lost"), KeyboardInterrupt()], ids=repr)
def test_an_unknown_outcome_is_waited_for(
    followers: tuple[Store, Store], error: BaseException, *, is_done: bool
) -> None:
    """Who follows is away while the database is, may not be regrouped, and then is as was decided."""
    rows, follower = followers
    with away():
        with failing(error, is_done=is_done), pytest.raises(type(error)):
            insert_into(*followers)
        for writing in (False, True, False):
            with pytest.raises(DBError, match="away"):
                follower.database.begin(writing=writing).commit() if writing else contents(follower)
        with pytest.raises(StateError):
            group([follower, declared(DBMemoryConnector(), "more")])

    assert ids(rows, follower) == (["a", "a"] if is_done else ["", ""])
    insert_into(*followers, id_="b")
    assert ids(rows, follower) == (["ab", "ab"] if is_done else ["b", "b"])


def test_what_cannot_be_prepared_is_not_decided(
    followers: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A follower that fails before the decision leaves nothing anywhere."""
    rows, follower = followers

    def fail(*arguments: object) -> None:
        raise DBError("no room")

    with monkeypatch.context() as patch:
        patch.setattr("backo.connectors.commit.Commit.prepare", fail)
        with pytest.raises(DBError, match="no room"):
            insert_into(*followers)

    assert ids(rows, follower) == ["", ""]
    insert_into(*followers)
    assert ids(rows, follower) == ["a", "a"]


# Connectors with five methods


def over_connector(folder: Path, connector: Fragile, *, with_journal: bool) -> tuple[Store, Store]:
    """A database file and a connector, as another process would declare them."""
    rows, store = sqlite_at(folder), declared(adapt(connector), "things")
    group([rows, store], folder / "journal" if with_journal else None)
    return rows, store


@pytest.mark.parametrize("with_journal", [True, False])
def test_other_hands_are_seen_before_the_decision(tmp_path: Path, *, with_journal: bool) -> None:
    """A document that came from elsewhere is a conflict, and nothing is done."""
    connector = Fragile()
    rows, store = over_connector(tmp_path, connector, with_journal=with_journal)
    parts = begun(rows, store)
    for one in (rows, store):
        one.write(dict(parts)[one.database], [insert({"_id": "a"})])
    connector.documents["a"] = {"_id": "a", "by": "other hands"}

    with pytest.raises(ConflictError):
        commit(parts)

    assert contents(rows) == {}
    assert contents(store) == {"a": {"_id": "a", "by": "other hands"}}


def test_a_connector_without_a_journal_fails_before_the_decision(tmp_path: Path) -> None:
    """What it had done already is taken back."""
    connector = Fragile()
    rows, store = over_connector(tmp_path, connector, with_journal=False)
    connector.fails = lambda method, id_: (method, id_) == ("create", "b")
    parts = begun(rows, store)
    for one in (rows, store):
        one.write(dict(parts)[one.database], [insert({"_id": "a"}), insert({"_id": "b"})])

    with pytest.raises(DBError, match="Fragile failed"):
        commit(parts)

    assert ids(rows, store) == ["", ""]


def test_what_could_not_be_taken_back_is_taken_back_later(tmp_path: Path) -> None:
    """A connector that is away when the unit has failed is closed until it can be put right."""
    connector = Fragile()
    rows, store = over_connector(tmp_path, connector, with_journal=False)
    connector.fails = lambda method, id_: method == "delete"
    with failing(DBError("no")), pytest.raises(DBError, match="no"):
        insert_into(rows, store)
    with pytest.raises(DBError, match="Fragile failed"):
        contents(store)

    connector.fails = lambda method, id_: False

    assert ids(rows, store) == ["", ""]


def test_a_connector_with_a_journal_completes_what_was_decided(tmp_path: Path) -> None:
    """When it fails after the decision, the unit is committed, and nobody looks at the connector before it is done."""
    connector = Fragile()
    rows, store = over_connector(tmp_path, connector, with_journal=True)
    connector.fails = lambda method, id_: method == "create"
    insert_into(rows, store)
    with pytest.raises(DBError, match="cannot be completed"):
        contents(store)

    connector.fails = lambda method, id_: False

    assert ids(rows, store) == ["a", "a"]
    assert not (tmp_path / "journal" / ".pending").exists()


def test_a_crash_after_the_decision_is_mended_from_the_journal(tmp_path: Path) -> None:
    """The next process asks the database, and gives the connector what the journal says."""
    connector = Fragile()
    rows, store = over_connector(tmp_path, connector, with_journal=True)
    with pytest.MonkeyPatch.context() as patch:
        connector.fails = dying(patch, lambda method, id_: method == "create")
        with pytest.raises(Died):
            insert_into(rows, store)
    connector.fails = lambda method, id_: False

    assert ids(*over_connector(tmp_path, connector, with_journal=True)) == ["a", "a"]


# Several databases that decide


def test_several_databases_commit_in_the_order_of_their_keys(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The last one decides for those that follow; when it fails, the log says loudly what is committed."""
    first, last, files = sqlite_at(tmp_path, "b"), sqlite_at(tmp_path, "a"), yaml_at(tmp_path)
    group([first, last, files])

    with failing(DBError("no")), pytest.raises(DBError, match="no"):
        insert_into(last, files, first)

    assert ids(first, last, files) == ["a", "", ""]
    (told,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert told.getMessage() == (
        f"half of a unit of work is committed: sqlite:{tmp_path}/b.db; but not sqlite:{tmp_path}/a.db: no"
    )
    insert_into(files, first, last, id_="b")
    assert ids(first, last, files) == ["ab", "b", "b"]


def test_the_first_of_several_fails_without_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is committed yet, so nothing is."""
    first, last, files = sqlite_at(tmp_path, "b"), sqlite_at(tmp_path, "a"), yaml_at(tmp_path)
    group([first, last, files])
    real = SqliteSession.commit

    def fail(session: SqliteSession) -> None:
        if session.database is first.database:
            raise DBError("no")
        real(session)

    for store in (first, last, files):
        contents(store)
    with monkeypatch.context() as patch:
        patch.setattr(SqliteSession, "commit", fail)
        with pytest.raises(DBError, match="no"):
            insert_into(last, files, first)

    assert ids(first, last, files) == ["", "", ""]


def test_a_database_that_does_neither_commits_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot decide leaves a window, but no journal that nobody could read."""
    rows, files = sqlite_at(tmp_path), yaml_at(tmp_path)
    group([rows, files])
    monkeypatch.setattr(type(rows.database), "rank", Rank.OTHER)
    monkeypatch.delattr(SqliteSession, "decide")

    insert_into(files, rows)

    assert ids(rows, files) == ["a", "a"]


def test_who_wrote_nothing_takes_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not asked to decide, and its locks last until the others are done."""
    rows, files = sqlite_at(tmp_path), yaml_at(tmp_path)
    group([rows, files])
    monkeypatch.delattr(SqliteSession, "decide")
    parts = begun(rows, files)
    files.write(dict(parts)[files.database], [insert({"_id": "a"})])
    seen: list[bool] = []
    finish = JournalledDatabase.commit

    def commit_of_files(*arguments: Any) -> None:
        seen.append(rows.database._writing.is_mine())  # type: ignore[attr-defined]  # what is asked for
        finish(*arguments)

    monkeypatch.setattr(JournalledDatabase, "commit", commit_of_files)

    commit(parts, rows.database)

    assert seen == [True]
    assert ids(rows, files) == ["", "a"]


# What is left on disk


def leave_journal(folder: Path) -> Path:
    """Die between the decision and what follows from it."""

    class Gone(BaseException):
        """The process is dead."""

    rows, files = sqlite_at(folder), yaml_at(folder)
    group([rows, files])
    with pytest.MonkeyPatch.context() as patch, failing(Gone(), is_done=True), pytest.raises(Gone):
        patch.setattr(JournalledDatabase, "refuse", lambda database, prepared: None)
        insert_into(rows, files)
    rows.database.close()
    files.database.close()
    return folder / "files" / ".pending"


def test_folder_and_file_may_move_together(tmp_path: Path) -> None:
    """The journal names the database by the way from its folder."""
    journal = leave_journal(tmp_path / "there")
    assert '"decided_by":"sqlite:../rows.db"' in journal.read_text("utf-8")
    (tmp_path / "there").rename(tmp_path / "elsewhere")

    rows, files = sqlite_at(tmp_path / "elsewhere"), yaml_at(tmp_path / "elsewhere")
    group([rows, files])

    assert ids(files, rows) == ["a", "a"]


def test_a_database_that_is_not_declared_is_named(tmp_path: Path) -> None:
    """A process that cannot ask does not guess, and nothing is lost."""
    journal = leave_journal(tmp_path)
    alone = yaml_at(tmp_path)

    with pytest.raises(DBError, match=r"/files/\.pending was committed is known in sqlite:\.\./rows\.db, not declared"):
        contents(alone)

    assert journal.exists()
    rows, files = sqlite_at(tmp_path), yaml_at(tmp_path)
    group([rows, files])
    assert ids(files, rows) == ["a", "a"]
    assert ids(alone) == ["a"]


def test_a_file_that_is_missing_is_not_made_anew(tmp_path: Path) -> None:
    """An empty database would say that nothing was committed."""
    leave_journal(tmp_path)
    (tmp_path / "rows.db").rename(tmp_path / "away.db")
    rows, files = sqlite_at(tmp_path), yaml_at(tmp_path)
    group([rows, files])

    with pytest.raises(DBError, match=r"'rows\.db', which knows .* is not there \(bring back"):
        contents(files)

    (tmp_path / "away.db").rename(tmp_path / "rows.db")
    assert ids(files, rows) == ["a", "a"]


def test_who_has_the_database_open_already_may_ask(tmp_path: Path) -> None:
    """A unit of work that began in the database recovers the folder in the same thread."""
    leave_journal(tmp_path)
    rows, files = sqlite_at(tmp_path), yaml_at(tmp_path)
    group([rows, files])

    parts = begun(rows, files)
    for store in (rows, files):
        store.write(dict(parts)[store.database], [insert({"_id": "b"})])
    commit(parts)

    assert ids(files, rows) == ["ab", "ab"]


def test_groups_that_join_know_all_databases(tmp_path: Path) -> None:
    """A store that another application grouped without the database can ask it all the same."""
    leave_journal(tmp_path)
    rows, files, more = sqlite_at(tmp_path), yaml_at(tmp_path), declared(DBMemoryConnector(), "more")
    group([rows, files])
    group([files, more])

    assert ids(files, more) == ["a", ""]


@pytest.mark.parametrize("synchronous", ["FULL", "NORMAL"])
def test_a_decision_survives_a_power_cut(tmp_path: Path, synchronous: str) -> None:
    """What others rely on is synced, also where the database itself would leave that to later."""
    rows = declared(DBSqliteConnector(path=tmp_path / "rows.db", synchronous=synchronous), "rows")
    files = yaml_at(tmp_path)
    group([rows, files])
    save(rows, {"_id": "z"})
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", noted)
        insert_into(rows, files)
        by_unit = synced.count("rows.db-wal")
        rows.database.settle("another")

    assert by_unit == (synchronous == "NORMAL")  # SQLite does it by itself for FULL
    assert synced.count("rows.db-wal") == by_unit + 1


def test_a_disk_that_cannot_sync_leaves_the_outcome_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may not last is not relied upon."""
    rows = sqlite_at(tmp_path)
    save(rows, {"_id": "z"})

    def fail(descriptor: int) -> None:
        raise OSError(5, "input/output error")

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(BackoError, match=r"'rows\.db' could not be synced"):
        rows.database.settle("unit")

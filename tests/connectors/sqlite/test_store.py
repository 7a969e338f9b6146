"""What may be asked of a connector, and what it says of a file that is none of its."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from backo.connectors.base import Structure
from backo.connectors.sqlite import DBSqlite3Connector, DBSqliteConnector
from backo.errors import DBError, DefinitionError, SessionError, StateError
from backo.query.filters import EVERYTHING
from backo.testing.connector_contract import contents, insert, reading, save, update, writing
from tests.connectors.sqlite.stores import names_in, sql, store_at, text


def test_it_has_two_names() -> None:
    """The older name is the same class."""
    assert DBSqlite3Connector is DBSqliteConnector


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("", id="empty"),
        pytest.param("a\0b", id="nul"),
        pytest.param(":memory:", id="memory"),
        pytest.param(b"a.db", id="bytes"),
        pytest.param(None, id="none"),
    ],
)
def test_a_path_that_names_no_file_is_refused(path: Any) -> None:
    """It is said at the declaration."""
    with pytest.raises(DefinitionError):
        DBSqliteConnector(path=path)


@pytest.mark.parametrize("name", ["a.db", "file:x?mode=memory", "a b;'\".db", "ü😀.db", "-wal"])
def test_a_path_is_only_a_path(tmp_path: Path, name: str) -> None:
    """Nothing in the name of a file has a meaning."""
    store = store_at(tmp_path / name)

    save(store, {"_id": "a"})
    store.database.close()

    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "table", ["", "a/b", "a\0b", "a\nb", "sqlite_master", "SQLITE_x", "_Backo", "x" * 201, "\ud800", 7]
)
def test_a_name_that_no_table_can_have_is_refused(tmp_path: Path, table: Any) -> None:
    """It is said at the declaration, or where the collection's name is taken for it."""
    with pytest.raises(DefinitionError):
        DBSqliteConnector(path=tmp_path / "a.db", table=table)
    if isinstance(table, str):
        with pytest.raises(DefinitionError):
            DBSqliteConnector(path=tmp_path / "a.db").declare(Structure(table))


@pytest.mark.parametrize(
    "table", ["select", "a b", 'a"b', "a'b; DROP TABLE x", "a.b", "ü😀", "[x]", "`x`", "?1", "t", "s"]
)
def test_a_name_is_only_a_name(tmp_path: Path, table: str) -> None:
    """Whatever a table is called, everything works on it, and the other tables stay."""
    other = store_at(tmp_path / "a.db", collection="x")
    save(other, {"_id": "kept"})
    store = store_at(tmp_path / "a.db", text("name", unique=True), text("tags", many=True), table=table)

    save(store, {"_id": "a", "name": "x", "tags": ["y"]})
    with writing(store) as session:
        store.write(session, [update({"_id": "a", "name": "z", "tags": ["w"]}, expected=1, rev=2)])
    store = store_at(tmp_path / "a.db", text("name", unique=True), text("more", index=True), table=table)

    assert contents(store) == {"a": {"_id": "a", "name": "z", "tags": ["w"]}}
    assert set(contents(other)) == {"kept"}
    assert names_in(tmp_path / "a.db", "table") == {"_backo", "x", table, f"{table}/tags"}
    store.database.close()


@pytest.mark.parametrize("level", ["OFF", "full", "", None])
def test_a_level_that_is_not_offered_is_refused(tmp_path: Path, level: Any) -> None:
    """The error names the two that are."""
    with pytest.raises(DefinitionError, match="'FULL' or 'NORMAL'"):
        DBSqliteConnector(path=tmp_path / "a.db", synchronous=level)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"this is a letter, not a database" * 40, "is not an SQLite database", id="foreign"),
        pytest.param(b"SQLite format 3\0" + b"\xff" * 5000, "is (not an SQLite database|damaged)", id="damaged"),
    ],
)
def test_a_foreign_file_is_not_touched(tmp_path: Path, content: bytes, reason: str) -> None:
    """The error says what is wrong with the file, and the file is as before."""
    path = tmp_path / "a.db"
    path.write_bytes(content)
    store = store_at(path)

    with reading(store) as session, pytest.raises(DBError, match=f"'a.db' {reason}"):
        store.count(session, EVERYTHING)
    with pytest.raises(DBError, match=reason):
        store.database.begin(writing=True)

    assert path.read_bytes() == content


def test_a_damaged_page_is_an_error_of_the_store(tmp_path: Path) -> None:
    """Damage that shows while reading is a `DBError`, chained to the driver's error."""
    path = tmp_path / "a.db"
    store = store_at(path)
    save(store, *({"_id": str(number), "x": "y" * 500} for number in range(200)))
    store.database.close()
    content = bytearray(path.read_bytes())
    root = sql(path, "SELECT rootpage FROM sqlite_master WHERE name = 'things'")[0][0]
    content[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    path.write_bytes(content)

    with pytest.raises(DBError, match="damaged") as caught:
        contents(store)

    assert caught.value.__cause__ is not None
    store.database.close()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A path that is a folder, or lies below a file, cannot be opened."""
    (tmp_path / "file").touch()

    for path in (tmp_path, tmp_path / "file" / "a.db"):
        with pytest.raises(DBError, match="cannot be opened"):
            contents(store_at(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_an_error(tmp_path: Path) -> None:
    """Where nothing can be made, a `DBError` says so."""
    tmp_path.chmod(0o500)

    with pytest.raises(DBError, match="cannot be opened"):
        contents(store_at(tmp_path / "a.db"))


def test_sessions_of_other_files_are_refused(tmp_path: Path) -> None:
    """A store works in sessions of its own file."""
    one, other = store_at(tmp_path / "a.db"), store_at(tmp_path / "b.db")

    with reading(other) as session, pytest.raises(SessionError, match="another"):
        one.get(session, ["a"])


def test_a_store_must_be_declared_first(tmp_path: Path) -> None:
    """A session that began before does not know the store."""
    first = store_at(tmp_path / "a.db")
    with writing(first) as session:
        late = store_at(tmp_path / "a.db", collection="late")
        with pytest.raises(SessionError, match="declared after"):
            late.write(session, [insert({"_id": "a"})])
        first.write(session, [insert({"_id": "a"})])

    assert contents(late) == {}
    late.database.close()


def test_only_links_have_referrers(tmp_path: Path) -> None:
    """Asking for the referrers by a field without a column is a mistake of the caller."""
    store = store_at(tmp_path / "a.db", text("parent", link=True))

    with reading(store) as session:
        with pytest.raises(StateError, match=r"\$\.other is no column of links"):
            store.referrers(session, ("other",), ["a"], 1)
        assert store.referrers(session, ("parent",), [], 1) == []
    store.database.close()

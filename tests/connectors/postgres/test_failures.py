"""Errors say what is wrong and where, and show no password and nothing that was stored."""

from __future__ import annotations

import traceback
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backo.connectors.base import Structure
from backo.connectors.postgres import DBPostgresConnector
from backo.connectors.sql.dialect import Collision
from backo.errors import DBError, DefinitionError
from backo.testing.connector_contract import insert, save
from tests.connectors.postgres.stores import session_of, sql, store_at
from tests.connectors.sqlite.stores import text
from tests.servers import free_port, place_name, postgres_in

SECRET = "hunter2-secret"


def elsewhere(folder: Path, **settings: object) -> DBPostgresConnector:
    """Make a store that connects in another way, with a password."""
    known = {**conninfo_to_dict(postgres_in(folder)), "password": SECRET, "connect_timeout": 2, **settings}
    store = DBPostgresConnector(connection_string=make_conninfo(**known))  # type: ignore[arg-type]  # texts and numbers
    store.declare(Structure("things"))
    return store


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no server for long."""
    for name, seconds in (("_TURN", 1.0), ("_GLANCE", 0.2), ("_ATTEMPTS", 0.2)):
        monkeypatch.setattr(f"backo.connectors.postgres.database.{name}", seconds)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"port": 0}, id="unreachable"),
        pytest.param({"dbname": "nowhere"}, id="no-database"),
        pytest.param({"user": "nobody-known"}, id="no-user"),
    ],
)
def test_a_server_that_cannot_be_used(tmp_path: Path, settings: dict[str, object]) -> None:
    """The place is named, the password is not, neither in the error nor in what caused it."""
    store = elsewhere(tmp_path, **(settings if settings.get("port") != 0 else {"port": free_port()}))

    for use in (lambda: session_of(store, writing=True), store.structure_differences, store.mend_structure):
        with pytest.raises(DBError, match=r"127\.0\.0\.1") as caught:
            use()
        assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in store.key + store.database.key
    store.database.close()


def test_a_schema_without_permission(tmp_path: Path) -> None:
    """It is said what is missing, and how to go about it."""
    schema = place_name(tmp_path)
    sql(tmp_path, f'CREATE ROLE "{schema}" LOGIN')
    sql(tmp_path, f'GRANT USAGE ON SCHEMA "{schema}" TO "{schema}"')
    store = elsewhere(tmp_path, user=schema)

    with pytest.raises(DBError, match="does not permit this to its user") as caught:
        session_of(store, writing=True)

    assert "grant it" in str(caught.value.hint)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    store.database.close()
    sql(tmp_path, f'REVOKE ALL ON SCHEMA "{schema}" FROM "{schema}"')
    sql(tmp_path, f'DROP ROLE "{schema}"')


def test_no_stored_value_is_shown(tmp_path: Path) -> None:
    """Neither by a collision nor by a value that an index has no room for."""
    store = store_at(tmp_path, text("email", unique=True))
    save(store, {"_id": "a", "email": SECRET})

    session = session_of(store, writing=True)
    with pytest.raises(Collision) as collision:
        session.change("INSERT INTO things VALUES ('b', 1, 'f', ?, '{}')", (SECRET,))
    session.rollback()
    assert collision.value.guard == "things/email#unique"

    session = session_of(store, writing=True)
    long = "".join(chr(0x4E00 + number * 7 % 20_000) for number in range(20_000))
    with pytest.raises(DBError, match="index entry of that size") as caught:
        store.write(session, [insert({"_id": "b", "email": long})])
    session.rollback()
    assert long[:20] not in str(caught.value)
    assert isinstance(caught.value.__cause__, psycopg.Error)
    store.database.close()


@pytest.mark.parametrize("connection_string", ["", 7, f"postgresql://u:{SECRET}@h/x?y=z", "no such=thing ="])
def test_connection_strings_that_are_none(connection_string: str) -> None:
    """They are refused at declaration, without being shown."""
    with pytest.raises(DefinitionError) as caught:
        DBPostgresConnector(connection_string=connection_string)
    assert SECRET not in "".join(traceback.format_exception(caught.value))

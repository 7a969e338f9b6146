"""Test that the servers which other tests need can be started: one that cannot is a failure, not a skip."""

from pathlib import Path

import psycopg
from pymongo import MongoClient

from tests import servers


def test_postgresql_answers_in_a_schema_of_its_own(tmp_path: Path) -> None:
    """Each folder has its own tables."""
    with psycopg.connect(servers.postgres_in(tmp_path)) as connection:
        row = connection.execute("SELECT current_schema()").fetchone()

    assert row == (servers.place_name(tmp_path),)


def test_the_server_of_the_mongodb_protocol_has_transactions(tmp_path: Path) -> None:
    """What is undone was never there."""
    with MongoClient[dict[str, object]](servers.mongo_in(tmp_path)) as client:
        things = client.get_default_database()["things"]
        with client.start_session() as session:
            session.start_transaction()
            things.insert_one({"_id": "a"}, session=session)
            session.abort_transaction()

        assert list(things.find()) == []


def test_postgresql_can_be_stopped_and_started_again() -> None:
    """It keeps its port and its data, whatever way it is stopped."""
    server = servers.Postgres()
    try:
        with psycopg.connect(server.start(), autocommit=True) as connection:
            connection.execute("CREATE TABLE things (id text)")
        server.stop()

        with psycopg.connect(server.start()) as connection:
            assert connection.execute("SELECT * FROM things").fetchall() == []
    finally:
        server.remove()

"""Stores in PostgreSQL, several processes' worth of them, and a look behind their back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from backo.connectors.base import Column, Structure
from backo.connectors.postgres import DBPostgresConnector
from backo.connectors.postgres.session import PostgresSession
from backo.query.filters import Query
from tests.connectors.sqlite.stores import integer, text
from tests.servers import postgres_in

NEW = (
    text("name"),
    integer("age", index=True),
    text("email", unique=True),
    text("tags", many=True, link=True),
)
"""What is declared once the columns have been added; before, it is the name alone."""


def store_at(
    folder: Path, *columns: Column, collection: str = "things", process: str = "one", **options: Any
) -> DBPostgresConnector:
    """Make a store and tell it its structure; those of different `process`es share nothing here."""
    url = f"{postgres_in(folder)}&application_name={process}"
    store = DBPostgresConnector(connection_string=url, **options)
    store.declare(Structure(collection, columns))
    return store


def session_of(store: DBPostgresConnector, *, writing: bool, once: bool = False) -> PostgresSession:
    """Begin a session."""
    return store.database.begin(writing=writing, once=once)


def sql(folder: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement behind the back of the stores."""
    with psycopg.connect(postgres_in(folder), autocommit=True) as connection:
        cursor = connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def column_names(folder: Path, table: str = "things") -> list[str]:
    """Give the columns of a table, in their order."""
    statement = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"
    return [name for (name,) in sql(folder, statement, f'"{table}"')]


def indexes(folder: Path, *, valid: bool = True) -> set[str]:
    """Give the names of the indexes of the collection, without keys."""
    found = sql(
        folder,
        "SELECT i.relname FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid"
        " WHERE i.relnamespace = current_schema()::regnamespace AND x.indisvalid = %s AND NOT x.indisprimary",
        valid,
    )
    return {name for (name,) in found}


def disagreeing(store: DBPostgresConnector) -> list[str]:
    """Name documents whose cells do not agree with them, and those that are gone."""
    session = session_of(store, writing=False)
    try:
        documents = list(store.find(session, Query()))
        found = [*store.faults(session), *store.faults_of(session, documents)]
        return [str(one.id) for one in found]
    finally:
        session.rollback()

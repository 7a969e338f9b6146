"""The databases that the document shows its examples with, on a server for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymongo import MongoClient

from backo import DBMongoConnector
from backo.connectors.base import Store
from tests.servers import mongo_named
from tests.work.stores import Stores

CATS = "my_database", "Cate"
BOOKS = "media_library", "Books"


@contextmanager
def shown_stores(kind: str, folder: Path, database: str) -> Iterator[Stores]:
    """Give a kind of store; on MongoDB the database is the one that is shown, which nobody else may have."""
    found = Stores(kind, folder)
    if kind != "mongo":
        yield found
        found.close()
        return
    with MongoClient[dict[str, object]](mongo_named(database)) as client:
        assert database not in client.list_database_names(), "this server is not one for tests"
        try:
            yield found
            found.close()
        finally:
            client.drop_database(database)


def shown(stores: Stores, name: str, place: tuple[str, str]) -> Store:
    """Declare where a collection lives; on MongoDB as the document does, but for the host and the port."""
    if stores.kind != "mongo":
        return stores.connector(name)
    database, collection = place
    return DBMongoConnector(connection_string=mongo_named(database), collection=collection)

"""PostgreSQL as administrators set it up: few connections, several schemas, connections that are ended."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backo import Backoffice, Collection, DBPostgresConnector, Int, Item, Ref, RefsList, String
from backo.connectors.base import Lock
from backo.errors import DBError
from tests.servers import place_name, postgres, postgres_in


@contextmanager
def opened(address: str, **options: Any) -> Iterator[Backoffice]:
    """Open a shop with authors and their books."""
    shop = Backoffice("shop")
    for name, item in {
        "authors": Item({"name": String(required=True), "books": RefsList(coll="books", field="$.author")}),
        "books": Item({"name": String(required=True), "author": Ref(coll="authors", field="$.books"), "sold": Int()}),
    }.items():
        connector = DBPostgresConnector(connection_string=address, table=name, **options)
        connector.generate_id = lambda item: str(item["name"])
        shop.register_collection(Collection(name, item, connector))
    with closing(shop):
        yield shop


def test_one_connection_is_enough(tmp_path: Path) -> None:
    """The first use of all, a unit of work that writes, needs no connection beside its own."""
    with opened(postgres_in(tmp_path), max_connections=1) as shop:
        with shop.transaction():
            shop.authors.create({"name": "ann"})
            shop.books.create({"name": "book", "author": "ann"})

        assert shop.authors.get_by_id("ann").books == ["book"]


def test_what_is_in_another_schema_of_the_path_is_not_ours(tmp_path: Path) -> None:
    """Tables and notes are those of the first schema, also when one behind it has tables of the same names."""
    behind, first = postgres_in(tmp_path), postgres_in(tmp_path / "first")
    with opened(behind) as shop:
        shop.authors.create({"name": "behind"})

    path = f"{place_name(tmp_path / 'first')},{place_name(tmp_path)}"
    with opened(f"{postgres()}?options=-csearch_path%3D{path}") as shop:
        shop.authors.create({"name": "first"})
        assert [one.name for one in shop.authors.select()] == ["first"]

    for address, names in {behind: ["behind"], first: ["first"]}.items():
        with opened(address) as shop:
            assert [one.name for one in shop.authors.select()] == names


@pytest.mark.parametrize(
    "use",
    [
        lambda shop: shop.authors.count(),
        lambda shop: shop.authors.get_by_id("ann").name,
        lambda shop: shop.authors.create({"name": "new"}).name,
    ],
    ids=["count", "get", "create"],
)
def test_connections_that_the_server_ended_in_the_pool_are_replaced(
    tmp_path: Path, use: Callable[[Backoffice], Any]
) -> None:
    """Whoever gets a connection that an administrator has ended does not notice."""
    address = postgres_in(tmp_path) + "&application_name=ended"
    with opened(address) as shop:
        shop.authors.create({"name": "ann"})
        with psycopg.connect(postgres(), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'ended'"
            )

        assert use(shop) in {1, "ann", "new"}


def test_a_schema_that_is_missing_is_told(tmp_path: Path) -> None:
    """Nobody has to know numbers of errors to find out."""
    with opened(f"{postgres()}?options=-csearch_path%3Dmissing") as shop, pytest.raises(DBError) as refused:
        shop.authors.count()

    assert "schema" in refused.value.message


def test_texts_are_utf_8_whatever_the_connection_string_says(tmp_path: Path) -> None:
    """An encoding without a euro sign breaks no text."""
    with opened(postgres_in(tmp_path) + "&client_encoding=latin1") as shop:
        shop.authors.create({"name": "€"})

        assert shop.authors.get_by_id("€").name == "€"


def test_default_settings_of_transactions_do_not_matter(tmp_path: Path) -> None:
    """What a role is set to by default is not what sessions get."""
    with opened(postgres_in(tmp_path)) as shop:
        shop.authors.create({"name": "ann"})
    settings = "%20-cdefault_transaction_isolation%3Dserializable%20-cdefault_transaction_read_only%3Don"
    with opened(postgres_in(tmp_path) + settings) as shop:
        shop.books.create({"name": "book", "author": "ann"})

        assert shop.authors.get_by_id("ann").books == ["book"]


def test_a_session_that_a_fork_inherited_ends_without_a_word(tmp_path: Path) -> None:
    """A child that unwinds an open unit of work neither fails, nor ends the transaction of its parent."""
    with opened(postgres_in(tmp_path)) as shop:
        shop.authors.create({"name": "ann"})
        store = shop.authors.store
        session = store.database.begin(writing=True)
        assert store.get(session, ["ann"], Lock.EXCLUSIVE)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                session.rollback()
                status = 0
            finally:
                os._exit(status)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert store.get(session, ["ann"], Lock.EXCLUSIVE)
        session.rollback()


def test_a_thread_that_dies_gives_its_locks_back(tmp_path: Path) -> None:
    """A session that nobody knows of any more holds nothing."""
    with opened(postgres_in(tmp_path), max_connections=1) as shop:
        shop.authors.create({"name": "ann"})

        def die() -> None:
            store = shop.authors.store
            store.get(store.database.begin(writing=True), ["ann"], Lock.EXCLUSIVE)

        thread = threading.Thread(target=die)
        thread.start()
        thread.join()

        shop.authors.get_by_id("ann").delete()
        assert shop.authors.count() == 0

import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backo import Backoffice, Collection, DBPostgresConnector, Int, Item, TransientError
from backo.connectors.base import Lock
from backo.connectors.postgres.database import PostgresDatabase
from tests.servers import postgres_in
from tests.work.stores import named


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Backoffice]:
    """Two tables with two items each."""
    backoffice = Backoffice("shop")
    for name in ("authors", "books"):
        store = DBPostgresConnector(connection_string=postgres_in(tmp_path))
        store.generate_id = named
        backoffice.register_collection(Collection(name, Item({"name": Int(required=True)}), store))
    with closing(backoffice):
        for collection in backoffice.collections.values():
            for number in range(2):
                collection.create({"name": number})
        yield backoffice


def database_of(shop: Backoffice) -> PostgresDatabase:
    """Give the database of a shop."""
    found = shop.authors.store.database
    assert isinstance(found, PostgresDatabase)
    return found


def cut(database: PostgresDatabase) -> None:
    """Cut the connections that wait for their next use, without a word from the server."""
    for connection in [one for one in database._used if not one.closed]:
        copy = socket.socket(fileno=os.dup(connection.fileno()))
        with contextlib.closing(copy), contextlib.suppress(OSError):  # it was cut before, and nobody has noticed
            copy.shutdown(socket.SHUT_RDWR)


def test_a_connection_that_is_cut_is_replaced(shop: Backoffice) -> None:
    """Reading once, reading several times and writing go on with another connection."""
    shop.authors.count()
    for do in (
        shop.authors.count,
        lambda: list(shop.authors.select()),
        lambda: shop.authors.create({"name": 7}),
    ):
        cut(database_of(shop))
        do()

    assert shop.authors.count() == 3


def hold(session: Any, collection: Any, id_: str, lock: Lock = Lock.EXCLUSIVE) -> bool:
    """Hold an item."""
    return id_ in collection.store.get(session, [id_], lock)


@pytest.mark.parametrize("is_repeated", [True, False])
def test_nobody_waits_in_a_circle(shop: Backoffice, is_repeated: bool) -> None:
    """Who asks out of order for what another holds is told to try again, keeps nothing, and holds nothing."""
    one, other = (database_of(shop).begin(writing=True) for _ in range(2))
    one.is_repeated = is_repeated
    assert hold(one, shop.books, "0")
    assert hold(other, shop.authors, "0")

    with pytest.raises(TransientError):
        hold(one, shop.authors, "0")
    assert hold(other, shop.books, "0")
    other.commit()

    with pytest.raises(TransientError):
        one.commit()


def test_out_of_order_where_nobody_is(shop: Backoffice) -> None:
    """What nobody holds, or is not there, is had at once, in any order and as strongly as one likes."""
    session = database_of(shop).begin(writing=True)

    assert hold(session, shop.books, "1")
    assert hold(session, shop.books, "0", Lock.SHARED)
    assert hold(session, shop.books, "0")
    assert hold(session, shop.authors, "1")
    assert not hold(session, shop.authors, "8")

    session.commit()


def test_a_further_try_holds_first_what_the_one_before_wanted(shop: Backoffice) -> None:
    """So it waits for its turn, in order."""
    held = []

    def do() -> None:
        with shop.transaction() as unit:
            held.append([unit.are_held([key]) for key in (("authors", "0"), ("books", "1"))])
            for collection, id_ in ((shop.books, "1"), (shop.authors, "0")):
                unit.get(collection.entry, [id_], Lock.EXCLUSIVE)
        if len(held) == 1:
            message = "once more"
            raise TransientError(message)

    shop.run(do)

    assert held == [[False, False], [True, True]]

"""Which databases a unit of work opens, and in which order."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import backo
from backo import Backoffice, Collection, DBMemoryConnector, Item, Ref, String
from backo.connectors.base import Database


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Backoffice]:
    """Books in a database file, authors in memory, notes in another file with no relation to either."""
    made = Backoffice("shop")
    made.register_collection(Collection("authors", Item({"name": String()}), DBMemoryConnector()))
    books = Item({"name": String(), "author": Ref(coll="authors")})
    made.register_collection(Collection("books", books, backo.DBSqliteConnector(path=tmp_path / "books.db")))
    notes = backo.DBSqliteConnector(path=tmp_path / "notes.db")
    made.register_collection(Collection("notes", Item({"name": String()}), notes))
    with closing(made):
        made.assemble()
        yield made


@pytest.fixture
def opened(shop: Backoffice, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the collections in whose databases a session for writing was opened, in order."""
    found: list[str] = []
    for name in ("authors", "books", "notes"):
        database = shop.collections[name].store.database
        begin = database.begin

        def noted(*, writing: bool, once: bool = False, name: str = name, begin: Any = begin) -> Any:
            if writing:
                found.append(name)
            return begin(writing=writing, once=once)

        monkeypatch.setattr(database, "begin", noted)
    return found


def test_what_is_related_is_opened_in_one_order(shop: Backoffice, opened: list[str]) -> None:
    """Who begins in the database that decides has what follows it opened first."""
    shop.books.create({"name": "one"})

    assert opened == ["authors", "books"]


def test_what_is_not_needed_is_not_opened(shop: Backoffice, opened: list[str]) -> None:
    """Nothing after the one that is asked for in that order, nothing without a relation."""
    shop.authors.create({"name": "one"})
    shop.notes.create({"name": "one"})

    assert opened == ["authors", "notes"]


def test_who_reads_opens_what_it_reads(shop: Backoffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit of work that only reads holds nothing, so it needs no order."""
    begun: list[Database] = []
    authors = shop.authors.store.database
    monkeypatch.setattr(authors, "begin", lambda **options: begun.append(authors))

    assert shop.books.count() == 0
    assert begun == []

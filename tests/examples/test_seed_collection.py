"""The chapters "Collection" and "rights" of the document.

Mended: `current` is imported and `current_user` used; they are the same. Its books are in MongoDB, as
here, and in each other store in turn.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import request
from werkzeug.test import TestResponse

from backo import Action, Backoffice, Collection, Item, Selection, StateError, String, current, current_user
from tests.examples.curl import curl_for
from tests.examples.shown import BOOKS, shown, shown_stores
from tests.work.stores import EVERY, Stores


@pytest.fixture(params=EVERY)
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """Each of our stores in turn."""
    with shown_stores(request.param, tmp_path, BOOKS[0]) as found:
        yield found


def can_delete(right_name: str, book: Item) -> bool:
    """Check if can delete a book."""
    return current_user.has_role(["ADMIN", "EMPLOYEE"])


def library(stores: Stores, **rights: Any) -> Callable[..., TestResponse]:
    """Serve the books with these rights, and one of them; gives what asks as a user with a role."""
    connector: Any = shown(stores, "books", BOOKS)
    connector.generate_id = lambda book: "666"
    books = Collection("books", Item({"title": String()}), connector, **rights)
    backoffice = Backoffice("media_library")
    stores.opened.append(backoffice)
    backoffice.register_collection(books)
    role: list[str] = []

    def authenticate() -> None:
        assert request.path.startswith("/media_library/")
        if role:
            current_user.set({"_id": "7", "login": "seven", "roles": role})

    curl = curl_for(backoffice, auth=authenticate)

    def ask(command: str, *roles: str) -> TestResponse:
        role[:] = roles
        return curl(command)

    return ask


@pytest.mark.parametrize(
    ("roles", "status"),
    [((), 401), (("READER",), 403), (("EMPLOYEE",), 204), (("ADMIN",), 204), (("READER", "ADMIN"), 204)],
    ids=["nobody", "reader", "employee", "admin", "reader-and-admin"],
)
def test_collection_example(stores: Stores, roles: tuple[str, ...], status: int) -> None:
    """Chapter "Collection", the example: everybody may create and modify books, two roles may delete them."""
    ask = library(stores, can_create=True, can_modify=True, can_delete=can_delete)
    address = "http://localhost/media_library/books"

    created = ask(f"""curl -X POST {address} -d '{{"title": "Docker"}}'""", *roles)
    changed = ask(f"""curl -X PUT {address}/666 -d '{{"title": "Winter"}}'""", *roles)
    deleted = ask(f"curl -X DELETE {address}/666", *roles)

    assert (created.status_code, changed.status_code, deleted.status_code) == (201, 200, status)
    assert ask(f"curl {address}/666").status_code == (404 if status == 204 else 200)
    assert current is current_user


def test_collection_is_registered(stores: Stores) -> None:
    """Chapter "Collection": it is composed of an item, a connector and rights, and must be registered.

    It can have actions and selections, each with an address.
    """
    books = Collection("books", Item({"title": String()}), shown(stores, "books", BOOKS))
    books.register_action("shout", Action({}, lambda action, book: book.title.upper()))
    books.register_selection("titles", Selection(["$.title"]))
    with pytest.raises(StateError):
        books.create({"title": "Docker"})

    backoffice = Backoffice("media_library")
    stores.opened.append(backoffice)
    backoffice.register_collection(books)
    curl = curl_for(backoffice)
    id_ = books.create({"title": "Docker"})["_id"]

    assert curl(f"curl -X POST http://localhost/media_library/books/_actions/shout/{id_}").json == "DOCKER"
    selected = curl("curl http://localhost/media_library/books/_selections/titles").json or {}
    assert selected["result"] == [[id_, "Docker"]]


@pytest.mark.parametrize(
    ("right", "command"),
    [
        ("can_read", "curl http://localhost/media_library/books/666"),
        ("can_modify", """curl -X PUT http://localhost/media_library/books/666 -d '{"title": "Winter"}'"""),
        ("can_delete", "curl -X DELETE http://localhost/media_library/books/666"),
    ],
)
def test_rights(stores: Stores, right: str, command: str) -> None:
    """Chapter "rights": a function of the name of the right and the item says whether it may be done."""
    asked: list[tuple[str, str]] = []

    def your_function_name(right_name: str, o: Item) -> bool:
        asked.append((right_name, o.title))
        return current_user.has_role("EMPLOYEE")

    ask = library(stores, **{right: your_function_name})
    ask("""curl -X POST http://localhost/media_library/books -d '{"title": "Docker"}'""", "EMPLOYEE")
    asked.clear()

    assert [ask(command).status_code, ask(command, "READER").status_code] == [401, 403]
    assert ask(command, "EMPLOYEE").status_code in {200, 204}
    assert set(asked) == {(right.removeprefix("can_"), "Docker")}

"""A small library, and a way to talk to it: the request and the full answer side by side."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from flask import Flask
from werkzeug.datastructures import Headers

from backo import (
    Action,
    Backoffice,
    Collection,
    DBConnector,
    DBMemoryConnector,
    Dict,
    Email,
    FreeDict,
    Int,
    Item,
    List,
    Ref,
    RefsList,
    String,
)
from backo.connectors.base import Store

Connector = Store | DBConnector

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)


def library(
    authors: Connector | None = None, books: Connector | None = None, logs: Connector | None = None, **options: Any
) -> Backoffice:
    """Declare authors who write books, with ids that can be foretold, and a log whose items are stamped."""
    backoffice = Backoffice("library", clock=lambda: NOON, **options)
    backoffice.register_collection(
        Collection(
            "authors",
            Item(
                {
                    "name": String(required=True, unique=True),
                    "mail": Email(),
                    "books": RefsList(coll="books", field="$.author"),
                }
            ),
            _counting(authors or DBMemoryConnector(), "a"),
            meta_data_handler=None,
        )
    )
    backoffice.register_collection(
        Collection(
            "books",
            Item(
                {
                    "title": String(required=True, max_length=100, views=["short"]),
                    "pages": Int(min=1, max=10_000, index=True, constraint=_is_not_unlucky),
                    "tags": List(String()),
                    "place": Dict({"room": String(), "shelf": Int()}, views=["!short"]),
                    "author": Ref(coll="authors", field="$.books", required=True),
                }
            ),
            _counting(books or DBMemoryConnector(), "b"),
            meta_data_handler=None,
        )
    )
    backoffice.register_collection(
        Collection("logs", Item({"text": String(), "more": FreeDict()}), _counting(logs or DBMemoryConnector(), "l"))
    )
    for collection in backoffice.collections.values():
        collection.register_action("replace", Action({"values": FreeDict()}, _replace))
    return backoffice


def _replace(action: Any, item: Any) -> Any:
    """Set what was sent, store it, and give it back."""
    item.set(action.values or {})
    item.save()
    return action.values


def _is_not_unlucky(value: int) -> bool:
    return value != 13


def _counting(connector: Connector, letter: str) -> Connector:
    numbers = count(1)
    connector.generate_id = lambda _: f"{letter}{next(numbers)}"
    return connector


@dataclass(frozen=True)
class Answer:
    """What came back; headers are asked for one by one."""

    status: int
    body: Any = None
    headers: Headers = field(default_factory=Headers, compare=False)


class Dialogue:
    """Talks to a back office: `talk("PUT /library/books/b1", {"pages": 3})`."""

    def __init__(self, backoffice: Backoffice, prefix: str = "", auth: Callable[..., Any] | None = None) -> None:
        self.app = Flask("app")
        backoffice.build_routes(self.app, prefix, auth)
        self._client = self.app.test_client()

    def __call__(self, request: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """Send a request; a body of bytes goes as it is, any other as JSON.

        The body of the answer is what its JSON says, None where there is none.
        """
        method, _, path = request.partition(" ")
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
        answer = self._client.open(path, method=method, headers=headers, data=body)
        return Answer(answer.status_code, answer.get_json(force=True) if answer.data else None, answer.headers)


def problem(status: int, title: str, code: str, detail: str, *errors: tuple[str, str, str]) -> Answer:
    """Give the answer that a problem document is."""
    listed = [{"path": path, "code": kind, "message": message} for path, kind, message in errors]
    document = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "errors": listed,
    }
    return Answer(status, document)


def page(*rows: Any, total: int | None, skip: int = 0, size: int = 100, view: str = "client") -> Answer:
    """Give the answer that a page of a list is."""
    counted = {} if total is None else {"total": total}
    return Answer(200, {"result": list(rows), **counted, "_view": view, "_skip": skip, "_page": size})


def talking(
    authors: Connector | None = None, books: Connector | None = None, logs: Connector | None = None
) -> Iterator[Dialogue]:
    """Give a library with two authors and three books, in memory where no connector is given."""
    backoffice = library(authors, books, logs)
    talk = Dialogue(backoffice)
    talk("POST /library/authors", {"name": "Ann", "mail": "ann@shop.org"})
    talk("POST /library/authors", {"name": "Bob"})
    for book in (ALPHA, BETA, GAMMA):
        talk("POST /library/books", {name: value for name, value in book.items() if name != "_id"})
    yield talk
    backoffice.close()


ALPHA = {
    "title": "Alpha",
    "pages": 100,
    "tags": ["new", "long"],
    "place": {"room": "east", "shelf": 1},
    "author": "a1",
    "_id": "b1",
}
BETA = {"title": "Beta", "pages": 20, "tags": [], "place": None, "author": "a1", "_id": "b2"}
GAMMA = {"title": "Gamma", "pages": None, "tags": None, "place": None, "author": "a2", "_id": "b3"}
ANN = {"name": "Ann", "mail": "ann@shop.org", "books": ["b1", "b2"], "_id": "a1"}
BOB = {"name": "Bob", "mail": None, "books": ["b3"], "_id": "a2"}

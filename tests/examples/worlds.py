"""The media library of the examples in memory, with tokens for its users and a selection for each field."""

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backo import SYSTEM, Backoffice, DBMemoryConnector, MemoryFileConnector, Selection, acting_as
from backo.connectors.base import StoredDocument
from examples.media_library.app import build_app
from examples.media_library.data import fill
from examples.media_library.login import COOKIE, token_of
from examples.media_library.model import declare

KEY = "a key that signs the tokens of these tests"
APP = "/media_library"
ANONYMOUS = ""


@cache
def fields() -> tuple[tuple[str, str], ...]:
    """Give each field of each collection, those inside groups and of `_meta` too: `("books", "borrow.user")`."""
    backoffice = declare(lambda _: DBMemoryConnector(), MemoryFileConnector())
    backoffice.assemble()
    return tuple(
        (name, ".".join(path)) for name, one in backoffice.collections.items() for path in one.entry.schema.nodes
    )


def column(path: str) -> str:
    """Name the selection that shows one field."""
    return f"column_{path.replace('.', '__')}"


class World:
    """A library with the data of the example; what is changed is put back before the next question.

    Attributes:
        backoffice: the library.
        items: all that is stored, as records by collection and `_id`.
        truth: the same in the form of JSON.
    """

    def __init__(self) -> None:
        self._connectors: dict[str, DBMemoryConnector] = {}
        self._covers = MemoryFileConnector()
        self.backoffice: Backoffice = declare(self._connect, self._covers)
        for collection, path in fields():
            self.backoffice.collections[collection].register_selection(column(path), Selection([f"$.{path}"]))
        self._client: FlaskClient = build_app(self.backoffice, KEY).test_client(use_cookies=False)
        fill(self.backoffice)
        with acting_as(SYSTEM):
            self.items: dict[str, dict[str, Any]] = {
                name: {one._id: one for one in collection.select()}
                for name, collection in self.backoffice.collections.items()
            }
            self.truth = {
                name: {id_: in_json(one.get_value()) for id_, one in items.items()}
                for name, items in self.items.items()
            }
        self._stored, self._contents = self._documents(), dict(self._covers._contents)
        self._read: dict[Any, Any] = {}

    def _connect(self, name: str) -> DBMemoryConnector:
        """Make the store of a collection; authors are called by their last names."""
        connector = self._connectors[name] = DBMemoryConnector()
        if name == "authors":
            connector.generate_id = lambda author: author["name"].split()[-1].lower()
        return connector

    def _documents(self) -> dict[str, dict[str, StoredDocument]]:
        return {
            name: {one.id: one for one in store.base.between(None, None)} for name, store in self._connectors.items()
        }

    def _ask(self, login: str, method: str, path: str, **arguments: Any) -> TestResponse:
        """Send a request as a user; nobody sends no token."""
        headers = {} if login == ANONYMOUS else {"Cookie": f"{COOKIE}={token_of(login, KEY)}"}
        return self._client.open(f"{APP}{path}", method=method, headers=headers, **arguments)

    def read(self, login: str, path: str, *query: tuple[str, str]) -> Any:
        """Give the body of an answer to GET, or the status of a refusal; asked once."""
        key = (login, path, query)
        if key not in self._read:
            answer = self._ask(login, "GET", path, query_string=list(query))
            self._read[key] = answer.get_json() if answer.status_code == 200 else answer.status_code
        return self._read[key]

    def write(self, login: str, method: str, path: str, **arguments: Any) -> tuple[int, bool]:
        """Send what might change something, and put everything back.

        Returns:
            The status, and whether something was changed.
        """
        status = self._ask(login, method, path, **arguments).status_code
        present = self._documents()
        is_changed = _written(present) != _written(self._stored)
        if is_changed:
            for name, store in self._connectors.items():
                store.base.update(dict.fromkeys(present[name]) | self._stored[name])
            self._covers._contents = dict(self._contents)
        return status, is_changed


def _written(documents: dict[str, dict[str, StoredDocument]]) -> Any:
    return {name: {id_: (one.rev, one.text) for id_, one in items.items()} for name, items in documents.items()}


def in_json(value: Any) -> Any:
    """Give plain values in the form of JSON; an address of a file depends on who asks, and is left out."""
    match value:
        case dict():
            return {name: in_json(one) for name, one in value.items() if name != "href"}
        case list():
            return [in_json(one) for one in value]
        case Decimal():
            return str(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
    return value

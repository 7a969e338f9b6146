"""A back office that only remembers what it was asked, and requests that come from no network."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from backo.collections.application import Application
from backo.collections.operations import Page, Rendered
from backo.http.messages import Request
from backo.http.refusals import TooLargeError
from backo.http.service import Service
from backo.work.catalog import Limits

ITEM = Rendered("42", b'{"name":"Jo","_id":"42"}', "e7a9")


@dataclass
class FakeSource:
    """Headers and a body that are there already."""

    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    own: str = "http://localhost"

    def header(self, name: str) -> str | None:
        """Give a header."""
        return self.headers.get(name)

    def origin(self) -> str:
        """Give where the request was sent to."""
        return self.own

    def read(self, limit: int) -> bytes:
        """Give the body."""
        if len(self.body) > limit:
            raise TooLargeError(limit)
        return self.body

    def stream(self, limit: int) -> Callable[[int], bytes]:
        """Give what reads the body."""
        return io.BytesIO(self.read(limit)).read


@dataclass
class FakeOperations:
    """Answers every question with the same item or page, or with an error, and remembers the question."""

    page: Page = field(default_factory=lambda: Page([ITEM.body], 1, "client", 0, 100, None))
    error: Exception | None = None
    during: Callable[[], Any] = lambda: None
    asked: tuple[Any, ...] = ()

    def _remember(self, *question: Any) -> None:
        self.asked = question
        self.during()
        if self.error is not None:
            raise self.error

    def read(self, collection: str, id_: str, view: str) -> Rendered:
        """Give the item."""
        self._remember("read", collection, id_, view)
        return ITEM

    def files(self, collection: str) -> Mapping[Any, Any]:
        """Have no file fields."""
        return {}

    def files_of_action(self, collection: str, action: str) -> Mapping[Any, Any]:
        """Have no file fields here either."""
        return {}

    def list(self, collection: str, pairs: Sequence[tuple[str, str]]) -> Page:
        """Give the page."""
        self._remember("list", collection, pairs)
        return self.page

    def select(self, collection: str, selection: str, pairs: Sequence[tuple[str, str]], filter_: Any) -> Page:
        """Give the page."""
        self._remember("select", collection, selection, pairs, filter_)
        return self.page

    def create(self, collection: str, values: Any, view: str) -> Rendered:
        """Give the item."""
        self._remember("create", collection, values, view)
        return ITEM

    def change(
        self, collection: str, id_: str, values: Any, matches: Callable[[str], bool] | None, view: str
    ) -> Rendered:
        """Give the item."""
        self._remember("change", collection, id_, values, matches and matches(ITEM.etag), view)
        return ITEM

    def patch(
        self, collection: str, id_: str, operations: Any, matches: Callable[[str], bool] | None, view: str
    ) -> Rendered:
        """Give the item."""
        self._remember("patch", collection, id_, operations, matches and matches(ITEM.etag), view)
        return ITEM

    def merge(
        self, collection: str, id_: str, patch: Any, matches: Callable[[str], bool] | None, view: str
    ) -> Rendered:
        """Give the item."""
        self._remember("merge", collection, id_, patch, matches and matches(ITEM.etag), view)
        return ITEM

    def delete(self, collection: str, id_: str, matches: Callable[[str], bool] | None, view: str) -> None:
        """Do nothing."""
        self._remember("delete", collection, id_, matches and matches(ITEM.etag), view)

    def run_action(
        self,
        collection: str,
        action: str,
        id_: str,
        values: Any,
        *,
        matches: Callable[[str], bool] | None,
        view: str,
    ) -> Rendered | bytes | None:
        """Give the item, something else, or nothing, as the parameters say."""
        self._remember("run_action", collection, action, id_, values, matches and matches(ITEM.etag), view)
        answers: dict[str, Rendered | bytes] = {"item": ITEM, "text": b'"done"'}
        return answers[values["give"]] if values else None

    def check(self, collection: str, item: Any, path: str) -> str | None:
        """Find fault."""
        self._remember("check", collection, item, path)
        return "Must be a string"


def application_of(
    operations: FakeOperations, name: str = "shop", limits: Limits | None = None, trusted: Sequence[str] = ()
) -> Application:
    """Give a back office with the collection `users` over these operations."""
    stand_in = SimpleNamespace(
        name=name,
        collections={
            "users": SimpleNamespace(
                can_read=None, can_create=None, can_modify=None, can_delete=None, actions={}, selections={}
            )
        },
        limits=limits or Limits(),
        trusted_origins=frozenset(trusted),
        operations=operations,
    )
    return cast("Application", stand_in)


def service_of(operations: FakeOperations, **options: Any) -> Service:
    """Give the same as handlers see it."""
    return Service(application_of(operations, **options))


def request_of(
    method: str,
    arguments: Mapping[str, str] | None = None,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Request:
    """Give a request at the back office `/shop`."""
    known = {"collection": "users"} if arguments is None else arguments
    return Request(method, "/shop", query, known, FakeSource(headers or {}, body))


@dataclass
class CountingStream:
    """A body that says how much of it was read; it never ends when it has no `size`."""

    size: int | None = None
    given: int = 0

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes."""
        left = size if self.size is None else min(size, self.size - self.given)
        self.given += left
        return b"x" * left

    def __iter__(self) -> Iterator[bytes]:
        """Be a WSGI input."""
        raise NotImplementedError

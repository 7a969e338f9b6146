"""Requests and answers as values: what adapters give to handlers, and get back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Header: TypeAlias = tuple[str, str]


class Source(Protocol):
    """What an adapter reads a request from, only when somebody asks for it."""

    def header(self, name: str) -> str | None:
        """Give a header by its usual name (`"If-Match"`), None when it was not sent."""

    def origin(self) -> str:
        """Give scheme and host that the request was sent to, lower case: `"https://example.org"`."""

    def read(self, limit: int) -> bytes:
        """Read the whole body, counted while it arrives.

        Raises:
            TooLargeError: it has more than `limit` bytes; the rest is not read.
            MalformedError: it ended before it was complete.
        """

    def stream(self, limit: int) -> Callable[[int], bytes]:
        """Give what reads the body piece by piece: at most so many bytes, none at its end.

        Calling either raises as `read` does, as soon as the body is known to be too large.
        """


class Stream(Protocol):
    """A body that is sent while it is read."""

    def __iter__(self) -> Iterator[bytes]:
        """Give the next pieces."""

    def close(self) -> None:
        """Let go of what it is read from; an adapter calls it once the answer is sent, or given up."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as far as it is understood without knowing the application.

    Attributes:
        method: in capitals.
        root: the address of the back office, percent-encoded: `"/api/shop"`.
        query: the query string, percent-encoded.
        arguments: the variable parts of the route, decoded: `{"collection": "users", "id": "42"}`.
        source: gives headers and body.
    """

    method: str
    root: str
    query: str
    arguments: Mapping[str, str]
    source: Source


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; to HEAD an adapter sends it without the body."""

    status: int
    body: bytes | Stream = b""
    headers: tuple[Header, ...] = ()

"""Clients of a server of several processes, each a thread with one connection; they count what is answered."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

PATIENCE = 100  # seconds for one answer, on a busy machine

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    etag: str | None = None

    @property
    def is_ok(self) -> bool:
        """Whether it was done, and said so."""
        return self.status < 300


@dataclass
class Tally:
    """What all clients have been answered.

    Attributes:
        statuses: how often each status came; 503 only with `Retry-After`.
        wrong: answers that are a bug of ours.
        numbers: of each request that was answered, its status.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)


class Client:
    """One client.

    Args:
        port: of the server, on this host.
        tally: where answers are counted.
    """

    def __init__(self, port: int, tally: Tally) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.tally = tally

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request; give its answer.

        Raises:
            OSError, http.client.HTTPException: there was none.
        """
        number = str(next(_numbers))
        text = None if body is None else json.dumps(body)
        sent = {"Content-Type": "application/json", "X-Number": number, **headers}
        try:
            self._connection.request(method, path, text, sent)
            response = self._connection.getresponse()
            content = response.read()
        except BaseException:
            self._connection.close()
            raise
        status = response.status
        tally = self.tally
        tally.numbers[number] = status
        tally.statuses[status] += 1
        if status >= 500 and (status != 503 or not response.headers["Retry-After"]):
            tally.wrong.append(f"{method} {path} {text}: {status} {content[:500]!r}")
        return Answer(status, json.loads(content) if content else None, response.headers["ETag"])

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def in_threads(*each: Callable[[], None]) -> None:
    """Call functions side by side; what one of them raises is raised when all have ended."""
    errors: list[BaseException] = []

    def call(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001  # it is raised below
            errors.append(error)

    threads = [threading.Thread(target=call, args=(one,)) for one in each]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def missing(expected: Iterable[str], there: Iterable[str]) -> list[str]:
    """Give what should be there and is not."""
    return sorted(set(expected) - set(there))

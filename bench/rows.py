"""What is measured over HTTP: each row, as the requests it sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from bench import model
from bench.client import Answer, delete, get, send


class Peer(Protocol):
    """What answers requests: a `Connection`, or a stand-in for one."""

    def exchange(self, request: bytes) -> Answer:
        """Send `request`; return its answer."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One measured request: on which connection, over how many items, and its number."""

    connection: Peer
    size: int
    number: int

    def spread(self, count: int) -> int:
        """Return a number below `count`, far from that of the turn before."""
        return self.number * 7_919 % count


def _leave(turn: Turn, answer: Answer) -> None:
    """Put nothing back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    `prepare` makes the request and may send others first; `settle` puts things back, so
    that the number of items stays what it was. Neither is measured.
    """

    name: str
    title: str
    times: int
    """Measured requests to each side in one round."""
    status: int
    prepare: Callable[[Turn], bytes]
    settle: Callable[[Turn, Answer], None] = _leave
    wanted: Mapping[str, float] = field(default_factory=dict)
    """For each store the least ratio floor ÷ ours at 1 000 items."""

    @property
    def is_read(self) -> bool:
        """Tell whether both sides must answer with the same bytes."""
        return self.status == 200 and self.name != "update"


def parents_of(size: int) -> int:
    """Return how many sites `size` people are spread over."""
    return max(2, size // 100)


def _listed(query: str) -> Callable[[Turn], bytes]:
    return lambda turn: get(f"/bench/people?{query}")


def _path_of_one(turn: Turn) -> str:
    return f"/bench/people/{model.person_id(turn.spread(turn.size))}"


def _read(turn: Turn) -> bytes:
    return get(_path_of_one(turn))


def _creation(turn: Turn, parent: int) -> bytes:
    values = model.person(turn.size + turn.number, parent)
    return send("POST", "/bench/people", msgspec.json.encode(values))


def _create(turn: Turn) -> bytes:
    return _creation(turn, turn.spread(parents_of(turn.size)))


def _update(turn: Turn) -> bytes:
    values = {"age": turn.number % 100, "salary": 6_000.5 + turn.number}
    return send("PUT", _path_of_one(turn), msgspec.json.encode(values))


def _deletion(answer: Answer) -> bytes:
    return delete(f"/bench/people/{msgspec.json.decode(answer.body)['_id']}")


def _remove(turn: Turn, answer: Answer) -> None:
    turn.connection.exchange(_deletion(answer))


def _delete(turn: Turn) -> bytes:
    return _deletion(turn.connection.exchange(_create(turn)))


_LOOKED_UP = {"sqlite": 0.80, "postgres": 0.80}
_FILTERED = {"sqlite": 0.70, "postgres": 0.70}
_MANY = {"sqlite": 0.50, "postgres": 0.50}
_CHANGED = {"sqlite": 0.50, "postgres": 0.60}

ROWS = (
    Row(name="get", title="get", times=60, status=200, prepare=_read, wanted=_LOOKED_UP),
    Row(
        name="list",
        title="list of 10",
        times=60,
        status=200,
        prepare=_listed("_page=10"),
        wanted=_LOOKED_UP,
    ),
    Row(
        name="filter",
        title="filtered page of 10, 70 % match",
        times=30,
        status=200,
        prepare=_listed("age.$gte=30&_sort=name&_page=10"),
        wanted=_FILTERED,
    ),
    Row(
        name="filter_few",
        title="filtered page of 10, 1 % match",
        times=30,
        status=200,
        prepare=_listed("age=30&_sort=name&_page=10"),
        wanted=_FILTERED,
    ),
    Row(
        name="list_1000",
        title="list of 1 000",
        times=15,
        status=200,
        prepare=_listed("_page=1000"),
        wanted=_MANY,
    ),
    Row(
        name="create",
        title="create with a reference",
        times=30,
        status=201,
        prepare=_create,
        settle=_remove,
        wanted=_CHANGED,
    ),
    Row(
        name="update",
        title="update of two fields",
        times=30,
        status=200,
        prepare=_update,
        wanted=_CHANGED,
    ),
    Row(name="delete", title="delete", times=30, status=204, prepare=_delete, wanted=_CHANGED),
)
"""The rows of each size."""

LISTED = next(row for row in ROWS if row.name == "list_1000")
"""The row that shows what rights cost."""

CROWDED = Row(
    name="crowded",
    title="create under a parent that has all the children",
    times=60,
    status=201,
    prepare=lambda turn: _creation(turn, 0),
    settle=_remove,
)
LONELY = Row(
    name="lonely",
    title="create under a parent that has none",
    times=60,
    status=201,
    prepare=lambda turn: _creation(turn, 1),
    settle=_remove,
)
"""In the database of these two all people belong to site 0 and none to site 1."""

EMPTY = Row(name="empty", title="empty Flask route", times=60, status=200, prepare=lambda turn: get("/"))

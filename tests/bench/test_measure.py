"""Ratios are taken round by round, and answers are looked at."""

from collections.abc import Callable

import pytest

from bench.client import Answer
from bench.measure import Lane, Spread, measure, net, ratios, require_same_answers, spread
from bench.rows import EMPTY, Row, Turn


class Echo:
    """A connection that answers without a server, and remembers what was sent."""

    def __init__(self, body: bytes = b"", status: int = 200) -> None:
        self.answer = Answer(status, body)
        self.sent: list[bytes] = []

    def exchange(self, request: bytes) -> Answer:
        """Answer the same each time."""
        self.sent.append(request)
        return self.answer


def row(prepare: Callable[[Turn], bytes]) -> Row:
    """Return a row of GETs."""
    return Row(name="row", title="row", times=3, status=200, prepare=prepare)


def test_each_lane_gets_the_same_requests() -> None:
    """Each lane sends its own requests, numbered alike; the first round is not counted."""
    echoes = {"floor": Echo(), "ours": Echo()}
    numbered = row(lambda turn: b"%d of %d" % (turn.number, turn.size))

    found = measure({label: Lane(echo, numbered, 9) for label, echo in echoes.items()}, 2, 3)

    assert {label: len(values) for label, values in found.items()} == {"floor": 2, "ours": 2}
    assert echoes["floor"].sent == [b"%d of 9" % number for number in range(9)]
    assert echoes["ours"].sent == echoes["floor"].sent


def test_an_unexpected_status_ends_the_run() -> None:
    """A failing request is never a fast one."""
    with pytest.raises(RuntimeError, match="empty: 503, not 200"):
        measure({"ours": Lane(Echo(status=503), EMPTY, 1)}, 1, 1)


def test_different_answers_end_the_run() -> None:
    """Two sides that answer differently are not compared."""
    lanes = {"floor": Lane(Echo(b"1"), EMPTY, 1), "ours": Lane(Echo(b"2"), EMPTY, 1)}

    with pytest.raises(RuntimeError, match="the answers differ"):
        require_same_answers(lanes)


def test_statistics() -> None:
    """The middle and the range of the rounds; what is net of the empty route stays positive."""
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert ratios([1.0, 4.0], [2.0, 2.0]) == [0.5, 2.0]
    assert net([5.0, 2.0], [2.0, 2.0]) == [3.0, 1.0]

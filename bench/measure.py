"""How latencies are compared: requests alternate between lanes, ratios are taken round by round."""

from __future__ import annotations

import gc
import random
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter_ns

from bench.client import Answer
from bench.rows import Peer, Row, Turn

Latencies = dict[str, list[float]]
"""For each lane the median latency of each round, in µs: `{"floor": [412.0, …]}`"""


@dataclass(frozen=True, slots=True)
class Lane:
    """One of the things compared: the requests of a row over so many items, sent on one connection."""

    connection: Peer
    row: Row
    size: int


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds, with the least and the greatest."""

    middle: float
    least: float
    most: float


def spread(values: list[float]) -> Spread:
    """Return the median of `values` with its range."""
    return Spread(median(values), min(values), max(values))


def ratios(over: list[float], under: list[float]) -> list[float]:
    """Return the quotients, round by round."""
    return [a / b for a, b in zip(over, under, strict=True)]


def net(values: list[float], empty: list[float]) -> list[float]:
    """Return latencies without what the empty route took in the same round, at least 1 µs."""
    return [max(value - cost, 1.0) for value, cost in zip(values, empty, strict=True)]


def measure(lanes: Mapping[str, Lane], rounds: int, times: int) -> Latencies:
    """Return the latencies of each lane, `times` requests a round; round 0 is not counted.

    The order of the lanes is drawn anew at each step: who follows whom matters, since the
    one before leaves the caches of the core warm or cold.
    """
    results: Latencies = {label: [] for label in lanes}
    for number in range(rounds + 1):
        for label, values in _round(lanes, number * times, times).items():
            results[label] += [median(values)] if number else []
    return results


def require_same_answers(lanes: Mapping[str, Lane]) -> None:
    """Raise `RuntimeError` when the lanes do not answer their first request with the same bytes."""
    bodies = {
        lane.connection.exchange(lane.row.prepare(Turn(lane.connection, lane.size, 0))).body for lane in lanes.values()
    }
    if len(bodies) != 1:
        raise RuntimeError(f"the answers differ: {[body[:2_000] for body in bodies]}")


def _round(lanes: Mapping[str, Lane], first: int, times: int) -> Latencies:
    latencies: Latencies = {label: [] for label in lanes}
    order, chance = list(lanes), random.Random(first)
    gc.collect()
    gc.disable()
    try:
        for number in range(first, first + times):
            chance.shuffle(order)
            for label in order:
                latencies[label].append(_time(lanes[label], number))
    finally:
        gc.enable()
    return latencies


def _time(lane: Lane, number: int) -> float:
    turn = Turn(lane.connection, lane.size, number)
    request = lane.row.prepare(turn)
    start = perf_counter_ns()
    answer = lane.connection.exchange(request)
    latency = (perf_counter_ns() - start) / 1_000
    _require_status(lane.row, request, answer)
    lane.row.settle(turn, answer)
    return latency


def _require_status(row: Row, request: bytes, answer: Answer) -> None:
    if answer.status != row.status:
        asked, got = request[:500], answer.body[:500]
        raise RuntimeError(f"{row.name}: {answer.status}, not {row.status}: {asked!r} {got!r}")

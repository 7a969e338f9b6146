"""The rows over real HTTP: servers up at once on one core, the client on another."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.client import Connection
from bench.fill import fill_all
from bench.measure import Lane, measure, ratios, require_same_answers, spread
from bench.memory import memory_under_load
from bench.report import Crowding, Figure, Line, Price, Report
from bench.rows import CROWDED, EMPTY, LISTED, LONELY, Row, parents_of
from bench.server import Server

Sides = Mapping[str, str]
"""The module that plays each side: `{"floor": "floor", "ours": "ours"}`"""

_MOST_MEMORY = 60.0


@contextmanager
def client_core() -> Iterator[int | None]:
    """Keep this process on one core; yield another for the servers, None when there is one only."""
    allowed = os.sched_getaffinity(0)
    servers, *others = sorted(allowed)
    if not others:
        yield None
        return
    os.sched_setaffinity(0, {others[0]})
    try:
        yield servers
    finally:
        os.sched_setaffinity(0, allowed)


def measure_rows(report: Report, rows: list[Row], sides: Sides, size: int, folder: Path, *, memory: bool) -> None:
    """Add the lines of `rows` over `size` people to the report, then the memory of the workers."""
    with _served(sides, size, parents_of(size), folder) as (servers, connections):
        for row in rows:
            lanes = {label: Lane(connections[label], row) for label in sides}
            if row.is_read:
                require_same_answers(lanes, size)
            lanes["empty"] = Lane(connections["empty"], EMPTY)
            latencies = measure(lanes, size, report.rounds, row.times)
            report.lines.append(Line.of(row, size, latencies))
        if memory:
            for label in sides:
                report.figures += _memory(label, servers[label], size, report.rounds)


def measure_rights(report: Report, size: int, folder: Path) -> None:
    """Add what rights cost a list of 1 000: the rate with them ÷ the rate without."""
    sides = {name: f"guarded.{name}" for name in ("none", "constant", "asked")}
    with _served(sides, size, parents_of(size), folder) as (_, connections):
        lanes = {label: Lane(connections[label], LISTED) for label in sides}
        require_same_answers({label: lanes[label] for label in ("none", "constant")}, size)
        latencies = measure(lanes, size, report.rounds, LISTED.times)
    for label, wanted in (("constant", 0.95), ("asked", 0.5)):
        rate = spread(ratios(latencies["none"], latencies[label]))
        report.rights.append(
            Price(label, spread(latencies[label]).middle, spread(latencies["none"]).middle, rate, wanted)
        )


def measure_parents(report: Report, sides: Sides, size: int, folder: Path) -> None:
    """Add what it costs to create under a parent of `size` children, against one of none."""
    with _served(sides, size, 1, folder) as (_, connections):
        lanes = {f"{label} {row.name}": Lane(connections[label], row) for label in sides for row in (CROWDED, LONELY)}
        latencies = measure(lanes, size, report.rounds, CROWDED.times)
    for label in sides:
        crowded, lonely = latencies[f"{label} crowded"], latencies[f"{label} lonely"]
        found = Crowding(
            side=label,
            children=size,
            lonely=spread(lonely).middle,
            crowded=spread(crowded).middle,
            ratio=spread(ratios(crowded, lonely)),
        )
        report.crowding.append(found)


def _memory(label: str, server: Server, size: int, rounds: int) -> Iterator[Figure]:
    for name, value in memory_under_load(server, size, turns=rounds * 10).items():
        wanted = _MOST_MEMORY if (label, name) == ("ours", "VmRSS") else None
        yield Figure(f"{name} of the worker, {label}, {size} items", value, "MiB", wanted)


@contextmanager
def _served(
    sides: Sides, size: int, parents: int, folder: Path
) -> Iterator[tuple[dict[str, Server], dict[str, Connection]]]:
    fill_all({folder / label: side for label, side in sides.items()}, size, parents)
    with client_core() as core, ExitStack() as stack:
        servers = {
            label: stack.enter_context(Server(side, folder / label, core))
            for label, side in {**sides, "empty": "empty"}.items()
        }
        connections = {label: stack.enter_context(Connection(server.port)) for label, server in servers.items()}
        yield servers, connections

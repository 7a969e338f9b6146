"""The rows over real HTTP: servers up at once on one core, the client on another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from bench.client import Connection
from bench.cores import client_core
from bench.fill import fill_all
from bench.measure import Lane, measure, ratios, require_same_answers, spread
from bench.memory import memory_under_load
from bench.places import Place
from bench.report import Crowding, Figure, Line, Price, Report
from bench.rows import CROWDED, EMPTY, LISTED, LONELY, Row, parents_of
from bench.server import Server

Sides = Mapping[str, str]
"""The module that plays each side: `{"floor": "floor", "ours": "ours"}`"""

_MOST_MEMORY = 60.0


def measure_rows(report: Report, rows: list[Row], sides: Sides, size: int, place: Place, *, memory: bool) -> None:
    """Add the lines of `rows` over `size` people to the report, then the memory of the workers."""
    with _served(sides, size, parents_of(size), place) as (servers, connections):
        for row in rows:
            lanes = {label: Lane(connections[label], row, size) for label in sides}
            if row.is_read:
                require_same_answers(lanes)
            lanes["empty"] = Lane(connections["empty"], EMPTY, size)
            latencies = measure(lanes, report.rounds, row.times)
            report.lines.append(Line.of(row, place.store, size, latencies))
        if memory:
            for label in sides:
                report.figures += _memory(place.store, label, servers[label], size, report.rounds)


def measure_rights(report: Report, size: int, place: Place) -> None:
    """Add what rights cost a list of 1 000: the rate with them ÷ the rate without."""
    sides = {name: f"guarded.{name}" for name in ("none", "constant", "asked")}
    with _served(sides, size, parents_of(size), place) as (_, connections):
        lanes = {label: Lane(connections[label], LISTED, size) for label in sides}
        require_same_answers({label: lanes[label] for label in ("none", "constant")})
        latencies = measure(lanes, report.rounds, LISTED.times)
    for label, wanted in (("constant", 0.95), ("asked", 0.5)):
        rate = spread(ratios(latencies["none"], latencies[label]))
        report.rights.append(
            Price(place.store, label, spread(latencies[label]).middle, spread(latencies["none"]).middle, rate, wanted)
        )


def measure_parents(report: Report, sides: Sides, size: int, place: Place) -> None:
    """Add what it costs to create under a parent of `size` children, against one of none."""
    with _served(sides, size, 1, place) as (_, connections):
        rows = [(label, row) for label in sides for row in (CROWDED, LONELY)]
        lanes = {f"{label} {row.name}": Lane(connections[label], row, size) for label, row in rows}
        latencies = measure(lanes, report.rounds, CROWDED.times)
    for label in sides:
        crowded, lonely = latencies[f"{label} crowded"], latencies[f"{label} lonely"]
        found = Crowding(
            store=place.store,
            side=label,
            children=size,
            lonely=spread(lonely).middle,
            crowded=spread(crowded).middle,
            ratio=spread(ratios(crowded, lonely)),
        )
        report.crowding.append(found)


def _memory(store: str, label: str, server: Server, size: int, rounds: int) -> Iterator[Figure]:
    for name, value in memory_under_load(server, size, turns=rounds * 10).items():
        wanted = _MOST_MEMORY if (store, label, name) == ("sqlite", "ours", "VmRSS") else None
        yield Figure(f"{store}: {name} of the worker, {label}, {size} items", value, "MiB", wanted)


@contextmanager
def _served(
    sides: Sides, size: int, parents: int, place: Place
) -> Iterator[tuple[dict[str, Server], dict[str, Connection]]]:
    places = {label: place.within(label) for label in sides}
    with ExitStack() as stack:
        for one in places.values():
            stack.callback(one.remove)
        fill_all({places[label]: side for label, side in sides.items()}, size, parents)
        modules = {label: (side, places[label]) for label, side in sides.items()}
        yield stack.enter_context(serving({**modules, "empty": ("empty", place)}))


@contextmanager
def serving(modules: Mapping[str, tuple[str, Place]]) -> Iterator[tuple[dict[str, Server], dict[str, Connection]]]:
    """Serve modules over their places, all at once; yield the servers and a connection to each."""
    with client_core() as core, ExitStack() as stack:
        servers = {label: stack.enter_context(Server(*module, core)) for label, module in modules.items()}
        connections = {label: stack.enter_context(Connection(server.port)) for label, server in servers.items()}
        yield servers, connections

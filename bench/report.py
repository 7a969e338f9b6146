"""What the bench found: the figures, as a table and as JSON."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import msgspec

from bench.measure import Latencies, Spread, net, ratios, spread
from bench.places import server_version
from bench.rows import Row

_RULE_SIZE = 1_000
_MOST_GROWTH = 1.20
_MOST_CROWDING = 1.10


def machine(stores: Iterable[str]) -> dict[str, str]:
    """Return what was measured with: versions, and the number of cores."""
    return {
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "Flask": version("flask"),
        "gunicorn": version("gunicorn"),
        "cores": str(os.cpu_count()),
        **({"PostgreSQL": server_version(), "psycopg": version("psycopg")} if "postgres" in stores else {}),
    }


@dataclass(frozen=True, slots=True)
class Line:
    """One row in one store at one size: latencies in µs, ratios floor ÷ ours."""

    store: str
    row: str
    title: str
    size: int
    floor: float
    ours: float
    empty: float
    ratio: Spread
    net_ratio: Spread
    wanted: float | None

    @classmethod
    def of(cls, row: Row, store: str, size: int, latencies: Latencies) -> Line:
        """Return the line of `row` from the latencies of the lanes floor, ours and empty."""
        floor, ours, empty = latencies["floor"], latencies["ours"], latencies["empty"]
        return cls(
            store=store,
            row=row.name,
            title=row.title,
            size=size,
            floor=spread(floor).middle,
            ours=spread(ours).middle,
            empty=spread(empty).middle,
            ratio=spread(ratios(floor, ours)),
            net_ratio=spread(ratios(net(floor, empty), net(ours, empty))),
            wanted=row.wanted.get(store) if size == _RULE_SIZE else None,
        )


@dataclass(frozen=True, slots=True)
class Growth:
    """Latency at the largest size ÷ at the smallest, of each side, and ours ÷ the floor's."""

    store: str
    row: str
    title: str
    sizes: tuple[int, int]
    floor: float
    ours: float
    ours_to_floor: float
    wanted: float = _MOST_GROWTH


@dataclass(frozen=True, slots=True)
class Crowding:
    """Creating under a parent with `children` ÷ under one that has none, in one side."""

    store: str
    side: str
    children: int
    lonely: float
    crowded: float
    ratio: Spread
    wanted: float = _MOST_CROWDING


@dataclass(frozen=True, slots=True)
class Price:
    """What a kind of rights costs a list of 1 000: µs with them and without, and the rate with ÷ without."""

    store: str
    kind: str
    guarded: float
    bare: float
    rate: Spread
    wanted: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and the most it may be; of repeated ones the least, and their median.

    What else runs on a machine can only add to a time, so the least is that of the code.
    """

    name: str
    value: float
    unit: str
    wanted: float | None = None
    median: float | None = None


@dataclass(slots=True)
class Report:
    """Everything one run found."""

    name: str
    rounds: int
    machine: dict[str, str]
    lines: list[Line] = field(default_factory=list)
    crowding: list[Crowding] = field(default_factory=list)
    rights: list[Price] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def growth(self) -> list[Growth]:
        """Return how each row grew, in each store, from the smallest size to the largest."""
        sizes = sorted({line.size for line in self.lines})
        if len(sizes) < 2:
            return []
        least, most = sizes[0], sizes[-1]
        small = {(line.store, line.row): line for line in self.lines if line.size == least}
        pairs = [(small[large.store, large.row], large) for large in self.lines if large.size == most]
        return [
            Growth(
                store=large.store,
                row=large.row,
                title=large.title,
                sizes=(least, most),
                floor=large.floor / before.floor,
                ours=large.ours / before.ours,
                ours_to_floor=before.ratio.middle / large.ratio.middle,
            )
            for before, large in pairs
        ]

    def write(self, folder: Path) -> Path:
        """Write the figures as JSON to `folder/<name>.json`; return that path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        document = {**msgspec.to_builtins(self), "growth": msgspec.to_builtins(self.growth())}
        path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        return path

    def text(self) -> str:
        """Return the figures as plain tables."""
        return "\n".join(self._text())

    def _text(self) -> Iterator[str]:
        yield f"{self.name}: {', '.join(f'{k} {v}' for k, v in self.machine.items())}"
        for store, size in dict.fromkeys((line.store, line.size) for line in self.lines):
            lines = [line for line in self.lines if (line.store, line.size) == (store, size)]
            yield from _lines_text(f"{store}, {number(size)}", self.rounds, lines)
        for store in dict.fromkeys(line.store for line in self.lines):
            yield from _growth_text([line for line in self.growth() if line.store == store])
        for found in self.crowding:
            yield (
                f"\n{found.store}, {found.side}: create under a parent with {number(found.children)} children "
                f"{found.crowded:.0f} µs, with none {found.lonely:.0f} µs: "
                f"{shown(found.ratio)}, {at_most(found.ratio.middle, found.wanted)}"
            )
        for price in self.rights:
            yield (
                f"\n{price.store}, rights, {price.kind}: "
                f"list of 1 000 {price.guarded:.0f} µs, without {price.bare:.0f} µs: "
                f"{shown(price.rate)}, {at_least(price.rate.middle, price.wanted)}"
            )
        if self.figures:
            yield ""
        for figure in self.figures:
            median = "" if figure.median is None else f"(median {figure.median:.2f}) "
            bound = at_most(figure.value, figure.wanted)
            yield f"{figure.name:<56}{figure.value:>10.2f} {figure.unit:<4}{median}{bound}"


def _lines_text(title: str, rounds: int, lines: list[Line]) -> Iterator[str]:
    yield f"\n{title} items, µs, median of {rounds} rounds (least–most)"
    yield (f"{'':<32}{'floor':>9}{'ours':>9}{'empty':>9}   {'floor ÷ ours':<19}{'net of empty':<19}")
    for line in lines:
        yield (
            f"{line.title:<32}{line.floor:>9.0f}{line.ours:>9.0f}{line.empty:>9.0f}   "
            f"{shown(line.ratio):<19}{shown(line.net_ratio):<19}"
            f"{at_least(line.ratio.middle, line.wanted)}"
        )


def _growth_text(growth: list[Growth]) -> Iterator[str]:
    if not growth:
        return
    least, most = growth[0].sizes
    yield f"\n{growth[0].store}, growth, {number(most)} ÷ {number(least)} items"
    yield f"{'':<32}{'floor':>9}{'ours':>9}   {'ours ÷ floor':<14}"
    for line in growth:
        yield (
            f"{line.title:<32}{line.floor:>9.2f}{line.ours:>9.2f}   {line.ours_to_floor:<14.2f}"
            f"{at_most(line.ours_to_floor, line.wanted)}"
        )


def at_least(value: float, wanted: float | None) -> str:
    """Say whether a value is as great as it has to be."""
    if wanted is None:
        return ""
    return f"≥ {wanted:.2f} {'met' if value >= wanted else 'MISSED'}"


def at_most(value: float, wanted: float | None) -> str:
    """Say whether a value is as small as it has to be."""
    if wanted is None:
        return ""
    return f"≤ {wanted:g} {'met' if value <= wanted else 'MISSED'}"


def shown(values: Spread) -> str:
    """Write a median with its range."""
    return f"{values.middle:.2f} ({values.least:.2f}–{values.most:.2f})"


def number(value: int) -> str:
    """Write a whole number with spaces between the thousands."""
    return f"{value:,}".replace(",", " ")

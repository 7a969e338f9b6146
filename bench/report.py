"""What the bench found: the figures, as a table and as JSON."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import msgspec

from bench.measure import Latencies, Spread, net, ratios, spread
from bench.rows import Row

_RULE_SIZE = 1_000
_MOST_GROWTH = 1.20
_MOST_CROWDING = 1.10


def _machine() -> dict[str, str]:
    return {
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "Flask": version("flask"),
        "gunicorn": version("gunicorn"),
        "cores": str(os.cpu_count()),
    }


@dataclass(frozen=True, slots=True)
class Line:
    """One row at one size: latencies in µs, ratios floor ÷ ours."""

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
    def of(cls, row: Row, size: int, latencies: Latencies) -> Line:
        """Return the line of `row` from the latencies of the lanes floor, ours and empty."""
        floor, ours, empty = latencies["floor"], latencies["ours"], latencies["empty"]
        return cls(
            row=row.name,
            title=row.title,
            size=size,
            floor=spread(floor).middle,
            ours=spread(ours).middle,
            empty=spread(empty).middle,
            ratio=spread(ratios(floor, ours)),
            net_ratio=spread(ratios(net(floor, empty), net(ours, empty))),
            wanted=row.wanted if size == _RULE_SIZE else None,
        )


@dataclass(frozen=True, slots=True)
class Growth:
    """Latency at the largest size ÷ at the smallest, of each side, and ours ÷ the floor's."""

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

    side: str
    children: int
    lonely: float
    crowded: float
    ratio: Spread
    wanted: float = _MOST_CROWDING


@dataclass(frozen=True, slots=True)
class Price:
    """What a kind of rights costs a list of 1 000: µs with them and without, and the rate with ÷ without."""

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
    machine: dict[str, str] = field(default_factory=_machine)
    lines: list[Line] = field(default_factory=list)
    crowding: list[Crowding] = field(default_factory=list)
    rights: list[Price] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def growth(self) -> list[Growth]:
        """Return how each row grew from the smallest size to the largest."""
        sizes = sorted({line.size for line in self.lines})
        if len(sizes) < 2:
            return []
        least, most = sizes[0], sizes[-1]
        small = {line.row: line for line in self.lines if line.size == least}
        return [
            Growth(
                row=large.row,
                title=large.title,
                sizes=(least, most),
                floor=large.floor / small[large.row].floor,
                ours=large.ours / small[large.row].ours,
                ours_to_floor=small[large.row].ratio.middle / large.ratio.middle,
            )
            for large in self.lines
            if large.size == most
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
        for size in sorted({line.size for line in self.lines}):
            yield from _lines_text(size, self.rounds, [x for x in self.lines if x.size == size])
        yield from _growth_text(self.growth())
        for found in self.crowding:
            yield (
                f"\n{found.side}: create under a parent with {_number(found.children)} children "
                f"{found.crowded:.0f} µs, with none {found.lonely:.0f} µs: "
                f"{_spread(found.ratio)}, {_at_most(found.ratio.middle, found.wanted)}"
            )
        for price in self.rights:
            yield (
                f"\nrights, {price.kind}: list of 1 000 {price.guarded:.0f} µs, without {price.bare:.0f} µs: "
                f"{_spread(price.rate)}, {_at_least(price.rate.middle, price.wanted)}"
            )
        if self.figures:
            yield ""
        for figure in self.figures:
            median = "" if figure.median is None else f"(median {figure.median:.2f}) "
            bound = _at_most(figure.value, figure.wanted)
            yield f"{figure.name:<56}{figure.value:>10.2f} {figure.unit:<4}{median}{bound}"


def _lines_text(size: int, rounds: int, lines: list[Line]) -> Iterator[str]:
    yield f"\n{_number(size)} items, µs, median of {rounds} rounds (least–most)"
    yield (f"{'':<32}{'floor':>9}{'ours':>9}{'empty':>9}   {'floor ÷ ours':<19}{'net of empty':<19}")
    for line in lines:
        yield (
            f"{line.title:<32}{line.floor:>9.0f}{line.ours:>9.0f}{line.empty:>9.0f}   "
            f"{_spread(line.ratio):<19}{_spread(line.net_ratio):<19}"
            f"{_at_least(line.ratio.middle, line.wanted)}"
        )


def _growth_text(growth: list[Growth]) -> Iterator[str]:
    if not growth:
        return
    least, most = growth[0].sizes
    yield f"\nGrowth, {_number(most)} ÷ {_number(least)} items"
    yield f"{'':<32}{'floor':>9}{'ours':>9}   {'ours ÷ floor':<14}"
    for line in growth:
        yield (
            f"{line.title:<32}{line.floor:>9.2f}{line.ours:>9.2f}   {line.ours_to_floor:<14.2f}"
            f"{_at_most(line.ours_to_floor, line.wanted)}"
        )


def _at_least(value: float, wanted: float | None) -> str:
    if wanted is None:
        return ""
    return f"≥ {wanted:.2f} {'met' if value >= wanted else 'MISSED'}"


def _at_most(value: float, wanted: float | None) -> str:
    if wanted is None:
        return ""
    return f"≤ {wanted:g} {'met' if value <= wanted else 'MISSED'}"


def _spread(values: Spread) -> str:
    return f"{values.middle:.2f} ({values.least:.2f}–{values.most:.2f})"


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")

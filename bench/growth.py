"""How the library grows: the same requests to a small and to a large database of its own, in turns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from bench import model
from bench.client import Answer, get
from bench.fill import fill_all
from bench.measure import Lane, Spread, measure, ratios, spread
from bench.over_http import serving
from bench.places import Place
from bench.plans import Plan, Recorder, recorder
from bench.report import at_most, machine, number, shown
from bench.rows import ROWS, Peer, Row, Turn, parents_of

_MOST = 1.3
_PAGE = 10
_PAGES = 1_000
_TIMED_PAGES = 50
_TIMES = 30
_NEXT = re.compile(rb'\r\nlink: <([^>]+)>; rel="next"', re.IGNORECASE)
_OF_ROWS = {row.name: row for row in ROWS}
_UNBOUND = {"filter_sorted"}
"""To sort the matches by another field, each is read, wherever it lies: in a larger file, further from the others."""

_Prepare = Callable[[Turn], bytes]


@dataclass(frozen=True, slots=True)
class Grown:
    """One row: latencies in µs at both sizes, the ratio large ÷ small, and how the statements of one request ran."""

    row: str
    title: str
    small: float
    large: float
    ratio: Spread
    plans_small: list[Plan]
    plans_large: list[Plan]
    wanted: float | None

    @property
    def uses_indexes(self) -> bool:
        """Tell whether no statement walked a whole large table."""
        return not any(plan.walks_a_table for plan in self.plans_large)


@dataclass(frozen=True, slots=True)
class GrowthReport:
    """What one run found in one store."""

    store: str
    sizes: tuple[int, int]
    rounds: int
    machine: dict[str, str]
    rows: list[Grown]

    def text(self) -> str:
        """Return the figures as a plain table."""
        small, large = map(number, self.sizes)
        lines = [
            f"{self.store}: {', '.join(f'{k} {v}' for k, v in self.machine.items())}",
            f"\n{large} ÷ {small} items, µs, median of {self.rounds} rounds (least–most)",
            f"{'':<48}{small:>10}{large:>10}   {'ratio':<19}",
        ]
        for row in self.rows:
            said = "" if row.uses_indexes else " A TABLE IS WALKED"
            judged = at_most(row.ratio.middle, row.wanted)
            lines.append(f"{row.title:<48}{row.small:>10.0f}{row.large:>10.0f}   {shown(row.ratio):<19}{judged}{said}")
        return "\n".join(lines)


def run(places: Sequence[Place], sizes: Sequence[int], rounds: int, path: Path) -> None:
    """Measure each place at the least and the greatest size; print it, and lay it into the file at `path`."""
    for place in places:
        report = measure_growth(place, (sizes[0], sizes[-1]), rounds)
        print(report.text() + "\n")
        write(report, path)
    print(f"written to {path}")


def write(report: GrowthReport, path: Path) -> None:
    """Lay a report into a file of JSON beside those of other stores."""
    known: dict[str, Any] = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    document = {**known, report.store: msgspec.to_builtins(report)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def measure_growth(place: Place, sizes: tuple[int, int], rounds: int, times: int = _TIMES) -> GrowthReport:
    """Fill two databases below a place, and measure each row on both in turns, `times` requests a round."""
    places = [place.within(str(size)) for size in sizes]
    with ExitStack() as stack:
        for one, size in zip(places, sizes, strict=True):
            stack.callback(one.remove)
            fill_all({one: "ours"}, size, parents_of(size))
        timed = _timed(places, sizes, rounds, times)
        plans = [_plans(one, size) for one, size in zip(places, sizes, strict=True)]
    rows = [
        Grown(
            row=row.name,
            title=row.title,
            small=spread(small).middle,
            large=spread(large).middle,
            ratio=spread(ratios(large, small)),
            plans_small=plans_small,
            plans_large=plans_large,
            wanted=None if row.name in _UNBOUND else _MOST,
        )
        for (row, small, large), plans_small, plans_large in zip(timed, *plans, strict=True)
    ]
    return GrowthReport(place.store, sizes, rounds, machine([place.store]), rows)


def _timed(
    places: Sequence[Place], sizes: Sequence[int], rounds: int, times: int
) -> list[tuple[Row, list[float], list[float]]]:
    """Give each row with its latencies in µs at both sizes."""
    found = []
    with serving({str(place.folder): ("ours", place) for place in places}) as (_, connections):
        peers = list(connections.values())
        _require_as_many_matches(peers, sizes)
        for rows in zip(*map(_rows, peers), strict=True):
            lanes = {str(size): Lane(peer, row, size) for peer, row, size in zip(peers, rows, sizes, strict=True)}
            small, large = measure(lanes, rounds, times).values()
            found.append((rows[0], small, large))
    return found


def _plans(place: Place, size: int) -> list[list[Plan]]:
    """Give, for each row, how the statements of one of its requests ran."""
    with recorder(place) as peer:
        return [_plans_of(peer, row, size) for row in _rows(peer)]


def _plans_of(peer: Recorder, row: Row, size: int) -> list[Plan]:
    for turn_number in range(peer.warm_up):
        turn = Turn(peer, size, turn_number)
        row.settle(turn, peer.exchange(row.prepare(turn)))
    turn = Turn(peer, size, peer.warm_up)
    request = row.prepare(turn)
    answer, plans = peer.record(request)
    row.settle(turn, answer)
    return plans


def _rows(peer: Peer) -> Iterator[Row]:
    """Give the rows for one database; each walks to where it is measured when it is asked for."""
    yield _OF_ROWS["get"]
    yield _listing("page", "page of 10", lambda turn: "_page=10&_total=0")
    yield _listing("page_sorted", "page of 10 by an indexed field", lambda turn: "_sort=name&_page=10&_total=0")
    yield _listing("filter", "filtered page of 10 with total", lambda turn: f"{_site(turn)}&_page=10")
    yield _listing("filter_sorted", "filtered page of 10 by a field, with total", _filtered_and_sorted)
    yield far(peer, "far", "1 000th page by cursor", "_page=10&_total=0")
    yield far(peer, "far_sorted", "1 000th page by cursor, by an indexed field", "_sort=name&_page=10&_total=0")
    yield replace(_OF_ROWS["create"], title="create with a reference")


def _listing(name: str, title: str, query: Callable[[Turn], str]) -> Row:
    return _reading(name, title, lambda turn: get(f"/bench/people?{query(turn)}"))


def _reading(name: str, title: str, prepare: _Prepare) -> Row:
    return Row(name=name, title=title, times=_TIMES, status=200, prepare=prepare)


def _site(turn: Turn) -> str:
    """Ask for the people of one site: a hundred, however many people there are."""
    return f"site={model.site_id(turn.spread(parents_of(turn.size)))}"


def _filtered_and_sorted(turn: Turn) -> str:
    return f"{_site(turn)}&_sort=name&_page=10"


def far(peer: Peer, name: str, title: str, query: str) -> Row:
    """Walk by cursor, and measure the last pages up to the 1 000th (or the last there is)."""
    requests = [get(f"/bench/people?{query}")]
    while len(requests) < _PAGES and (found := _NEXT.search(peer.exchange(requests[-1]).head)):
        requests.append(get(found[1].decode()))
    last = requests[-_TIMED_PAGES:]
    return _reading(name, title, lambda turn: last[turn.number % len(last)])


def _require_as_many_matches(peers: Sequence[Peer], sizes: Sequence[int]) -> None:
    totals = {_total(peer.exchange(get(f"/bench/people?site={model.site_id(1)}&_page=1"))) for peer in peers}
    if len(totals) != 1:
        raise RuntimeError(f"the filter has {totals} matches at {sizes} items")


def _total(answer: Answer) -> int:
    total: int = msgspec.json.decode(answer.body)["total"]
    return total

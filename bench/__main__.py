"""Run the bench: `python -m bench [--store STORE] [--growth] [--quick] [--only ROW] [--sizes 1000,100000]`."""

from __future__ import annotations

import argparse
import tempfile
from importlib import import_module
from pathlib import Path

from bench.cores import client_core
from bench.over_http import Sides, measure_parents, measure_rights, measure_rows
from bench.places import STORES, Place, database_server
from bench.report import Report, machine
from bench.rows import ROWS

_RESULTS = Path(__file__).parent / "results"
_OTHERS = ("parents", "rights", "memory", "inside")


def main() -> None:
    """Measure what the options ask for, print it, and write it to `bench/results`."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="backo-bench-") as folder, database_server(options.store):
        places = [Place(store, Path(folder) / store) for store in options.store]
        if options.growth:
            # Imported here, since the floor against itself needs no library.
            import_module("bench.growth").run(places, options.sizes, options.rounds, _RESULTS / f"{options.name}.json")
            return
        report = Report(options.name, options.rounds, machine(options.store))
        for place in places:
            _measure(report, options, place)
        if "inside" in options.only:
            inside = import_module("bench.inside")  # as above
            with client_core():
                report.figures += inside.inside_figures(Path(folder) / "inside", report.rounds)
    print(report.text())
    print(f"\nwritten to {report.write(_RESULTS)}")


def _measure(report: Report, options: argparse.Namespace, place: Place) -> None:
    only, sizes = options.only, options.sizes
    sides: Sides = {"floor": "floor", "ours": "floor" if options.self else "ours"}
    rows = [row for row in ROWS if row.name in only]
    for size in sizes:
        memory = "memory" in only and size == sizes[-1]
        if rows or memory:
            measure_rows(report, rows, sides, size, place.within(str(size)), memory=memory)
    if "parents" in only:
        measure_parents(report, sides, sizes[-1], place.within("parents"))
    if "rights" in only and sides["ours"] == "ours":
        measure_rights(report, max(1_000, sizes[0]), place.within("rights"))


def _options() -> argparse.Namespace:
    names = [row.name for row in ROWS] + list(_OTHERS)
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--store", action="append", choices=STORES, help="sqlite by default; may be repeated")
    parser.add_argument("--growth", action="store_true", help="the library at the sizes, against itself")
    parser.add_argument("--quick", action="store_true", help="1 000 items, 3 rounds")
    parser.add_argument("--only", action="append", choices=names, help="may be repeated")
    parser.add_argument("--sizes", type=_sizes, help="numbers of items, with commas between")
    parser.add_argument("--rounds", type=int, help="counted rounds of each row")
    parser.add_argument("--self", action="store_true", help="the floor on both sides")
    parser.add_argument("--name", help="of the file in bench/results")
    options = parser.parse_args()
    modes = [name for name in ("growth", "self", "quick") if getattr(options, name)]
    options.name = options.name or "_".join(modes) or "full"
    options.store = options.store or ["sqlite"]
    options.only = options.only or [name for name in names if name != "inside" or not options.self]
    options.sizes = options.sizes or _usual_sizes(options)
    options.rounds = options.rounds or (3 if options.quick else 15)
    return options


def _usual_sizes(options: argparse.Namespace) -> list[int]:
    if options.growth:
        return [1_000, 10_000] if options.quick else [10_000, 1_000_000]
    return [1_000] if options.quick else [1_000, 100_000]


def _sizes(text: str) -> list[int]:
    return sorted({int(size) for size in text.split(",")})


if __name__ == "__main__":
    main()

"""The rows in process: records made, changed, read and encoded, imports of code and of data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter
from timeit import Timer
from typing import TypeAlias

import msgspec

from backo import Collection
from bench import model
from bench.floor.kinds import PEOPLE, checked, new_document, row_of
from bench.ours import declare
from bench.places import Place
from bench.report import Figure
from examples.atlas.importer import import_world
from examples.atlas.model import build_backoffice

Calls: TypeAlias = dict[str, Callable[[], object]]

_MOST = {
    "record from a dict of 10 fields": 12.0,
    "record encoded as JSON": 2.0,
    "import backo, after import flask": 120.0,
    "import of the atlas": 10.0,
}
_IMPORT = """
import time, flask
start = time.perf_counter()
import backo
print(time.perf_counter() - start)
"""


def inside_figures(folder: Path, repeats: int) -> Iterator[Figure]:
    """Yield the figures, each from `repeats` (of the atlas 3); databases are made in `folder`."""
    folder.mkdir(parents=True)
    with closing(declare(Place("sqlite", folder))) as backoffice:
        yield from _timed({**_record_calls(backoffice.people), **_floor_calls()}, repeats)
    _import_time(folder)  # compiles, as an installation does
    taken = [_import_time(folder) for _ in range(repeats)]
    yield _least("import backo, after import flask", taken, "ms")
    yield _least("import of the atlas", [_atlas_time(folder / f"atlas-{n}.sqlite") for n in range(3)], "s")


def _record_calls(people: Collection) -> Calls:
    values = model.person(7, 0)
    record = people.set(values)

    def assign() -> None:
        record.age = 41

    return {
        "record from a dict of 10 fields": lambda: people.set(values),
        "record encoded as JSON": lambda: msgspec.json.encode(record.get_view("client")),
        "attribute assigned": assign,
        "attribute read": lambda: record.age,
    }


def _floor_calls() -> Calls:
    values = model.person(7, 0)
    document = new_document(PEOPLE, values, "1", model.FILLED_AT)
    return {
        "floor: document from a dict of 10 fields": lambda: new_document(
            PEOPLE, checked(PEOPLE, values), "1", model.FILLED_AT
        ),
        "floor: document encoded as JSON": lambda: row_of(document),
    }


def _timed(calls: Calls, repeats: int) -> Iterator[Figure]:
    """Time calls in turns, so that a slow moment of the machine is not all that one of them sees."""
    timers = {name: Timer(call) for name, call in calls.items()}
    numbers = {name: max(1, timer.autorange()[0] // 5) for name, timer in timers.items()}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, timer in timers.items():
            taken[name].append(timer.timeit(numbers[name]) / numbers[name] * 1_000_000)
    for name, values in taken.items():
        yield _least(name, values, "µs")


def _least(name: str, values: list[float], unit: str) -> Figure:
    return Figure(name, min(values), unit, _MOST.get(name), median(values))


def _import_time(compiled: Path) -> float:
    """Import in a new process; byte code is kept in the folder, whatever the environment says of it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(compiled)
    done = subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, check=True, env=environment)
    return float(done.stdout) * 1_000


def _atlas_time(database: Path) -> float:
    start = perf_counter()
    with closing(build_backoffice(database)) as backoffice:
        import_world(backoffice)
    return perf_counter() - start

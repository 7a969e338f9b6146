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

import msgspec

from backo import Item
from bench import model
from bench.floor.kinds import PEOPLE, checked, new_document, row_of
from bench.ours import declare
from bench.report import Figure
from examples.atlas.importer import import_world
from examples.atlas.model import build_backoffice

_MOST_RECORD = 12.0
_MOST_ENCODED = 2.0
_MOST_IMPORT = 120.0
_MOST_ATLAS = 10.0
_IMPORT = """
import time, flask
start = time.perf_counter()
import backo
print(time.perf_counter() - start)
"""


def inside_figures(folder: Path, repeats: int) -> Iterator[Figure]:
    """Yield the figures, each from `repeats` (of the atlas 3); databases are made in `folder`."""
    folder.mkdir(parents=True)
    yield from _record_figures(folder, repeats)
    yield from _floor_figures(repeats)
    _import_time(folder)  # compiles, as an installation does
    taken = [_import_time(folder) for _ in range(repeats)]
    yield _least("import backo, after import flask", taken, "ms").with_wanted(_MOST_IMPORT)
    imports = [_atlas_time(folder / f"atlas-{number}.sqlite") for number in range(3)]
    yield _least("import of the atlas", imports, "s").with_wanted(_MOST_ATLAS)


def _record_figures(folder: Path, repeats: int) -> Iterator[Figure]:
    values = model.person(7, 0)
    with closing(declare(folder)) as backoffice:
        people = backoffice.people
        record = people.set(values)

        def assign() -> None:
            record.age = 41

        made = _figure("record from a dict of 10 fields", lambda: people.set(values), repeats)
        yield made.with_wanted(_MOST_RECORD)
        encoded = _figure("record encoded as JSON", lambda: _encoded(record), repeats)
        yield encoded.with_wanted(_MOST_ENCODED)
        yield _figure("attribute assigned", assign, repeats)
        yield _figure("attribute read", lambda: record.age, repeats)


def _encoded(record: Item) -> bytes:
    return msgspec.json.encode(record.get_view("client"))


def _floor_figures(repeats: int) -> Iterator[Figure]:
    values = model.person(7, 0)
    document = new_document(PEOPLE, values, "1", model.FILLED_AT)

    def make() -> None:
        new_document(PEOPLE, checked(PEOPLE, values), "1", model.FILLED_AT)

    yield _figure("floor: document from a dict of 10 fields", make, repeats)
    yield _figure("floor: document encoded as JSON", lambda: row_of(document), repeats)


def _figure(name: str, call: Callable[[], object], repeats: int) -> Figure:
    timer = Timer(call)
    number = max(1, timer.autorange()[0] // 10)
    return _least(name, [taken / number * 1_000_000 for taken in timer.repeat(repeats, number)], "µs")


def _least(name: str, values: list[float], unit: str) -> Figure:
    return Figure(name, min(values), unit, median=median(values))


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

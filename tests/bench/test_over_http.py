"""The whole bench runs, with the floor on both sides."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cores import client_core
from bench.over_http import measure_parents, measure_rows
from bench.places import Place
from bench.report import Report, machine
from bench.rows import ROWS
from tests.bench.serving import FLOORS, server_for

SIDES = {"floor": "floor", "ours": "floor"}


@pytest.mark.parametrize("store", FLOORS)
def test_the_floor_against_itself(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row at two sizes, the two parents and the memory, as tables and as JSON."""
    server_for(store, monkeypatch)
    place = Place(store, tmp_path)
    report = Report("try", 1, machine([store]))
    rows = [replace(row, times=2) for row in ROWS]

    for size in (20, 40):
        measure_rows(report, rows, SIDES, size, place.within(str(size)), memory=size == 40)
    measure_parents(report, SIDES, 20, place.within("parents"))

    assert [line.size for line in report.lines] == [20] * len(ROWS) + [40] * len(ROWS)
    assert len(report.growth()) == len(ROWS)
    assert len(report.crowding) == 2
    assert [figure.unit for figure in report.figures] == ["MiB"] * 4
    assert "filtered page" in report.text()
    assert report.write(tmp_path).read_text("utf-8").startswith('{\n  "name": "try",')


def test_the_core_of_the_client_is_given_back() -> None:
    """The servers get another core than the client, as long as there are two."""
    before = os.sched_getaffinity(0)

    with client_core() as servers:
        assert (servers is None) == (len(before) == 1)
        assert servers not in os.sched_getaffinity(0)

    assert os.sched_getaffinity(0) == before

"""The growth of the library is measured, with the plans of its statements."""

import json
import re
from pathlib import Path

import pytest

from bench.client import Answer, get
from bench.growth import GrowthReport, far, measure_growth, write
from bench.places import Place
from bench.rows import Turn
from tests.bench.serving import LIBRARIES, logging_server_for

ROWS = ["get", "page", "page_sorted", "filter", "filter_sorted", "far", "far_sorted", "create"]


class Pages:
    """Answers pages of which each leads to the next one, by its number."""

    def __init__(self, last: int) -> None:
        self.last = last

    def exchange(self, request: bytes) -> Answer:
        number = int((re.findall(rb"_after=(\d+)", request) or [b"1"])[0])
        following = f'Link: </bench/people?_page=10&_after={number + 1}>; rel="next"\r\n' if number < self.last else ""
        return Answer(200, b"", f"HTTP/1.1 200 OK\r\n{following}\r\n".encode())


@pytest.mark.parametrize("store", LIBRARIES)
def test_growth(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row has its latencies, and at both sizes the plans of one request, which use indexes."""
    logging_server_for(store, monkeypatch)

    report = measure_growth(Place(store, tmp_path), (200, 400), rounds=1, times=2)

    assert [row.row for row in report.rows] == ROWS
    assert all(row.small > 0 and row.large > 0 and row.ratio.middle > 0 for row in report.rows)
    assert all(row.plans_small and row.plans_large for row in report.rows)
    assert [row.row for row in report.rows if not row.uses_indexes] == []
    assert "1 000th page by cursor" in report.text()


def test_results_of_stores_stand_side_by_side(tmp_path: Path) -> None:
    """A run replaces what was found in its own store alone."""
    file = tmp_path / "growth.json"
    file.write_text('{"sqlite": 1, "postgres": 2}', "utf-8")

    write(GrowthReport("sqlite", (200, 400), 1, {}, []), file)

    found = json.loads(file.read_text("utf-8"))
    assert found["postgres"] == 2
    assert found["sqlite"]["sizes"] == [200, 400]


@pytest.mark.parametrize(("there_are", "first", "last"), [(2_000, 951, 1_000), (60, 11, 60), (3, 1, 3)])
def test_far_pages(there_are: int, first: int, last: int) -> None:
    """What is timed are the last pages up to the 1 000th, in turns; the walk to them is not."""
    pages = Pages(there_are)

    row = far(pages, "far", "far", "_page=10")

    asked = [row.prepare(Turn(pages, 10, number)) for number in range(last - first + 2)]
    numbers = [int((re.findall(rb"_after=(\d+)", request) or [b"1"])[0]) for request in asked]
    assert numbers == [*range(first, last + 1), first]
    assert asked[0] != get("/bench/people?_page=10&_after=1")

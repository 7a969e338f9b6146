"""A database that is restarted, or crashes, while four processes serve clients who write."""

import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes.clients import Client, Tally, in_threads
from tests.processes.graph import declare
from tests.processes.mixing import halves
from tests.processes.serving import Server, eventually
from tests.scale import record_figure, scaled
from tests.servers import Postgres
from tests.work.stores import audit

CLIENTS = 16
LONG = 6.5  # seconds without a database: longer than a request waits for one
DURABLY = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class Writer:
    """A client that creates pairs of items and counts them, each time in one unit of work.

    Attributes:
        acknowledged: the names of the pairs that were.
        unknown: the names of those that were answered with 503: done or not, but not by halves.
        works: when a request was answered well, in times of `time.monotonic`.
    """

    def __init__(self, port: int, number: int, counter: str, tally: Tally) -> None:
        self._client = Client(port, tally)
        self._number = number
        self._counter = counter
        self.acknowledged: list[str] = []
        self.unknown: list[str] = []
        self.works: list[float] = []

    def until(self, end: threading.Event) -> None:
        """Write until it is time to end."""
        path, number = f"/graph/counters/_actions/pair/{self._counter}", 0
        with closing(self._client):
            while not end.is_set():
                number += 1
                name = f"{self._number}-{number}"
                answer = self._client("POST", path, {"name": name})
                assert answer.status in {200, 503}, answer
                if answer.is_ok:
                    self.acknowledged.append(name)
                    self.works.append(time.monotonic())
                else:
                    self.unknown.append(name)
                    time.sleep(0.05)  # sooner than `Retry-After` asks for: so as to see when it works again


def restart(database: Postgres, how: signal.Signals, away: float, writers: list[Writer]) -> list[float]:
    """Stop a database for some seconds; give for each client after how many seconds with it his writes work again."""
    before = time.monotonic()
    eventually(lambda: all(one.works and one.works[-1] > before for one in writers), "no answers")
    database.stop(how)
    time.sleep(away)
    database.start()
    up = time.monotonic()
    eventually(lambda: all(one.works[-1] > up for one in writers), "it does not work again")
    return [min(at for at in one.works if at > up) - up for one in writers]


@pytest.mark.parametrize(
    ("how", "away"),
    [pytest.param(signal.SIGINT, LONG, id="stop"), pytest.param(signal.SIGQUIT, scaled(0.3, LONG), id="crash")],
)
def test_the_database_restarts(how: signal.Signals, away: float, tmp_path: Path) -> None:
    """Meanwhile requests are answered 503; then they work again, nothing acknowledged is lost, nothing is half done."""
    restarts, tally = scaled(1, 10), Tally()
    database = Postgres(**DURABLY)
    url = database.start()
    end, waits = threading.Event(), list[float]()
    with closing(declare(url, tmp_path)) as graph:
        counters = [graph.counters.create({})["_id"] for _ in range(4)]

        with Server(url, tmp_path, workers=4, threads=4) as server:
            writers = [Writer(server.port, number, counters[number % 4], tally) for number in range(CLIENTS)]

            def work() -> None:
                in_threads(*(lambda one=one: one.until(end) for one in writers))

            def disturb() -> None:
                try:
                    for _ in range(restarts):
                        waits.extend(restart(database, how, away, writers))
                finally:
                    end.set()

            in_threads(work, disturb)

        assert tally.wrong == []
        assert tally.statuses[503] or away < LONG
        there = {item["name"] for item in graph.halves.select()}
        acknowledged = {name for one in writers for name in one.acknowledged}
        unknown = {name for one in writers for name in one.unknown}
        assert acknowledged - there == set()
        assert there - acknowledged - unknown == set()
        assert halves(graph) == []
        assert sum(item["count"] for item in graph.counters.select()) == len(there)
        assert audit(graph) == []
        assert graph.check_integrity().is_clean
    database.remove()
    label = how.name.lower()
    record_figure(
        "processes",
        {
            f"restart_{label}_times": restarts,
            f"restart_{label}_clients": CLIENTS,
            f"restart_{label}_acknowledged": len(acknowledged),
            f"restart_{label}_answers_503": tally.statuses[503],
            f"restart_{label}_done_but_503": len(there - acknowledged),
            f"restart_{label}_works_after_seconds_mean": round(sum(waits) / len(waits), 2),
            f"restart_{label}_works_after_seconds_most": round(max(waits), 2),
        },
    )

"""Sixty-four simultaneous creates with one unique value: exactly one wins."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from flask import Flask

from tests.processes.clients import PATIENCE, Client, Tally, in_threads
from tests.processes.graph import declare
from tests.processes.serving import Server
from tests.scale import record_figure, scaled
from tests.work.stores import KINDS

CLIENTS = 64


class _Inside:
    """A client of an application in this very process, whose memory no other process sees."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()

    def __call__(self, method: str, path: str, body: object) -> "_Status":
        return _Status(self._client.open(path, method=method, json=body).status_code)


class _Status:
    def __init__(self, status: int) -> None:
        self.status = status


@contextmanager
def clients(kind: str, folder: Path, tally: Tally) -> Iterator[list[Client] | list[_Inside]]:
    """Give clients of four processes; of one where the store belongs to a process."""
    if kind == "memory":
        app = Flask("graph")
        with closing(declare(kind, folder)) as graph:
            graph.build_routes(app)
            yield [_Inside(app) for _ in range(CLIENTS)]
        return
    with Server(kind, folder, workers=4, threads=CLIENTS // 4) as server:
        found = [Client(server.port, tally) for _ in range(CLIENTS)]
        try:
            yield found
        finally:
            for client in found:
                client.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_unique_value(kind: str, tmp_path: Path) -> None:
    """One of them is created, all others are told that it is taken."""
    rounds, tally = scaled(3, 100), Tally()
    ends: list[Counter[int]] = [Counter() for _ in range(rounds)]
    barrier, gate = threading.Barrier(CLIENTS, timeout=PATIENCE), threading.Lock()
    with clients(kind, tmp_path, tally) as each:

        def create(client: Client | _Inside) -> None:
            for number, end in enumerate(ends):
                barrier.wait()
                status = client("POST", "/graph/authors", {"name": f"one {number}"}).status
                with gate:
                    end[status] += 1

        in_threads(*(lambda one=client: create(one) for client in each))

    assert tally.wrong == []
    assert ends == [Counter({201: 1, 409: CLIENTS - 1})] * rounds
    record_figure("processes", {f"unique_{kind}_rounds": rounds, f"unique_{kind}_creates": rounds * CLIENTS})

"""A server of several processes is forked after the database was used, is stopped, or loses a process, under load."""

import http.client
import json
import os
import signal
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.processes.clients import Client, Tally, in_threads
from tests.processes.graph import declare
from tests.processes.serving import Server, eventually
from tests.scale import record_figure, scaled
from tests.work.stores import DURABLE, audit

WORKERS, THREADS = 4, 4
EARLY = {"GRAPH_EARLY": "1"}
BROKEN = (OSError, http.client.HTTPException)  # there was no answer


def lines(path: Path) -> list[str]:
    """Give the lines of a file; none when there is no file yet."""
    return path.read_text("utf-8").split() if path.exists() else []


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_connections_are_not_shared(kind: str, tmp_path: Path) -> None:
    """What was open before the fork belongs to the first process alone, and works when the others have ended."""
    tally, gate = Tally(), threading.Lock()
    seen: dict[int, set[int]] = {}  # connections, by process
    with Server(kind, tmp_path, workers=WORKERS, threads=THREADS, **EARLY) as server:

        def ask() -> None:
            for _ in range(scaled(30, 500)):
                with closing(Client(server.port, tally)) as client:  # a new one each time: all processes are met
                    found = client("GET", "/connection").body
                with gate:
                    seen.setdefault(found["process"], set()).add(found["connection"])

        in_threads(*[ask] * (WORKERS * THREADS))
        server.terminate()
        assert server.wait() == 0

    first, last = map(json.loads, (tmp_path / "parent").read_text("utf-8").splitlines())
    assert tally.statuses.keys() == {200}
    assert len(seen) == WORKERS
    assert first == last
    assert first["process"] not in seen
    if kind == "postgres":
        used = [first["connection"], *(one for each in seen.values() for one in each)]
        assert len(used) == len(set(used))
        record_figure(
            "processes",
            {"preload_requests": tally.statuses[200], "preload_processes": len(seen), "preload_connections": len(used)},
        )


def stop_under_load(kind: str, folder: Path, ids: list[str]) -> int:
    """Stop a server while each of its threads is busy; give how many requests it answered.

    Each request that has reached the application is answered, and well.
    """
    tally, started = Tally(), folder / "started"
    started.unlink(missing_ok=True)
    with Server(kind, folder, workers=WORKERS, threads=THREADS, **EARLY) as server:

        def work(id_: str) -> None:
            with closing(Client(server.port, tally)) as client, suppress(*BROKEN):
                while True:
                    assert client("POST", f"/slowly/{id_}/0.02").is_ok

        def stop() -> None:
            eventually(lambda: len(lines(started)) > 2 * len(ids), "no requests")
            server.terminate()
            assert server.wait() == 0

        in_threads(stop, *(lambda one=one: work(one) for one in ids))
    reached = set(lines(started))
    assert tally.wrong == []
    assert {one: tally.numbers.get(one) for one in reached} == dict.fromkeys(reached, 200)
    assert "Traceback" not in server.log()
    return len(reached)


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_a_graceful_stop(kind: str, tmp_path: Path) -> None:
    """Each request that has reached the application is answered well, and what it did is there."""
    rounds, done = scaled(1, 20), 0
    with closing(declare(kind, tmp_path)) as graph:
        ids = [graph.counters.create({})["_id"] for _ in range(WORKERS * THREADS)]
        for _ in range(rounds):
            done += stop_under_load(kind, tmp_path, ids)
            assert sum(item["count"] for item in graph.counters.select()) == done
    record_figure("processes", {f"graceful_{kind}_stops": rounds, f"graceful_{kind}_requests": done})


@pytest.mark.parametrize("kind", DURABLE)
def test_a_process_is_killed(kind: str, tmp_path: Path) -> None:
    """The others go on, nothing stays locked, and what was acknowledged is there."""
    kills, tally = scaled(2, 50), Tally()
    end, held = threading.Event(), tmp_path / "held"
    with closing(declare(kind, tmp_path)) as graph:
        ids = [graph.counters.create({})["_id"] for _ in range(4)]
        acknowledged, unknown = dict.fromkeys(ids, 0), dict.fromkeys(ids, 0)
        gate, recovered = threading.Lock(), list[float]()
        with Server(kind, tmp_path, workers=WORKERS, threads=THREADS) as server:

            def work(id_: str) -> None:
                with closing(Client(server.port, tally)) as client:
                    while not end.is_set():
                        kept = acknowledged
                        try:
                            client("POST", f"/graph/counters/_actions/pair/{id_}", {"name": os.urandom(8).hex()})
                        except BROKEN:
                            kept = unknown
                        with gate:
                            kept[id_] += 1

            def kill() -> None:
                try:
                    for _ in range(kills):
                        kill_one()
                finally:
                    end.set()

            def kill_one() -> None:
                held.unlink(missing_ok=True)
                sleeper = threading.Thread(target=hold)
                sleeper.start()
                eventually(lambda: lines(held), "nobody holds anything")
                os.kill(int(lines(held)[-1]), signal.SIGKILL)
                started = time.monotonic()
                sleeper.join()
                with gate:
                    before = dict(acknowledged)
                eventually(lambda: all(acknowledged[one] > before[one] for one in ids), "something stays locked")
                recovered.append(time.monotonic() - started)

            def hold() -> None:
                with closing(Client(server.port, tally)) as client, pytest.raises(BROKEN):
                    client("POST", f"/slowly/{ids[0]}/60")

            in_threads(kill, *(lambda one=one: work(one) for one in ids * 2))

        assert tally.wrong == []
        assert tally.statuses.keys() == {200}
        for item in graph.counters.select():
            least = acknowledged[item["_id"]]
            assert least <= item["count"] <= least + unknown[item["_id"]]
        assert audit(graph) == []
        assert graph.check_integrity().is_clean
    record_figure(
        "processes",
        {
            f"kill_{kind}_times": kills,
            f"kill_{kind}_acknowledged": sum(acknowledged.values()),
            f"kill_{kind}_all_go_on_after_seconds_most": round(max(recovered), 2),
        },
    )
